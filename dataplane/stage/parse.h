// The first stage: reads a frame's headers once and writes them as columns. Later stages ask the
// columns, never the bytes, until rewrite.
//
// Worker thread. Reads: frame, segment_bytes, frame_bytes, rx_port. Writes: verdict, reason,
// sender, out, rule, rule_subnet, split (their start values), and every column "written by parse".
// Headers (and the whole of an ICMP error) must lie in the first segment: the filler copies them
// there.
//
// Drops, in this order: malformed_ethernet, unsupported_ethertype, malformed_ipv4 (RFC 1812 5.2.2),
// bad_ipv4_checksum, malformed_ipv4 or ipv4_options (RFC 791, 7126: source routing), fragment_tiny
// (RFC 1858), malformed_l4. A dropped frame still names its sender when port, VLAN and source MAC
// tell it.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Lanes of ARP frames join `arp`, those of well-formed IPv4 packets join `ip`; the others end here.
void ParseStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& in,
                LaneList& arp, LaneList& ip) noexcept;

// Whether a packet with these addresses is never forwarded: 0/8, 127/8 or 240/4 at either end, a
// multicast source, or both ends alike.
constexpr bool IsMartian(uint32_t src, uint32_t dst) noexcept {
  const uint32_t s = src >> 24;
  const uint32_t d = dst >> 24;
  return s == 0 || s == 127 || s >= 224 || d == 0 || d == 127 || d >= 240 || src == dst;
}

}  // namespace sluice
