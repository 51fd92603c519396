#include "dataplane/pipeline/pass.h"

#include <algorithm>
#include <bitset>

#include "dataplane/pipeline/stage_meter.h"
#include "dataplane/pipeline/walk.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/admit.h"
#include "dataplane/stage/fragment.h"
#include "dataplane/stage/frame_builder.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/mtu_ttl.h"
#include "dataplane/stage/nat_count.h"
#include "dataplane/stage/rewrite.h"
#include "dataplane/stage/session.h"

namespace sluice {
namespace {

constexpr size_t kPairMarks = 1024;

// What a pass knows of its lanes.
struct Pass {
  std::bitset<kMaxBatch> resets;    // lanes that a NAT gateway answers with RST
  std::bitset<kPairMarks> changed;  // sessions that a walk of this pass has changed
  bool committed = false;           // some walk of this pass has been admitted
  bool unseen = false;  // lanes got their walk without the stages that tell flow logs of it
  LaneList forward;
};

bool IsFragment(const Batch& batch, uint32_t lane) {
  return (batch.traits[lane] & kTraitFragment) != 0;
}

bool IsCached(const Batch& batch, uint32_t lane) {
  return batch.match[lane] >= SessionMatch::kSettling;
}

// Whether what is judged of other lanes may be another thing once this one is committed: it walks,
// or it has SYN, FIN or RST.
bool MovesState(const Batch& batch, uint32_t lane) {
  return !IsCached(batch, lane) || (batch.traits[lane] & kTraitTcpSlow) != 0;
}

// The walk and the checks that come last of it (docs/semantics_choices.md, order 7).
void Walk(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& walks,
          Pass& pass) {
  LaneList arrived, resets, fitting, reachable;
  RunWalk(snapshot, worker, batch, walks, arrived, resets);
  for (const uint8_t lane : resets) {
    pass.resets.set(lane);
  }
  const StageMeter meter(worker, StageId::kMtuTtl, arrived.count);
  MtuTtlStage(snapshot, batch, arrived, fitting);
  ResolveNextHopStage(snapshot, worker, batch, fitting, reachable);
}

// Everything up to the commit. Refused lanes get their reason or are in pass.resets; those that the
// fragment cache ends are not in `judged`. Returns the number that move
// state.
uint32_t Judge(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
               Pass& pass, LaneList& judged) {
  LaneList hits, walks;
  {
    const StageMeter meter(worker, StageId::kFragment, lanes.count);
    FragmentStage(snapshot, worker, batch, lanes, judged);
  }
  {
    const StageMeter meter(worker, StageId::kSession, judged.count);
    SessionStage(snapshot, worker, batch, judged, hits, walks);
  }
  if (!walks.empty()) {
    Walk(snapshot, worker, batch, walks, pass);
  }
  const auto ends = std::count_if(hits.begin(), hits.end(),
                                  [&](uint8_t lane) { return MovesState(batch, lane); });
  return walks.count + static_cast<uint32_t>(ends);
}

// Once more, alone, now that all lanes before it are done.
void JudgeAgain(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& one,
                Pass& pass) {
  const uint8_t lane = *one.begin();
  LaneList judged;
  pass.resets.reset(lane);
  pass.unseen = false;
  DropLane(batch, lane, DropReason::kUndecided);
  Judge(snapshot, worker, batch, one, pass, judged);
}

bool IsRefused(const Batch& batch, const Pass& pass, uint32_t lane) {
  return !IsCached(batch, lane) &&
         (pass.resets[lane] || batch.reason[lane] != DropReason::kUndecided);
}

// Whether an earlier lane of this pass has committed what this one should have seen. What may open
// a session finds out by itself: its key is taken.
bool IsStale(const WorkerContext& worker, const Batch& batch, const Pass& pass, uint32_t lane) {
  if (!pass.committed) {
    return false;
  }
  if (const SessionIdx session = batch.session[lane]; session.has_value()) {
    const PairIdx pair = PairOf(session);
    return pass.changed[pair.value % kPairMarks] || !worker.sessions->IsLive(pair);
  }
  const bool keyless = batch.key_rest[lane] == 0;
  if (keyless || (batch.match[lane] == SessionMatch::kMiss && !IsRefused(batch, pass, lane))) {
    return false;
  }
  const SessionKey key = StoredKey(batch, lane);
  LineIdx found;
  worker.sessions->Find(&key, &batch.hash[lane], &found, 1);
  return found.has_value();
}

// Commits `lanes`, all plain hits or a single one. False: that has to be judged again.
bool Admit(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
           Pass& pass) {
  LaneList again;
  const uint8_t first = *lanes.begin();
  const SessionIdx session = batch.session[first];
  const StageMeter meter(worker, StageId::kAdmit, lanes.count);
  AdmitStage(snapshot, worker, batch, lanes, pass.forward, again);
  if (MovesState(batch, first)) {
    pass.committed = true;
    if (session.has_value()) {
      pass.changed.set(PairOf(session).value % kPairMarks);
    }
  }
  return again.empty();
}

// What flow logs tell of a lane that admission refuses, where its walk has not told them yet: it is
// walked once more. Its reason and the gateway that counts it stay.
void TellWalk(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& one,
              Pass& pass) {
  const uint8_t lane = *one.begin();
  pass.unseen = false;
  if (worker.sightings != nullptr) {
    const DropReason reason = batch.reason[lane];
    const NatGatewayIdx nat = batch.nat[lane];
    LaneList arrived, resets;
    RunWalk(snapshot, worker, batch, one, arrived, resets);
    DropLane(batch, lane, reason);
    batch.nat[lane] = nat;
  }
}

// Ends a lane that has been judged.
void Settle(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& one,
            Pass& pass) {
  const uint8_t lane = *one.begin();
  while (!IsRefused(batch, pass, lane) && !Admit(snapshot, worker, batch, one, pass)) {
    // An earlier lane, or at this moment another worker, has made its session.
    JudgeAgain(snapshot, worker, batch, one, pass);
  }
  if (pass.unseen && batch.verdict[lane] == Verdict::kDrop) {
    TellWalk(snapshot, worker, batch, one, pass);
  }
  if (pass.resets[lane]) {
    EmitNatIdleReset(snapshot, worker, batch, lane);
  } else if (!IsCached(batch, lane)) {
    AnswerUnfit(snapshot, worker, batch, lane);
    CountDropped(snapshot, worker, batch, one);
  }
  if (!IsCached(batch, lane)) {
    CountNatStayed(snapshot, worker, batch, one);
    GiveNatIpId(snapshot, worker, batch, lane);
  }
}

void TakeTurn(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
              Pass& pass) {
  LaneList one, judged;
  one.Add(lane);
  if (!IsFragment(batch, lane)) {
    if (IsStale(worker, batch, pass, lane)) {
      JudgeAgain(snapshot, worker, batch, one, pass);
    }
    Settle(snapshot, worker, batch, one, pass);
    return;
  }
  Judge(snapshot, worker, batch, one, pass, judged);
  if (!judged.empty()) {
    Settle(snapshot, worker, batch, one, pass);
    ResolveFragments(worker, batch, one);
  }
}

// How the session table answered each packet; one that makes no session is in none.
void CountMatches(WorkerContext& worker, const Batch& batch, const LaneList& lanes) {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t known = 0;
  for (const uint8_t lane : lanes) {
    const SessionMatch match = batch.match[lane];
    hits += match >= SessionMatch::kSettling ? 1 : 0;
    misses += match == SessionMatch::kMiss ? 1 : 0;
    known += match == SessionMatch::kKnown ? 1 : 0;
  }
  worker.counters->session_hits.Add(hits);
  worker.counters->session_misses.Add(misses);
  worker.counters->session_walks.Add(known);
}

void Leave(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& forward) {
  const StageMeter meter(worker, StageId::kRewrite, forward.count);
  RewriteStage(snapshot, worker, batch, forward);
  SplitStage(snapshot, worker, batch, forward);
}

void EndPass(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
             const Pass& pass) {
  CountMatches(worker, batch, lanes);
  CountNatLeft(worker, batch, pass.forward);
  Leave(snapshot, worker, batch, pass.forward);
}

// New flows are admitted one by one; what they will touch is fetched for all of them together.
void PrepareAdmissions(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                       const LaneList& judged) {
  uint32_t opening = 0;
  for (const uint8_t lane : judged) {
    if (batch.match[lane] == SessionMatch::kMiss && batch.reason[lane] == DropReason::kUndecided &&
        opening < kFindBatch) {
      PrepareAdmission(snapshot, worker, batch, lane);
      ++opening;
    }
  }
  if (opening != 0) {
    LeavingPairs leaving;
    worker.sessions->LookAhead(opening, leaving);
  }
}

}  // namespace

void RunPass(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
             const LaneList& lanes) noexcept {
  Pass pass;
  LaneList ahead, judged;
  for (const uint8_t lane : lanes) {
    batch.match[lane] = SessionMatch::kNone;
    if (!IsFragment(batch, lane)) {
      ahead.Add(lane);
    }
  }
  const uint32_t moving = Judge(snapshot, worker, batch, ahead, pass, judged);
  PrepareAdmissions(snapshot, worker, batch, judged);
  if (moving == 0 && ahead.count == lanes.count) {
    Admit(snapshot, worker, batch, lanes, pass);
  } else {
    for (const uint8_t lane : lanes) {
      TakeTurn(snapshot, worker, batch, lane, pass);
    }
  }
  EndPass(snapshot, worker, batch, lanes, pass);
}

void RunOpening(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                uint32_t lane) noexcept {
  Pass pass;
  pass.unseen = true;
  LaneList one;
  one.Add(lane);
  Settle(snapshot, worker, batch, one, pass);
  EndPass(snapshot, worker, batch, one, pass);
}

}  // namespace sluice
