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
#include "dataplane/stage/rewrite.h"
#include "dataplane/stage/session.h"

namespace sluice {
namespace {

constexpr size_t kPairMarks = 1024;

// Lanes of a pair that an earlier lane of this pass may change wait, and so do all walks behind the
// first that waits: what it will commit may be what they look for. A false match only costs a pass.
void DeferFollowers(const Batch& batch, LaneList& hits, LaneList& walks, LaneList& again) {
  std::bitset<kPairMarks> changing;
  uint32_t h = 0;
  uint32_t w = 0;
  bool waiting = false;
  LaneList kept_hits;
  LaneList kept_walks;
  while (h < hits.count || w < walks.count) {
    const bool is_hit = w == walks.count || (h < hits.count && hits.lanes[h] < walks.lanes[w]);
    const uint8_t lane = is_hit ? hits.lanes[h++] : walks.lanes[w++];
    const SessionIdx session = batch.session[lane];
    if ((waiting && !is_hit) ||
        (session.has_value() && changing[(session.value >> 1) % kPairMarks])) {
      again.Add(lane);
      waiting = true;
      continue;
    }
    if (session.has_value() && !is_hit) {
      changing.set((session.value >> 1) % kPairMarks);
    }
    (is_hit ? kept_hits : kept_walks).Add(lane);
  }
  hits = kept_hits;
  walks = kept_walks;
}

// How the session table answered this pass's lanes; packets that make no session are in none.
void CountMatches(WorkerContext& worker, const Batch& batch, const LaneList& hits,
                  const LaneList& walks) {
  const auto count = [&](SessionMatch match) {
    return static_cast<uint64_t>(std::count_if(
        walks.begin(), walks.end(), [&](uint8_t lane) { return batch.match[lane] == match; }));
  };
  worker.counters->session_hits.Add(hits.count);
  if (!walks.empty()) {
    worker.counters->session_misses.Add(count(SessionMatch::kMiss));
    worker.counters->session_walks.Add(count(SessionMatch::kKnown));
  }
}

LaneList Merge(const LaneList& a, const LaneList& b) {
  LaneList merged;
  merged.count = a.count + b.count;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), merged.lanes.begin());
  return merged;
}

// Whether an earlier lane of this pass has made, or changed, the session.
bool MadeBefore(const Batch& batch, const LaneList& forward, uint32_t lane, LineIdx found) {
  return std::any_of(forward.begin(), forward.end(), [&](uint8_t earlier) {
    return earlier < lane && batch.match[earlier] != SessionMatch::kHit &&
           batch.session[earlier].has_value() && PairOf(batch.session[earlier]) == PairOf(found);
  });
}

// A lane that was refused for want of a session looks again when an earlier lane has made one
// meanwhile, or may still: when it waits itself.
void LookAgain(const WorkerContext& worker, Batch& batch, const LaneList& walks,
               const LaneList& forward, LaneList& resets, LaneList& again) {
  uint32_t first_again = again.empty() ? kMaxBatch : *std::min_element(again.begin(), again.end());
  const auto found_now = [&](uint32_t lane) {
    if (lane > first_again) {
      return true;
    }
    if (batch.session[lane].has_value() || batch.key_rest[lane] == 0) {
      return false;
    }
    const LineIdx found = worker.sessions->FindOne(StoredKey(batch, lane));
    return found.has_value() && MadeBefore(batch, forward, lane, found);
  };
  for (const uint8_t lane : resets) {
    first_again = found_now(lane) ? std::min<uint32_t>(first_again, lane) : first_again;
  }
  for (const uint8_t lane : walks) {
    const bool refused = batch.verdict[lane] == Verdict::kDrop &&
                         batch.reason[lane] != DropReason::kUndecided &&
                         batch.reason[lane] != DropReason::kMtuExceeded &&
                         batch.reason[lane] != DropReason::kTtlExpired;
    if (refused && found_now(lane)) {
      DropLane(batch, lane, DropReason::kUndecided);
      again.Add(lane);
      first_again = std::min<uint32_t>(first_again, lane);
    }
  }
  Retain(resets, [&](uint32_t lane) {
    const bool found = found_now(lane);
    if (found) {
      again.Add(lane);
    }
    return !found;
  });
}

// The checks that come last of a walk (docs/semantics_choices.md, order 7), and what may leave.
LaneList Check(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
               const LaneList& arrived) {
  LaneList fitting, reachable;
  {
    const StageMeter meter(worker, StageId::kMtuTtl, arrived.count);
    MtuTtlStage(snapshot, worker, batch, arrived, fitting);
  }
  ResolveNextHopStage(snapshot, worker, batch, fitting, reachable);
  return reachable;
}

void Leave(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& forward) {
  const StageMeter meter(worker, StageId::kRewrite, forward.count);
  RewriteStage(snapshot, worker, batch, forward);
  SplitStage(snapshot, worker, batch, forward);
}

}  // namespace

void RunPass(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
             LaneList& again) noexcept {
  LaneList whole, hits, walks, arrived, resets, forward;
  {
    const StageMeter meter(worker, StageId::kFragment, lanes.count);
    FragmentStage(snapshot, worker, batch, lanes, whole, again);
  }
  {
    const StageMeter meter(worker, StageId::kSession, whole.count);
    SessionStage(snapshot, worker, batch, whole, hits, walks);
  }
  DeferFollowers(batch, hits, walks, again);
  CountMatches(worker, batch, hits, walks);
  if (!walks.empty()) {
    RunWalk(snapshot, worker, batch, walks, arrived, resets);
    arrived = Check(snapshot, worker, batch, arrived);
  }
  {
    const StageMeter meter(worker, StageId::kAdmit, hits.count + arrived.count);
    AdmitStage(snapshot, worker, batch, Merge(hits, arrived), forward, again);
  }
  if (!walks.empty()) {
    LookAgain(worker, batch, walks, forward, resets, again);
    CountDropped(snapshot, worker, batch, walks);
    for (const uint8_t lane : resets) {
      EmitNatIdleReset(snapshot, worker, batch, lane);
    }
  }
  Leave(snapshot, worker, batch, forward);
  Retain(whole, [&](uint32_t lane) { return batch.reason[lane] != DropReason::kUndecided; });
  ResolveFragments(worker, batch, whole);
  std::sort(again.lanes.begin(), again.lanes.begin() + again.count);
}

}  // namespace sluice
