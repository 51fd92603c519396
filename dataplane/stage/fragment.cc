#include "dataplane/stage/fragment.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/fragment_cache.h"
#include "dataplane/session/session_key.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/nat_count.h"

namespace sluice {
namespace {

Fragment FragmentOf(const Batch& batch, uint32_t lane) noexcept {
  Fragment fragment;
  fragment.scope = batch.sender[lane].value;
  fragment.src = batch.src[lane];
  fragment.dst = batch.dst[lane];
  fragment.ip_id = batch.ip_id[lane];
  fragment.protocol = batch.protocol[lane];
  fragment.more = (batch.traits[lane] & kTraitMoreFragments) != 0;
  fragment.offset_bytes = batch.fragment_bytes[lane];
  fragment.payload_bytes = static_cast<uint16_t>(batch.ip_bytes[lane] - batch.l3_bytes[lane]);
  return fragment;
}

bool SameDatagram(const Batch& batch, uint32_t a, uint32_t b) noexcept {
  return batch.ip_id[a] == batch.ip_id[b] && batch.src[a] == batch.src[b] &&
         batch.dst[a] == batch.dst[b] && batch.protocol[a] == batch.protocol[b] &&
         batch.sender[a] == batch.sender[b];
}

// Frames of the lane's datagram have come free in this burst and are filed only when they are input
// again: the lane takes its place behind them, as it would had its burst been shorter.
bool GoesBehindReleased(WorkerContext& worker, Batch& batch, uint32_t lane) noexcept {
  for (size_t i = 0; i < worker.emits->released_count(); ++i) {
    if (SameDatagram(batch, worker.emits->released(i).lane, lane)) {
      return worker.emits->Release(
          {batch.handle[lane], static_cast<uint8_t>(lane), false, DropReason::kNone});
    }
  }
  return false;
}

void Hold(Batch& batch, uint32_t lane) noexcept {
  batch.verdict[lane] = Verdict::kHold;
  batch.reason[lane] = DropReason::kNone;
}

// As its first fragment, where a group or an ACL refused that one.
void ShareRefusal(Batch& batch, uint32_t lane, const FirstFragment& first) noexcept {
  DropLane(batch, lane, first.reason);
  batch.origin[lane] = batch.target[lane] = first.refused_at;
  batch.walk_src[lane] = first.refused_src;
  batch.walk_dst[lane] = first.refused_dst;
  batch.walk_l4_src[lane] = first.refused_src_l4_port;
  batch.walk_l4_dst[lane] = first.refused_dst_l4_port;
}

bool HasPorts(const Batch& batch, uint32_t lane) noexcept {
  const uint8_t protocol = batch.protocol[lane];
  return protocol == kProtocolTcp || protocol == kProtocolUdp;
}

// False: the first fragment did not pass, and so its later ones do not.
bool Inherit(WorkerContext& worker, Batch& batch, uint32_t lane,
             const FirstFragment& first) noexcept {
  batch.traits[lane] |= HasPorts(batch, lane) ? kTraitPorts : 0;
  if (first.verdict != Verdict::kForward) {
    ShareRefusal(batch, lane, first);
    CountNatStayedAgain(worker, batch, lane, first.nat, !first.nat_inward);
    return false;
  }
  batch.nat_ip_id[lane] = first.has_nat_ip_id ? first.nat_ip_id : kNoIpId;
  batch.l4_src[lane] = first.src_l4_port;
  batch.l4_dst[lane] = first.dst_l4_port;
  batch.rule_key[lane] = first.rule_key;
  if (HasPorts(batch, lane)) {
    batch.tcp_seq[lane] = 0;
    batch.tcp_ack[lane] = 0;
    batch.tcp_payload_bytes[lane] = 0;
  } else if (batch.protocol[lane] == kProtocolIcmp) {
    batch.icmp_type[lane] = static_cast<uint8_t>(first.rule_key >> 8);
    batch.icmp_code[lane] = static_cast<uint8_t>(first.rule_key);
    if (ClassifyIcmp(batch.icmp_type[lane], batch.icmp_code[lane]).is_query) {
      batch.traits[lane] |= kTraitIcmpQuery;
    }
  }
  return true;
}

}  // namespace

void FragmentStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   const LaneList& in, LaneList& out) noexcept {
  LaneList refused;
  for (const uint8_t lane : in) {
    const uint16_t traits = batch.traits[lane];
    if ((traits & kTraitFragment) == 0 || (traits & kTraitFragmentFiled) != 0) {
      out.Add(lane);
      continue;
    }
    if (GoesBehindReleased(worker, batch, lane)) {
      Hold(batch, lane);
      continue;
    }
    FirstFragment first;
    const FragmentDecision decision =
        worker.fragments->Offer(FragmentOf(batch, lane), batch.handle[lane], worker.now_ms, &first);
    switch (decision) {
      case FragmentDecision::kJudge:
        batch.traits[lane] |= kTraitFragmentFiled;
        batch.nat[lane] = NatGatewayIdx::None();
        batch.nat_ip_id[lane] = kNoIpId;
        out.Add(lane);
        break;
      case FragmentDecision::kInherit:
        batch.traits[lane] |= kTraitFragmentFiled;
        (Inherit(worker, batch, lane, first) ? out : refused).Add(lane);
        break;
      case FragmentDecision::kHold:
        Hold(batch, lane);
        break;
      default:
        batch.verdict[lane] = Verdict::kDrop;
        batch.reason[lane] = ReasonOf(decision);
        break;
    }
  }
  ForgetSightings(worker, refused);
  CountDropped(snapshot, worker, batch, refused);
}

