#include "dataplane/pipeline/walk.h"

#include <algorithm>

#include "dataplane/pipeline/stage_meter.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/gateway.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/nacl.h"
#include "dataplane/stage/nat.h"
#include "dataplane/stage/route.h"
#include "dataplane/stage/security_group.h"

namespace sluice {
namespace {

struct ByTarget {
  LaneList internet, nat, sides;
};

ByTarget SplitByTarget(const Snapshot& snapshot, const Batch& batch, const LaneList& lanes) {
  ByTarget split;
  for (const uint8_t lane : lanes) {
    switch (snapshot.interfaces[batch.target[lane].index()].kind) {
      case InterfaceRowKind::kInternet:
        split.internet.Add(lane);
        break;
      case InterfaceRowKind::kNatGateway:
        split.nat.Add(lane);
        break;
      case InterfaceRowKind::kEni:
      case InterfaceRowKind::kServices:
        split.sides.Add(lane);
        break;
    }
  }
  return split;
}

void Arrive(Batch& batch, const LaneList& lanes, LaneList& arrived) {
  for (const uint8_t lane : lanes) {
    batch.out[lane] = batch.target[lane];
    arrived.Add(lane);
  }
}

// From the origin to the verdict of the route: what the sending side of a leg asks.
void LeaveOrigin(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, LaneList& lanes) {
  {
    const StageMeter meter(worker, StageId::kRoute, lanes.count);
    RouteStage(snapshot, batch, lanes);
  }
  {
    const StageMeter meter(worker, StageId::kSgEgress, lanes.count);
    SgEgressStage(snapshot, batch, lanes);
  }
  {
    const StageMeter meter(worker, StageId::kNaclEgress, lanes.count);
    NaclEgressStage(snapshot, batch, lanes);
  }
  SightEgress(snapshot, worker, batch, lanes);
  RouteVerdictStage(batch, lanes);
}

// One leg. Lanes with another leg to go are left in `lanes`.
void RunLeg(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, LaneList& lanes,
            LaneList& arrived, LaneList& resets) {
  LeaveOrigin(snapshot, worker, batch, lanes);
  {
    const StageMeter meter(worker, StageId::kNaclIngress, lanes.count);
    NaclIngressStage(snapshot, batch, lanes);
  }
  DropUnowned(batch, lanes);
  ByTarget by = SplitByTarget(snapshot, batch, lanes);
  lanes.Clear();
  if (!by.internet.empty()) {
    const StageMeter meter(worker, StageId::kGateway, by.internet.count);
    GatewayStage(snapshot, batch, by.internet, lanes);
    Arrive(batch, by.internet, arrived);
  }
  if (!by.sides.empty()) {
    const StageMeter meter(worker, StageId::kSgIngress, by.sides.count);
    SgIngressStage(snapshot, batch, by.sides);
    SightIngress(snapshot, worker, batch, by.sides);
    Arrive(batch, by.sides, arrived);
  }
  if (!by.nat.empty()) {
    const StageMeter meter(worker, StageId::kNat, by.nat.count);
    SightIngress(snapshot, worker, batch, by.nat);
    NatStage(snapshot, worker, batch, by.nat, resets);
    for (const uint8_t lane : by.nat) {
      lanes.Add(lane);
    }
  }
}

}  // namespace

void RunWalk(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
             LaneList& arrived, LaneList& resets) noexcept {
  for (const uint8_t lane : lanes) {
    StartWalk(batch, lane);
  }
  ForgetSightings(worker, lanes);
  LaneList walking = lanes;
  for (uint32_t leg = 0; leg < kMaxLegs && !walking.empty(); ++leg) {
    RunLeg(snapshot, worker, batch, walking, arrived, resets);
  }
  for (const uint8_t lane : walking) {
    DropLane(batch, lane, DropReason::kBlackholeRoute);  // a loop of gateways
  }
  std::sort(arrived.lanes.begin(), arrived.lanes.begin() + arrived.count);
}

}  // namespace sluice
