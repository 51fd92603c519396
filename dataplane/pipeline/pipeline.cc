#include "dataplane/pipeline/pipeline.h"

#include "dataplane/pipeline/burst_count.h"
#include "dataplane/pipeline/pass.h"
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

}  // namespace

void RunBurst(const Snapshot& snapshot, WorkerContext& worker, Batch& batch) noexcept {
  worker.emits->Clear();
  LaneList received, arp, ip, dhcp, routed;
  AllLanes(batch, received);
  ParseStage(snapshot, worker, batch, received, arp, ip);
  InterfaceStage(snapshot, worker, batch, ip, dhcp, routed);
  ArpStage(snapshot, worker, batch, arp);
  DhcpStage(snapshot, worker, batch, dhcp);

  // A lane that depends on an earlier one of its burst waits for the next pass, so that results
  // never depend on where bursts begin and end. Each pass ends at least its first lane.
  LaneList again;
  while (!routed.empty()) {
    again.Clear();
    RunPass(snapshot, worker, batch, routed, again);
    routed = again;
  }
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