namespace {

FirstFragment FateOf(const Batch& batch, uint32_t lane) noexcept {
  FirstFragment first;
  first.src_l4_port = batch.l4_src[lane];
  first.dst_l4_port = batch.l4_dst[lane];
  first.rule_key = batch.rule_key[lane];
  first.verdict = batch.verdict[lane];
  first.reason = batch.reason[lane];
  first.nat = batch.nat[lane];
  first.nat_inward = (batch.walk_flags[lane] & kWalkNatInward) != 0;
  first.has_nat_ip_id = batch.nat_ip_id[lane] != kNoIpId;
  first.nat_ip_id = static_cast<uint16_t>(batch.nat_ip_id[lane]);
  const InterfaceIdx at = RefusedAt(batch, lane);
  if (at.has_value()) {
    first.refused_at = at;
    first.refused_src = batch.walk_src[lane];
    first.refused_dst = batch.walk_dst[lane];
    first.refused_src_l4_port = batch.walk_l4_src[lane];
    first.refused_dst_l4_port = batch.walk_l4_dst[lane];
  }
  return first;
}

}  // namespace

void ResolveFragments(WorkerContext& worker, const Batch& batch, const LaneList& judged) noexcept {
  for (const uint8_t lane : judged) {
    const uint16_t traits = batch.traits[lane];
    if ((traits & kTraitFragment) == 0 || (traits & kTraitLaterFragment) != 0) {
      continue;
    }
    worker.fragments->Resolve(FragmentOf(batch, lane), FateOf(batch, lane), worker.now_ms);
    // A datagram holds few frames (kMaxFragmentRanges), and a list has room for those of a burst.
    HeldFrame frame;
    while (worker.emits->released_count() < EmitList::kMaxReleased &&
           worker.fragments->TakeReleased(&frame)) {
      worker.emits->Release({frame.handle, lane, false, DropReason::kNone});
    }
  }
}

bool ReleaseOrphans(WorkerContext& worker, bool drain) noexcept {
  HeldFrame frame;
  while (worker.emits->released_count() < EmitList::kMaxReleased) {
    if (worker.fragments->TakeReleased(&frame)) {
      worker.emits->Release({frame.handle, kNoLane, false, DropReason::kNone});
    } else if (worker.fragments->TakeOrphan(worker.now_ms, &frame) ||
               (drain && worker.fragments->TakeAny(&frame))) {
      worker.emits->Release({frame.handle, kNoLane, true, DropReason::kFragmentOrphan});
    } else {
      return true;
    }
  }
  return false;
}

}  // namespace sluice
