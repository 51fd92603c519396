#include "dataplane/stage/nacl.h"

#include "dataplane/stage/lane_ops.h"
#include "dataplane/table/classifier.h"

namespace sluice {
namespace {

// The questions of one direction, as arrays for the classifier.
struct Questions {
  LaneList lanes;
  uint32_t classifier[kMaxBatch];
  uint32_t remote[kMaxBatch];
  uint8_t protocol[kMaxBatch];
  uint16_t key[kMaxBatch];
  SubnetIdx subnet[kMaxBatch];

  void Ask(const Batch& batch, uint8_t lane, SubnetIdx at, uint32_t nacl, uint32_t remote_address) {
    const uint32_t i = lanes.count;
    classifier[i] = nacl;
    remote[i] = remote_address;
    protocol[i] = batch.protocol[lane];
    key[i] = WalkRuleKey(batch, lane);
    subnet[i] = at;
    lanes.Add(lane);
  }
};

void Answer(const Snapshot& snapshot, Batch& batch, const Questions& asked, DropReason refused,
            LaneList& lanes) {
  uint32_t answer[kMaxBatch];
  snapshot.classifiers->LookupBatch(asked.classifier, asked.remote, asked.protocol, asked.key,
                                    answer, asked.lanes.count);
  bool any = false;
  for (uint32_t i = 0; i < asked.lanes.count; ++i) {
    if (answer[i] != kNoMatch && NaclAllows(answer[i])) {
      continue;
    }
    const uint32_t lane = asked.lanes.lanes[i];
    DropLane(batch, lane, refused);
    batch.rule[lane] =
        static_cast<uint16_t>(answer[i] == kNoMatch ? kNaclDefaultRule : NaclRuleNumber(answer[i]));
    batch.rule_subnet[lane] = asked.subnet[i];
    any = true;
  }
  if (any) {
    Retain(lanes, [&](uint32_t lane) { return batch.reason[lane] != refused; });
  }
}

SubnetIdx OriginSubnet(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  return snapshot.interfaces[batch.origin[lane].index()].subnet;
}

}  // namespace

void NaclEgressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept {
  Questions asked;
  for (const uint8_t lane : lanes) {
    const SubnetIdx origin = OriginSubnet(snapshot, batch, lane);
    if (origin.has_value() && origin != batch.target_subnet[lane]) {
      asked.Ask(batch, lane, origin, snapshot.subnets[origin.index()].nacl_egress,
                batch.walk_dst[lane]);
    }
  }
  Answer(snapshot, batch, asked, DropReason::kNaclEgress, lanes);
}

void NaclIngressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept {
  Questions asked;
  for (const uint8_t lane : lanes) {
    const SubnetIdx target = batch.target_subnet[lane];
    if (target.has_value() && target != OriginSubnet(snapshot, batch, lane)) {
      asked.Ask(batch, lane, target, snapshot.subnets[target.index()].nacl_ingress,
                batch.walk_src[lane]);
    }
  }
  Answer(snapshot, batch, asked, DropReason::kNaclIngress, lanes);
}

}  // namespace sluice
