#include "dataplane/pipeline/pipeline.h"

#include "dataplane/pipeline/burst_count.h"
#include "dataplane/pipeline/pass.h"
#include "dataplane/pipeline/stage_meter.h"
#include "dataplane/session/accounting.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/arp.h"
#include "dataplane/stage/dhcp.h"
#include "dataplane/stage/fragment.h"
#include "dataplane/stage/interface.h"
#include "dataplane/stage/parse.h"

namespace sluice {
namespace {

// Rows of the accounting table looked at a call: with one a millisecond all 8192 are seen in an
// eighth of a second, so that what ended is reported long before its window is closed.
constexpr uint32_t kAccountRowsATimer = 64;

void AllLanes(const Batch& batch, LaneList& lanes) {
  lanes.Clear();
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    lanes.Add(lane);
  }
}

void Parse(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, LaneList& arp,
           LaneList& ip) {
  LaneList received;
  AllLanes(batch, received);
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

}  // namespace

void RunBurst(const Snapshot& snapshot, WorkerContext& worker, Batch& batch) noexcept {
  worker.emits->Clear();
  LaneList arp, ip, dhcp, routed;
  Parse(snapshot, worker, batch, arp, ip);
  FindSenders(snapshot, worker, batch, ip, dhcp, routed);
  AnswerLocally(snapshot, worker, batch, arp, dhcp);
  if (!routed.empty()) {
    RunPass(snapshot, worker, batch, routed);
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
