// How a packet of the short way leaves that is handled by itself: rewritten as its walk says, with
// the link header of the side it leads to. Worker threads.
#pragma once

#include <cstring>

#include "dataplane/packet/batch.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/glance.h"
#include "dataplane/stage/neighbor_table.h"
#include "dataplane/stage/remembered_walk.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

struct Departure {
  uint8_t* ip = nullptr;  // first byte of the IPv4 header, which has no options
  uint32_t ip_bytes = 0;
  WalkWords walk;
  bool translated = false;  // by a NAT gateway
  const LinkRow* link = nullptr;
  uint64_t link_first = 0;
};

// Finds the link that the walk leads to. False: the packet does not fit there, has no TTL left for
// it, or nothing can be sent there.
inline bool FindLink(const Snapshot& snapshot, const NeighborTable& neighbors,
                     Departure& leaves) noexcept {
  leaves.link = &snapshot.links[SideOf(leaves.walk.next_hop).index()];
  leaves.link_first = PackedLink(*leaves.link, neighbors);
  return IsResolved(leaves.link_first) && WalkCarries(*leaves.link, leaves.walk, leaves.translated,
                                                      leaves.ip_bytes, leaves.ip[kIpv4TtlOffset]);
}

// The packet as it leaves. Sums in the byte order of memory (checksum.h).
inline void RewriteIp(const Departure& leaves, uint8_t protocol) noexcept {
  uint8_t* ip = leaves.ip;
  const auto l3_delta = static_cast<uint16_t>(leaves.walk.deltas);
  const auto l4_delta = static_cast<uint16_t>(leaves.walk.deltas >> 16);
  // One taken of the TTL, the low byte of its word.
  const uint16_t delta = AddDeltas(l3_delta, leaves.translated ? 0xfffe : 0);
  ip[kIpv4TtlOffset] = static_cast<uint8_t>(ip[kIpv4TtlOffset] - (leaves.translated ? 1 : 0));
  uint16_t sum;
  std::memcpy(&sum, ip + kIpv4ChecksumOffset, sizeof(sum));
  sum = ApplyDelta(sum, delta);
  std::memcpy(ip + kIpv4ChecksumOffset, &sum, sizeof(sum));
  std::memcpy(ip + kIpv4SourceOffset, &leaves.walk.addresses, sizeof(leaves.walk.addresses));
  uint8_t* l4 = ip + kIpv4MinBytes;
  std::memcpy(l4, &leaves.walk.ports, sizeof(leaves.walk.ports));
  const bool tcp = protocol == kProtocolTcp;
  uint8_t* field = l4 + (tcp ? kTcpChecksumOffset : kUdpChecksumOffset);
  std::memcpy(&sum, field, sizeof(sum));
  sum = tcp ? ApplyDelta(sum, l4_delta) : ApplyUdpDelta(sum, l4_delta);
  std::memcpy(field, &sum, sizeof(sum));
}

// Rewrites it, and writes every result column of its lane: forward.
inline void Depart(const Departure& leaves, uint8_t protocol, InterfaceIdx sender, Batch& batch,
                   uint32_t lane) noexcept {
  RewriteIp(leaves, protocol);
  batch.verdict[lane] = Verdict::kForward;
  batch.reason[lane] = DropReason::kNone;
  batch.rule[lane] = 0;
  batch.split[lane] = 0;
  batch.sender[lane] = sender;
  batch.out[lane] = SideOf(leaves.walk.next_hop);
  batch.out_frame[lane] = WriteLink(*leaves.link, leaves.link_first, leaves.ip);
  batch.out_bytes[lane] = leaves.link->bytes + leaves.ip_bytes;
}

}  // namespace sluice
