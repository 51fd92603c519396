#include "dataplane/stage/nat.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_key.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/nat_mapping.h"

namespace sluice {
namespace {

bool IsTranslatable(uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolIcmp;
}

// AWS-NAT-09. Of other protocols nothing passes, in fragments or not.
bool IsRefusedFragment(const Batch& batch, uint32_t lane) {
  const uint8_t protocol = batch.protocol[lane];
  return (batch.traits[lane] & kTraitFragment) != 0 &&
         (protocol == kProtocolTcp || protocol == kProtocolIcmp);
}

bool BoundAt(const Batch& batch, uint32_t lane, NatGatewayIdx gateway) {
  return (batch.pair_flags[lane] & kPairBound) != 0 && batch.bound_nat[lane] == gateway;
}

void GoOn(Batch& batch, uint32_t lane, NatGatewayIdx gateway, Ipv4Address private_ip) {
  batch.nat[lane] = gateway;
  batch.walk_flags[lane] |= kWalkForceTrack;  // AWS-SG-11, in either direction
  batch.nat_private[lane] = private_ip.value;
  batch.origin[lane] = batch.target[lane];
  ++batch.legs[lane];
  ++batch.ttl_spent[lane];
}

enum class Mapping : uint8_t { kOpen, kDropped, kReset };

// Whether a packet from inside without a mapping may make one.
Mapping JudgeOpening(Batch& batch, uint32_t lane) {
  const uint16_t traits = batch.traits[lane];
  if ((traits & kTraitLaterFragment) != 0) {
    DropLane(batch, lane, DropReason::kNatFragment);
    return Mapping::kDropped;
  }
  const auto icmp_type = static_cast<uint8_t>(batch.rule_key[lane] >> 8);
  const bool asks = (traits & kTraitIcmpQuery) != 0 && !ClassifyIcmp(icmp_type, 0).is_reply;
  if (batch.protocol[lane] == kProtocolIcmp && !asks) {
    DropLane(batch, lane, DropReason::kNatUnsupportedProtocol);
    return Mapping::kDropped;
  }
  if (batch.protocol[lane] != kProtocolTcp) {
    return Mapping::kOpen;
  }
  const uint8_t flags = batch.tcp_flags[lane] & (kTcpSyn | kTcpAck | kTcpFin | kTcpRst);
  if (flags == kTcpSyn) {
    return Mapping::kOpen;
  }
  if ((flags & kTcpSyn) != 0) {
    DropLane(batch, lane, DropReason::kConntrackInvalid);
    return Mapping::kDropped;
  }
  if ((flags & kTcpRst) != 0) {
    DropLane(batch, lane, DropReason::kNatIdleTimeout);
    return Mapping::kDropped;
  }
  return Mapping::kReset;
}

Ipv4Address PublicOf(const NatGatewayRow& row, Ipv4Address private_ip) {
  for (uint32_t i = 0; i < row.address_count; ++i) {
    if (row.addresses[i].private_ip == private_ip) {
      return row.addresses[i].public_ip;
    }
  }
  return Ipv4Address();
}

// An ICMP error from inside about a packet that came in through the mapping: its quote is
// translated as that packet was.
void TranslateErrorOut(Batch& batch, uint32_t lane, Ipv4Address private_ip) {
  batch.walk_src[lane] = private_ip.value;
  batch.walk_quoted_dst[lane] = private_ip.value;
  batch.walk_quoted_l4_dst[lane] = batch.bound_l4_port[lane];
}

Mapping Outbound(const Snapshot& snapshot, const WorkerContext& worker, Batch& batch,
                 uint32_t lane) {
  const NatGatewayIdx gateway = snapshot.interfaces[batch.target[lane].index()].nat;
  const NatGatewayRow& row = snapshot.nat_gateways[gateway.index()];
  if (!IsTranslatable(batch.protocol[lane])) {
    DropLane(batch, lane, DropReason::kNatUnsupportedProtocol);
    return Mapping::kDropped;
  }
  if (IsRefusedFragment(batch, lane)) {
    DropLane(batch, lane, DropReason::kNatFragment);
    return Mapping::kDropped;
  }
  const Ipv4Address bound(batch.bound_address[lane]);
  const bool asks = (batch.pair_flags[lane] & kPairForward) != 0;
  if (asks && BoundAt(batch, lane, gateway) && HasAddress(row, bound.value)) {
    if ((batch.traits[lane] & kTraitIcmpError) != 0) {
      TranslateErrorOut(batch, lane, bound);
    } else {
      batch.walk_src[lane] = bound.value;
      batch.walk_l4_src[lane] = batch.bound_l4_port[lane];
    }
    batch.nat_public[lane] = PublicOf(row, bound).value;
    GoOn(batch, lane, gateway, bound);
    return Mapping::kOpen;
  }
  const Mapping opening = JudgeOpening(batch, lane);
  if (opening == Mapping::kOpen) {
    const uint32_t choice = PairedAddress(row, gateway, batch.walk_src[lane], worker.seed);
    batch.walk_src[lane] = row.addresses[choice].private_ip.value;
    batch.nat_public[lane] = row.addresses[choice].public_ip.value;
    GoOn(batch, lane, gateway, row.addresses[choice].private_ip);
  }
  return opening;
}

// To the gateway's own address: only answers to its mappings, and errors about them, go on.
bool Inbound(const Snapshot& snapshot, Batch& batch, uint32_t lane) {
  const NatGatewayIdx gateway = snapshot.interfaces[batch.target[lane].index()].nat;
  if (IsRefusedFragment(batch, lane)) {
    DropLane(batch, lane, DropReason::kNatFragment);
    return false;
  }
  const bool answer = (batch.pair_flags[lane] & kPairForward) == 0;
  if (!answer || !BoundAt(batch, lane, gateway) ||
      batch.walk_dst[lane] != batch.bound_address[lane]) {
    DropLane(batch, lane, DropReason::kNatUnsolicited);
    return false;
  }
  if ((batch.traits[lane] & kTraitIcmpError) != 0) {
    batch.walk_quoted_src[lane] = batch.inside_address[lane];
    batch.walk_quoted_l4_src[lane] = batch.inside_l4_port[lane];
  } else {
    batch.walk_l4_dst[lane] = batch.inside_l4_port[lane];
  }
  batch.walk_dst[lane] = batch.inside_address[lane];
  const Ipv4Address bound(batch.bound_address[lane]);
  batch.nat_public[lane] = PublicOf(snapshot.nat_gateways[gateway.index()], bound).value;
  batch.walk_flags[lane] |= kWalkNatInward;
  GoOn(batch, lane, gateway, bound);
  return true;
}

}  // namespace

void NatStage(const Snapshot& snapshot, const WorkerContext& worker, Batch& batch, LaneList& lanes,
              LaneList& resets) noexcept {
  Retain(lanes, [&](uint32_t lane) {
    if (batch.nat[lane].has_value()) {  // one NAT gateway a walk (decision 12)
      DropLane(batch, lane, DropReason::kBlackholeRoute);
      return false;
    }
    if ((batch.walk_flags[lane] & kWalkToNat) == 0) {
      return Inbound(snapshot, batch, lane);
    }
    const Mapping mapping = Outbound(snapshot, worker, batch, lane);
    if (mapping == Mapping::kReset) {
      resets.Add(lane);
    }
    return mapping == Mapping::kOpen;
  });
}

}  // namespace sluice
