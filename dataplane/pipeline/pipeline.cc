#include "dataplane/pipeline/pipeline.h"

#include <algorithm>

#include "dataplane/pipeline/burst_count.h"
#include "dataplane/pipeline/pass.h"
#include "dataplane/pipeline/stage_meter.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/arp.h"
#include "dataplane/stage/dhcp.h"
#include "dataplane/stage/express.h"
#include "dataplane/stage/fragment.h"
#include "dataplane/stage/interface.h"
#include "dataplane/stage/open_lane.h"
#include "dataplane/stage/open_one.h"
#include "dataplane/stage/parse.h"
#include "dataplane/stage/settle_group.h"
#include "dataplane/stage/settle_one.h"
#include "dataplane/stage/turns.h"

namespace sluice {
namespace {

// Rows of the accounting table looked at a call: with one a millisecond all 8192 are seen in an
// eighth of a second, so that what ended is reported long before its window is closed.
constexpr uint32_t kAccountRowsATimer = 64;

void Parse(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& received,
           LaneList& arp, LaneList& ip) {
  const StageMeter meter(worker, StageId::kParse, received.count);
  ParseStage(snapshot, worker, batch, received, arp, ip);
}

void FindSenders(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& ip,
                 LaneList& dhcp, LaneList& routed) {
  const StageMeter meter(worker, StageId::kInterface, ip.count);
  InterfaceStage(snapshot, worker, batch, ip, dhcp, routed);
}

void AnswerLocally(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   const LaneList& arp, const LaneList& dhcp) {
  if (arp.empty() && dhcp.empty()) {
    return;
  }
  const StageMeter meter(worker, StageId::kLocal, arp.count + dhcp.count);
  ArpStage(snapshot, worker, batch, arp);
  DhcpStage(snapshot, worker, batch, dhcp);
}

// Everything but the short way, for `received` in their order.
void RunLongWay(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                const LaneList& received) {
  LaneList arp, ip, dhcp, routed;
  Parse(snapshot, worker, batch, received, arp, ip);
  FindSenders(snapshot, worker, batch, ip, dhcp, routed);
  AnswerLocally(snapshot, worker, batch, arp, dhcp);
  if (!routed.empty()) {
    RunPass(snapshot, worker, batch, routed);
  }
}

// Notes the ends of connections that were settled together: before anybody else ends one, or makes
// room in a full table.
void NoteEnded(WorkerContext& worker, ExpressLanes& found) {
  worker.sessions->NoteClosed(&found.line[0], &found.hash[0], found.ended);
  found.ended = 0;
}

// A burst on the short way, and what of it has to go the long way.
struct Express {
  LaneList rest;           // of the long way, not yet run
  uint32_t overtaken = 0;  // times that `rest` was run to let a lane through
  bool changed = false;    // sessions may have left the table since they were found
};

// Lanes keep their order: one that could go the short way lets those before it go first. That is
// worth a pass of their own only so often; after that, whatever follows goes the long way too.
constexpr uint32_t kMaxOvertaken = 4;

// Whether the short way is open to the lane that comes now.
bool ClearTheWay(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
                 Express& express) {
  if (!express.rest.empty() && express.overtaken < kMaxOvertaken) {
    NoteEnded(worker, found);
    RunLongWay(snapshot, worker, batch, express.rest);
    express.rest.Clear();
    ++express.overtaken;
    express.changed = true;
  }
  return express.rest.empty();
}

uint32_t TakeExpress(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                     ExpressLanes& found, uint32_t from, bool changed) {
  const StageMeter meter(worker, StageId::kExpress, 0, 0);
  return ExpressTake(snapshot, worker, batch, found, from, changed);
}

// The `i`-th found lane, which opens a flow.
void Open(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
          uint32_t i, Express& express) {
  {
    StageMeter meter(worker, StageId::kAdmit, 0, 0);
    if (OpenOne(snapshot, worker, batch, found, i, express.changed)) {
      meter.CountOne();
      return;
    }
  }
  NoteEnded(worker, found);
  FillOpening(snapshot, batch, found, i, found.openings[i].walk);
  RunOpening(snapshot, worker, batch, found.glance.lane[i]);
  express.changed = true;  // a full table makes room for it
}

// The `i`-th found lane by itself, if it can be settled or opens a flow.
bool TakeTurn(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
              uint32_t i, Express& express) {
  {
    const StageMeter meter(worker, StageId::kExpress, 0, 0);
    if (!found.prepared) {
      PrepareTurns(snapshot, worker, found, i, express.changed);
    }
    if ((found.opening >> i & 1) == 0) {
      if (SettleGroup(snapshot, worker, batch, found, i, express.changed)) {
        return true;
      }
      NoteEnded(worker, found);
      return SettleOne(snapshot, worker, batch, found, i);
    }
  }
  Open(snapshot, worker, batch, found, i, express);
  return true;
}

// Takes found lanes from the `from`-th on by the short way; returns the first that it does not
// take.
uint32_t TakeFound(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   ExpressLanes& found, uint32_t from, Express& express) {
  const bool established = ExpressIsFor(worker, found, from);
  if (!ClearTheWay(snapshot, worker, batch, found, express)) {
    return from;
  }
  const uint32_t next =
      established ? TakeExpress(snapshot, worker, batch, found, from, express.changed) : from;
  if (next != from) {
    return next;
  }
  return TakeTurn(snapshot, worker, batch, found, from, express) ? from + 1 : from;
}

void RunExpress(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t first,
                uint32_t count, Express& express) {
  ExpressLanes found;
  {
    const StageMeter meter(worker, StageId::kExpress, count);
    ExpressStage(snapshot, worker, batch, first, worker.session_cache ? count : 0, found);
  }
  uint32_t next = 0;
  for (uint32_t lane = first; lane < first + count; ++lane) {
    if (next < found.count && found.glance.lane[next] == lane) {
      const uint32_t from = next;
      if ((found.settled >> from & 1) != 0) {
        ++next;
        continue;
      }
      next = TakeFound(snapshot, worker, batch, found, from, express);
      if (next != from) {
        lane += next - from - 1;
        continue;
      }
      ++next;
    }
    express.rest.Add(lane);
  }
  {
    const StageMeter meter(worker, StageId::kExpress, 0, 0);
    NoteEnded(worker, found);
  }
  GiveBackOpenings(worker, found);
}

}  // namespace

void RunBurst(const Snapshot& snapshot, WorkerContext& worker, Batch& batch) noexcept {
  worker.emits->Clear();
  Express express;
  for (uint32_t first = 0; first < batch.count; first += kFindBatch) {
    const uint32_t count = std::min(kFindBatch, batch.count - first);
    RunExpress(snapshot, worker, batch, first, count, express);
  }
  if (!express.rest.empty()) {
    RunLongWay(snapshot, worker, batch, express.rest);
  }
  const StageMeter meter(worker, StageId::kAccount, batch.count);
  CountBurst(worker, batch);
}

void RunTimers(WorkerContext& worker, bool drain) noexcept {
  worker.emits->Clear();
  ReleaseOrphans(worker, drain);
  if (worker.account != nullptr) {
    worker.account->EmitEnded(ClockOf(worker), kAccountRowsATimer);
  }
}

}  // namespace sluice
