// The one place that writes into packets: applies what the walk decided, in one pass over the
// headers, and puts the link header of the outgoing side in front, backwards from the IPv4 header.
//
// Worker thread. RewriteStage reads frame, l2_bytes, l3_bytes, ip_bytes, traits, vlan, protocol,
// src..l4_dst, quoted_*, walk_src..walk_quoted_l4_dst, l3_delta, l4_delta, ttl_spent, walk_flags,
// split, out and nat_ip_id; writes out_frame and out_bytes, and the bytes. Every lane
// has a port and a next hop (ResolveNextHopStage) and ttl > ttl_spent. The frame sent is link
// header + IPv4 total length: a trailer is cut off.
//
// Checksums follow RFC 1624; those of later fragments and unknown protocols have no transport part,
// a UDP checksum of 0 stays 0. Of ICMP errors the quoted packet follows the walk too, with its own
// checksums (RFC 5508 REQ-4), and the ICMP checksum covers the change.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

void RewriteStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                  const LaneList& in) noexcept;

// Before admit: drops what nothing can be sent for as next_hop_unresolved (no port on that side, or
// a next hop whose MAC is not known yet), the rest joins `out`. Reads out; writes reason.
void ResolveNextHopStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                         const LaneList& in, LaneList& out) noexcept;

// After a lane has been admitted, before ResolveFragments: a datagram that leaves a NAT gateway in
// pieces gets an IPv4 id of the gateway's, and its later fragments that of the first. Reads nat,
// traits, split, walk_src, walk_dst, protocol, verdict; writes nat_ip_id.
void GiveNatIpId(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                 uint32_t lane) noexcept;

// What a packet's checksums change by (checksum.h).
struct WalkDeltas {
  uint16_t l3 = 0;  // of the IPv4 header, without TTL
  uint16_t l4 = 0;  // of TCP or UDP
};
struct FlowAddresses {
  uint32_t src = 0;
  uint32_t dst = 0;
  uint16_t src_l4_port = 0;
  uint16_t dst_l4_port = 0;
};
constexpr WalkDeltas DeltasOf(const FlowAddresses& before, const FlowAddresses& after) noexcept {
  ChecksumDelta delta;
  delta.Replace32(before.src, after.src);
  delta.Replace32(before.dst, after.dst);
  WalkDeltas deltas;
  deltas.l3 = delta.value();
  delta.Replace16(before.src_l4_port, after.src_l4_port);
  delta.Replace16(before.dst_l4_port, after.dst_l4_port);
  deltas.l4 = delta.value();
  return deltas;
}

// Fills l3_delta and l4_delta from src..l4_dst to walk_src..walk_l4_dst. Reads traits too: an ICMP
// query's delta is of its id alone, other protocols have no transport delta.
void ComputeDeltas(Batch& batch, const LaneList& in) noexcept;

// The delta of a header that loses `spent` of its TTL, which stands in the high byte of its word.
constexpr uint16_t TtlDelta(uint8_t spent) noexcept {
  return spent == 0 ? 0 : static_cast<uint16_t>(~(uint32_t{spent} << 8));
}

// The id that an ICMP query leaves with: whichever of walk_l4_src and walk_l4_dst was translated.
inline uint16_t WalkedQueryId(const Batch& batch, uint32_t lane) noexcept {
  return batch.walk_l4_src[lane] != batch.l4_src[lane] ? batch.walk_l4_src[lane]
                                                       : batch.walk_l4_dst[lane];
}

}  // namespace sluice
