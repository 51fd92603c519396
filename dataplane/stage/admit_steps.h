// Steps that the ways of admitting a lane share, and what becomes of it; inline where every packet
// that walks takes them. Worker threads.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/accept.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/admission_record.h"
#include "dataplane/stage/rewrite.h"
#include "dataplane/stage/session.h"
#include "dataplane/stage/walk_generation.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

enum class AdmitFate : uint8_t { kForward, kAgain, kDropped };

// The checksum deltas of the lane anew, from its walk.
inline void Recompute(Batch& batch, uint32_t lane) noexcept {
  LaneList one;
  one.Add(lane);
  ComputeDeltas(batch, one);
}

AdmitFate Refuse(Batch& batch, uint32_t lane, DropReason reason) noexcept;
// A new connection that cannot be tracked (AWS-SG-14). It counts at the interface whose limit it
// was, or, when the host is full, at each that would have tracked it. An interface's allowance ends
// at the interface: the packet has not been to a NAT gateway.
AdmitFate RefuseUntracked(WorkerContext& worker, Batch& batch, uint32_t lane,
                          const SessionCold& cold,
                          uint32_t full_interface_idx = kNoInterface) noexcept;

// What a new line is stamped with.
inline uint32_t StampOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane) noexcept {
  return MayRemember(snapshot, batch, lane)
             ? WalkGenerationOf(snapshot, batch.sender[lane], batch.out[lane])
             : kGenerationNone;
}

// Where what is accepted is counted: in its line, or, when the flow's ends are not those of this
// packet's walk, by what the walk has seen.
enum class CountIn : uint8_t { kLine, kSightings };

// Counts the packet and moves its direction's state.
inline void Accept(WorkerContext& worker, Batch& batch, uint32_t lane, LineIdx idx,
                   CountIn count = CountIn::kLine) noexcept {
  const SessionTable& sessions = *worker.sessions;
  const PacketFacts facts = FactsOf(batch, lane);
  if (ChangesNothing(sessions.Line(idx), sessions.Line(PeerOf(idx)), IsForward(idx), facts)) {
    CountUnkept(worker, batch, lane);
    return;
  }
  if (count == CountIn::kLine) {
    CountAccepted(worker, batch, lane, idx);
  } else {
    CountUnkept(worker, batch, lane);
  }
  AcceptInSession(worker, idx, facts, batch.nat[lane]);
}

// The key of the answer to the packet as its receiver sees it.
inline SessionKey AnswerOf(const Batch& batch, uint32_t lane) noexcept {
  return AnswerKey(KeyAfterWalk(batch, lane, batch.out[lane]), batch.out[lane].value);
}

// The walk as the line keeps it, where the session's other key is not of this packet's making.
inline WalkOutcome OutcomeAt(const SessionTable& sessions, const Batch& batch, uint32_t lane,
                             LineIdx idx) noexcept {
  WalkOutcome walk = OutcomeOf(batch, lane);
  const bool strays = AnswerOf(batch, lane) != KeyOf(sessions.Line(PeerOf(idx)));
  walk.next_hop |= strays ? kNextHopStrays : 0;
  return walk;
}

// Whether the packet may open a session.
bool MayOpen(const Batch& batch, uint32_t lane) noexcept;

}  // namespace sluice
