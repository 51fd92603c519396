// Finishes L4 checksums that a frame's sender left to hardware (TAP and af_packet neighbours do):
// the pipeline only ever applies deltas, which need a right sum to start from. Pure bytes; worker
// threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

// `frame` is Ethernet with at most one VLAN tag, all `bytes` contiguous. A TCP or UDP packet that
// is not a fragment gets its checksum computed over pseudo header and payload (RFC 9293 3.1, RFC
// 768) when `always`, or else when its checksum field holds the bare sum of the pseudo header,
// which is what an offloading sender leaves there. Anything else, or malformed, stays as it is.
// True: written.
bool CompleteL4Checksum(uint8_t* frame, size_t bytes, bool always) noexcept;

}  // namespace sluice
