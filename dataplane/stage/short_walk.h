// The short walk: where routes, ACLs, groups and gateways lead the packets of a flow, found out
// from its key and from what its session remembers, for some flows at a time and without the
// batch's columns. It asks the same tables in the same order as the stages of the long way.
//
// It only ever says yes. What it carries: from an ENI or the internet, by a local route, one to an
// interface, a NAT gateway or the internet gateway, through at most one NAT gateway; a known flow
// whose groups remember it, or a new one that will be tracked or translated. Whatever is not that,
// or is refused anywhere, is left to the long way. Both give the same walk
// (tests/property/agreement_test.cc).
//
// Worker thread; reads tables, writes nothing but its result.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// What a session remembers, as one of its directions needs it.
struct FlowMemory {
  InterfaceIdx tracked_at_sender;    // the ENI whose group remembers the flow, or none
  InterfaceIdx tracked_at_receiver;  // the same at the other end
  NatGatewayIdx gateway;             // that has a mapping for the flow, or none
  uint32_t gateway_address;          // its private address
  uint16_t gateway_l4_port;          // the translated source port
  bool forward;                      // the packet goes the initiator's way
  SessionKey answer;  // the key of the other direction: what the receiver's answers are sent as
};

// One walk. Addresses and ports in host order; where the packet is, as it is there.
struct ShortWalk {
  InterfaceIdx sender;
  InterfaceIdx origin;  // of the present leg
  InterfaceIdx target;  // of the present leg; behind the last one where the packet leaves
  uint32_t src;
  uint32_t dst;
  uint16_t src_l4_port;
  uint16_t dst_l4_port;
  uint8_t protocol;
  uint8_t flags;       // WalkFlag bits
  uint32_t src_owner;  // of the first leg, in the sender's VPC: what `addresses` answers
  uint32_t dst_owner;
  NatGatewayIdx gateway;    // that was passed, or none
  uint32_t gateway_choice;  // of a new flow: which of the gateway's addresses
  FlowMemory memory;        // of a known flow
};

struct ShortWalks {
  uint32_t count = 0;
  uint32_t open = 0;   // bit i: walk i has been refused nothing yet
  uint32_t fresh = 0;  // bit i: walk i opens a flow: groups are asked, a gateway makes a mapping
  std::array<ShortWalk, kFindBatch> walk;
};

// Adds the walk of a TCP or UDP packet of `key`, addressed to the router. `fresh`: it opens a flow.
void AddShortWalk(const SessionKey& key, bool fresh, ShortWalks& walks) noexcept;

// Sets `open` of them all and leads them to the end of their first leg, for which no session is
// asked. The caller then gives those of known flows that are open their `memory`, or takes their
// bit away.
void BeginShortWalks(const Snapshot& snapshot, ShortWalks& walks) noexcept;
// Walks on. Those whose bit is still set have arrived: `target` is the side they leave on,
// addresses and ports are what they leave with (the source port of a new mapping is still to be
// chosen), and answers of known flows are keyed as the session remembers. What is asked of a packet
// rather than of a flow (length, TTL, next hop) is not asked. `seed`: the worker context's.
void EndShortWalks(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept;

// The next-hop word of a walk that has arrived.
inline uint32_t NextHopOf(const ShortWalk& walk) noexcept {
  return walk.target.value | ((walk.flags & kWalkGateway) != 0 ? kNextHopEdge : 0);
}
// What a session line remembers of a walk that has arrived; `key` is the one it began with.
WalkOutcome OutcomeOf(const ShortWalk& walk, const SessionKey& key) noexcept;

}  // namespace sluice
