// Whether the walk that a session's line remembers may be used for a packet, without asking any
// table: the one place that says so. Worker threads.
#pragma once

#include <algorithm>

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_line.h"
#include "dataplane/stage/walk_generation.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// What fits here needs no walk to know whether it passes the internet's edge.
inline uint16_t MtuOfAnyWayBytes(const Snapshot& snapshot, InterfaceIdx out) noexcept {
  const uint16_t edge_bytes = snapshot.adjacency[snapshot.internet.index()].mtu_bytes;
  return std::min({snapshot.adjacency[out.index()].mtu_bytes, edge_bytes, kInternetMtuBytes});
}

// What is asked about a packet.
struct WalkQuestion {
  InterfaceIdx sender;
  uint16_t ip_bytes = 0;
  uint8_t ttl = 0;
};

// A remembered walk: where it leads and how.
struct RememberedWalk {
  WalkOutcome outcome;
  InterfaceIdx out;
  bool direct = false;      // to an ENI of the same subnet, by its MAC (AWS-RT-10)
  bool translated = false;  // by a NAT gateway, which takes one of the TTL
};

// False: the packet must walk. The line's walk is of another generation or being written, or the
// packet is one a gateway answers (TTL) or that does not fit where it leads. Says nothing of the
// connection's state.
inline bool RememberWalk(const Snapshot& snapshot, const SessionLine& line,
                         const WalkQuestion& packet, RememberedWalk& walk) noexcept {
  const InterfaceIdx leads(line.next_hop.load(std::memory_order_relaxed) & ~kNextHopDirect);
  const uint32_t generation = WalkGenerationOf(snapshot, packet.sender, leads);
  if (!ReadWalk(line, generation, &walk.outcome)) {
    return false;
  }
  walk.direct = (walk.outcome.next_hop & kNextHopDirect) != 0;
  walk.out = InterfaceIdx(walk.outcome.next_hop & ~kNextHopDirect);
  walk.translated = (line.state.load(std::memory_order_relaxed) & kLineNat) != 0;
  return (!walk.translated || packet.ttl > 1) &&
         packet.ip_bytes <= MtuOfAnyWayBytes(snapshot, walk.out);
}

}  // namespace sluice
