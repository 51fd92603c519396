// Session: the one lookup of an established packet. Finds the line of each lane's key and decides
// whether the walk it remembers applies (decision 12), or what the walk to come may rely on:
// tracked flows, the NAT binding, the asker.
//
// Worker thread. Reads: sender, parsed columns, traits. Writes: key, hash, session, match, pair
// columns; for hits also out, the walk's addresses and ports, deltas and ttl_spent.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_key.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Looks up every lane of `lanes`; hits and settling lanes go to `hits`, the others to `walks`, both
// in order.
void SessionStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                  const LaneList& lanes, LaneList& hits, LaneList& walks) noexcept;

// The key of the packet in `lane` as its sender in `scope` sent it, or of the packet as it looks
// after the walk.
SessionKey KeyAsSent(const Batch& batch, uint32_t lane, InterfaceIdx scope) noexcept;
SessionKey KeyAfterWalk(const Batch& batch, uint32_t lane, InterfaceIdx scope) noexcept;

inline SessionKey StoredKey(const Batch& batch, uint32_t lane) noexcept {
  return {batch.key_addresses[lane], batch.key_rest[lane]};
}

// Whether the packet, as the walk has made it so far and as `receiver` would answer it, is of the
// session that this lane's key was found in; of an ICMP error, what it quotes, as `receiver` sent
// it. An answer that took another way than the questions came is not what the receiver knows.
bool IsOfSessionAt(const Batch& batch, uint32_t lane, InterfaceIdx receiver) noexcept;

// Clears the columns that say of which session a lane is.
inline void ForgetPair(Batch& batch, uint32_t lane) noexcept {
  batch.session[lane] = SessionIdx::None();
  batch.pair_flags[lane] = 0;
  batch.initiator[lane] = InterfaceIdx::None();
  batch.responder[lane] = InterfaceIdx::None();
  batch.bound_nat[lane] = NatGatewayIdx::None();
}

inline PacketFacts FactsOf(const Batch& batch, uint32_t lane) noexcept {
  return {batch.protocol[lane], batch.tcp_flags[lane], batch.tcp_seq[lane], batch.tcp_ack[lane],
          batch.tcp_payload_bytes[lane]};
}

// How the walk of a line is kept in its next-hop word (remembered_walk.h takes it apart).
inline uint32_t PackNextHop(const Batch& batch, uint32_t lane) noexcept {
  const bool direct = (batch.traits[lane] & kTraitL2Direct) != 0;
  const bool edge = (batch.walk_flags[lane] & kWalkGateway) != 0;
  return batch.out[lane].value | (direct ? kNextHopDirect : 0) | (edge ? kNextHopEdge : 0);
}

}  // namespace sluice
