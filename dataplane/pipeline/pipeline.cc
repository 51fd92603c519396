#include "dataplane/pipeline/pipeline.h"

#include "dataplane/pipeline/burst_count.h"
#include "dataplane/pipeline/pass.h"
#include "dataplane/stage/arp.h"
#include "dataplane/stage/dhcp.h"
#include "dataplane/stage/fragment.h"
#include "dataplane/stage/interface.h"
#include "dataplane/stage/parse.h"

namespace sluice {
namespace {

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
}

}  // namespace sluice
