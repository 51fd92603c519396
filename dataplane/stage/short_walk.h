// The short walk: where routes, ACLs, groups and gateways lead the packets of a flow, found out
// from its key and from what its session remembers, for some flows at a time and without the
// batch's columns. It asks the same tables as the stages of the long way.
//
// It only ever says yes. What it carries: from an ENI or the internet, by a local route, one to an
// interface, a NAT gateway or the internet gateway, through at most one NAT gateway; a known flow
// whose groups remember it, or a new one that will be tracked or translated. Whatever is not that,
// or is refused anywhere, is left to the long way. Both give the same walk
// (tests/property/agreement_test.cc). Since every question only ever closes walks, they may be
// asked in any order, and also for walks that are closed.
//
// Worker thread; reads tables, writes nothing but its result.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/lane_bits.h"
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

// One walk, to be read. Addresses and ports in host order; where the packet is, as it is there.
struct ShortWalk {
  InterfaceIdx sender;
  InterfaceIdx origin;  // of the present leg
  InterfaceIdx target;  // of the present leg; behind the last one where the packet leaves
  uint32_t src;
  uint32_t dst;
  uint16_t src_l4_port;
  uint16_t dst_l4_port;
  uint8_t protocol;
  uint8_t flags;            // WalkFlag bits
  uint32_t src_owner;       // of the first leg, in the sender's VPC: what `addresses` answers
  NatGatewayIdx gateway;    // that was passed, or none
  uint32_t gateway_choice;  // of a new flow: which of the gateway's addresses
};

// Walks as columns, of which eight places are a vector. Places behind the last walk hold anything.
struct alignas(32) ShortWalks {
  using Words = std::array<uint32_t, kFindBatch>;

  // What is asked of the row of an interface.
  struct Side {
    Words kind;  // InterfaceRowKind
    Words flags;
    Words vpc;
    Words subnet;
    Words fib;
    Words group_set;
    Words nat;
  };

  // ShortWalk:
  Words sender, origin, target, src, dst, flags, src_owner, gateway, gateway_choice;
  Words dst_owner;  // like src_owner
  std::array<uint16_t, kFindBatch> src_l4_port, dst_l4_port;
  std::array<uint8_t, kFindBatch> protocol;
  Side from, to;  // of origin and target
  // FlowMemory, of known flows:
  Words tracked_at_sender, tracked_at_receiver, memory_gateway, gateway_address, gateway_l4_port;
  Words answer_src, answer_dst;
  Words answer_ports;  // source << 16 | destination
  Words answer_low;    // the low word of SessionKey::rest
  LaneBits forward = 0;

  uint32_t count = 0;
  LaneBits open = 0;   // bit i: walk i has been refused nothing yet
  LaneBits fresh = 0;  // bit i: walk i opens a flow: groups are asked, a gateway makes a mapping
};

// Adds the walk of a TCP or UDP packet of `key`, addressed to the router. `fresh`: it opens a flow.
// Walks of neighbouring places should have much in common: those of ENIs are added together.
inline void AddShortWalk(const SessionKey& key, bool fresh, ShortWalks& walks) noexcept {
  const uint32_t place = walks.count++;
  walks.fresh |= (fresh ? LaneBits{1} : 0) << place;
  walks.sender[place] = key.scope();
  walks.src[place] = key.src();
  walks.dst[place] = key.dst();
  walks.src_l4_port[place] = key.src_l4_port();
  walks.dst_l4_port[place] = key.dst_l4_port();
  walks.protocol[place] = key.key_protocol();
}

inline void GiveMemory(const FlowMemory& memory, uint32_t place, ShortWalks& walks) noexcept {
  walks.tracked_at_sender[place] = memory.tracked_at_sender.value;
  walks.tracked_at_receiver[place] = memory.tracked_at_receiver.value;
  walks.memory_gateway[place] = memory.gateway.value;
  walks.gateway_address[place] = memory.gateway_address;
  walks.gateway_l4_port[place] = memory.gateway_l4_port;
  walks.answer_src[place] = memory.answer.src();
  walks.answer_dst[place] = memory.answer.dst();
  walks.answer_ports[place] = static_cast<uint32_t>(memory.answer.rest >> 32);
  walks.answer_low[place] = static_cast<uint32_t>(memory.answer.rest);
  walks.forward |= (memory.forward ? LaneBits{1} : 0) << place;
}

// Sets `open` of them all and leads them to the end of their first leg.
void BeginShortWalks(const Snapshot& snapshot, ShortWalks& walks) noexcept;
// Then the network ACLs of that leg. Until here no session is asked. The caller then gives those of
// known flows that are open their memory, or takes their bit away.
void PassFirstAcls(const Snapshot& snapshot, ShortWalks& walks) noexcept;
// Walks on. Those whose bit is still set have arrived: `target` is the side they leave on,
// addresses and ports are what they leave with (the source port of a new mapping is still to be
// chosen), and answers of known flows are keyed as the session remembers. What is asked of a packet
// rather than of a flow (length, TTL, next hop) is not asked. `seed`: the worker context's.
void EndShortWalks(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept;

inline ShortWalk WalkAt(const ShortWalks& walks, uint32_t place) noexcept {
  return {.sender = InterfaceIdx(walks.sender[place]),
          .origin = InterfaceIdx(walks.origin[place]),
          .target = InterfaceIdx(walks.target[place]),
          .src = walks.src[place],
          .dst = walks.dst[place],
          .src_l4_port = walks.src_l4_port[place],
          .dst_l4_port = walks.dst_l4_port[place],
          .protocol = walks.protocol[place],
          .flags = static_cast<uint8_t>(walks.flags[place]),
          .src_owner = walks.src_owner[place],
          .gateway = NatGatewayIdx(walks.gateway[place]),
          .gateway_choice = walks.gateway_choice[place]};
}

// The next-hop word of a walk that has arrived.
inline uint32_t NextHopOf(const ShortWalk& walk) noexcept {
  return walk.target.value | ((walk.flags & kWalkGateway) != 0 ? kNextHopEdge : 0);
}
// What a session line remembers of a walk that has arrived, but for its deltas.
inline WalkOutcome LeavesAs(const ShortWalk& walk) noexcept {
  return {.new_src = walk.src,
          .new_dst = walk.dst,
          .new_src_l4_port = walk.src_l4_port,
          .new_dst_l4_port = walk.dst_l4_port,
          .next_hop = NextHopOf(walk)};
}
// Those, of a walk that began with `key`.
void SetDeltas(const SessionKey& key, WalkOutcome& outcome) noexcept;

}  // namespace sluice
