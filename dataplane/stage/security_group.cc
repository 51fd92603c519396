#include "dataplane/stage/security_group.h"

#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/session.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/group_rule_map.h"

namespace sluice {
namespace {

// The questions of one direction: to the address rules of all lanes, and to the rules that name
// groups where the other side's groups count.
struct Questions {
  uint32_t count = 0;
  uint8_t lane[kMaxBatch];
  uint32_t policy[kMaxBatch];
  uint32_t remote[kMaxBatch];
  uint8_t protocol[kMaxBatch];
  uint16_t key[kMaxBatch];
  uint32_t group_policy[kMaxBatch];
  uint32_t group_set[kMaxBatch];
  uint32_t answer[kMaxBatch];
  uint32_t group_answer[kMaxBatch];

  void Ask(const Batch& batch, uint8_t at, uint32_t classifier, uint32_t remote_address,
           uint32_t group_classifier, uint32_t remote_set) {
    lane[count] = at;
    policy[count] = classifier;
    remote[count] = remote_address;
    protocol[count] = batch.protocol[at];
    key[count] = WalkRuleKey(batch, at);
    group_policy[count] = group_classifier;
    group_set[count] = remote_set;
    ++count;
  }
  void Answer(const Snapshot& snapshot) {
    snapshot.classifiers->LookupBatch(policy, remote, protocol, key, answer, count);
    snapshot.group_rules->LookupBatch(group_policy, group_set, protocol, key, group_answer, count);
  }
  bool Allowed(uint32_t i) const { return answer[i] != kNoMatch || group_answer[i] != kNoMatch; }
  bool AllowedByAnyAddress(uint32_t i) const { return answer[i] == kSgAllowAnyAddress; }
};

// D-GROUPPEER: the packet comes straight from an ENI, from one of its own addresses.
uint32_t SenderGroupSet(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  const InterfaceRow& row = snapshot.interfaces[batch.origin[lane].index()];
  const bool own =
      row.kind == InterfaceRowKind::kEni &&
      snapshot.addresses->Lookup(row.vpc.value, batch.walk_src[lane]) == batch.origin[lane].value;
  return own ? row.group_set : kNoTable;
}

uint32_t TargetGroupSet(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  const InterfaceIdx target = batch.target[lane];
  return target.has_value() && (batch.walk_flags[lane] & kWalkPeer) != 0
             ? snapshot.interfaces[target.index()].group_set
             : kNoTable;
}

bool ForcesTracking(const Snapshot& snapshot, InterfaceIdx interface) {
  return interface.has_value() &&
         (snapshot.interfaces[interface.index()].flags & kInterfaceForceTrack) != 0;
}

bool PassesDestinationCheck(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  const InterfaceRow& row = snapshot.interfaces[batch.target[lane].index()];
  return (row.flags & kInterfaceSourceDestCheck) == 0 || (batch.walk_flags[lane] & kWalkPeer) != 0;
}

// What kind of place a lane's walk ends its leg at.
bool EndsAtEni(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  return snapshot.interfaces[batch.target[lane].index()].kind == InterfaceRowKind::kEni;
}

void AskEgress(const Snapshot& snapshot, Batch& batch, uint8_t lane, Questions& asked) {
  const InterfaceIdx eni = batch.origin[lane];
  const InterfaceRow& row = snapshot.interfaces[eni.index()];
  if (batch.legs[lane] != 0 || row.group_set == kNoTable) {
    return;
  }
  batch.first_eni[lane] = eni;
  if (TrackedAt(batch, lane, PairEnd::kSender, eni)) {
    batch.walk_flags[lane] |= kWalkTrackedFirst;
    return;
  }
  asked.Ask(batch, lane, row.sg_egress, batch.walk_dst[lane], row.group_egress,
            TargetGroupSet(snapshot, batch, lane));
}

void AskIngress(const Snapshot& snapshot, Batch& batch, uint8_t lane, Questions& asked) {
  const InterfaceIdx eni = batch.target[lane];
  const InterfaceRow& row = snapshot.interfaces[eni.index()];
  if (!EndsAtEni(snapshot, batch, lane) || row.group_set == kNoTable) {
    return;
  }
  batch.last_eni[lane] = eni;
  if (TrackedAt(batch, lane, PairEnd::kReceiver, eni) && IsOfSessionAt(batch, lane, eni)) {
    batch.walk_flags[lane] |= kWalkTrackedLast;
    return;
  }
  asked.Ask(batch, lane, row.sg_ingress, batch.walk_src[lane], row.group_ingress,
            SenderGroupSet(snapshot, batch, lane));
}

}  // namespace

void SgEgressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept {
  Questions asked;
  for (const uint8_t lane : lanes) {
    AskEgress(snapshot, batch, lane, asked);
    if (ForcesTracking(snapshot, batch.origin[lane]) ||
        ForcesTracking(snapshot, batch.target[lane]) ||
        (batch.walk_flags[lane] & kWalkToNat) != 0) {
      batch.walk_flags[lane] |= kWalkForceTrack;
    }
  }
  if (asked.count == 0) {
    return;
  }
  asked.Answer(snapshot);
  for (uint32_t i = 0; i < asked.count; ++i) {
    const uint32_t lane = asked.lane[i];
    if (!asked.Allowed(i)) {
      DropLane(batch, lane, DropReason::kSgEgress);
      continue;
    }
    const InterfaceRow& row = snapshot.interfaces[batch.origin[lane].index()];
    const bool untracked = asked.AllowedByAnyAddress(i) && IngressIsOpen(row, batch.protocol[lane]);
    batch.walk_flags[lane] |= untracked ? 0 : kWalkTrackedFirst;
  }
  Retain(lanes, [&](uint32_t lane) { return batch.reason[lane] != DropReason::kSgEgress; });
}

void SgIngressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept {
  Questions asked;
  for (const uint8_t lane : lanes) {
    AskIngress(snapshot, batch, lane, asked);
  }
  if (asked.count != 0) {
    asked.Answer(snapshot);
  }
  for (uint32_t i = 0; i < asked.count; ++i) {
    const uint32_t lane = asked.lane[i];
    if (!asked.Allowed(i)) {
      DropLane(batch, lane, DropReason::kSgIngress);
      continue;
    }
    const InterfaceRow& row = snapshot.interfaces[batch.target[lane].index()];
    const bool untracked = asked.AllowedByAnyAddress(i) && EgressIsOpen(row, batch.protocol[lane]);
    batch.walk_flags[lane] |= untracked ? 0 : kWalkTrackedLast;
  }
  Retain(lanes, [&](uint32_t lane) {
    if (batch.reason[lane] == DropReason::kSgIngress) {
      return false;
    }
    if (EndsAtEni(snapshot, batch, lane) && !PassesDestinationCheck(snapshot, batch, lane)) {
      DropLane(batch, lane, DropReason::kDestCheck);
      return false;
    }
    return true;
  });
}

}  // namespace sluice
