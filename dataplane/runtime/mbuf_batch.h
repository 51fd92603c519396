// mbuf <-> Batch: puts received frames into lanes in the shape the pipeline wants, and turns judged
// lanes and emitted bytes back into mbufs. Worker threads, each with its own batch.
//
// Shape (decision 16): the first kContiguousBytes of a frame, or all of it, lie in segment 1, which
// is writable and has kFrameHeadroomBytes before the frame; the rest may be chained. A VLAN tag
// that the device took off is put back.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/batch.h"

struct rte_mbuf;
struct rte_mempool;

namespace sluice {

// Covers the deepest read of a stage: a DHCP request (RFC 2131: 576 bytes of IP) in a tagged frame.
inline constexpr uint32_t kContiguousBytes = 640;

// Gives the frame the shape above; may replace `mbuf` by another chain. False: no buffer was free;
// the frame is as it was and still the caller's.
bool ShapeFrame(rte_mbuf*& mbuf, rte_mempool* pool) noexcept;

// Appends a shaped frame as the next lane; the batch has room. The handle is the mbuf, whose own
// `port` keeps the PortIdx for a frame that comes back later. Not marked as reentered.
void AppendLane(rte_mbuf* mbuf, PortIdx port, Batch& batch) noexcept;

// The frame that lane's mbuf is to leave as. out_frame lies inside segment 1 or its headroom.
void CutToOutput(rte_mbuf* mbuf, const uint8_t* out_frame, uint32_t out_bytes) noexcept;

// A new mbuf, chained where one is too short, with these bytes; nullptr when the pool is empty.
rte_mbuf* CopyToMbuf(std::span<const uint8_t> bytes, rte_mempool* pool) noexcept;

}  // namespace sluice
