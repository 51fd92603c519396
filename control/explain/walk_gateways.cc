// Internet and NAT gateways on a walk: AWS-IGW-02..05, AWS-RT-11, D-HAIRPIN, AWS-NAT-02, -03, -08,
// -09, -16, D-NATIDLE, D-ICMPERR, decisions 12 and 13. Ports are chosen later, by the world, once
// every check has passed.
#include "control/explain/vpc_map.h"
#include "control/explain/walk.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

bool NatTranslates(uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolIcmp;
}

void SetSource(PacketHeader& header, Ipv4Address address, uint16_t l4_port) {
  header.source = address;
  (header.protocol == kProtocolIcmp ? header.icmp_id : header.source_port) = l4_port;
}

void SetDestination(PacketHeader& header, Ipv4Address address, uint16_t l4_port) {
  header.destination = address;
  (header.protocol == kProtocolIcmp ? header.icmp_id : header.destination_port) = l4_port;
}

}  // namespace

bool Walk::ThroughInternetGateway(const Leg& leg, const std::string& gateway_id) {
  Hop* hop = AddHop(gateway_id, "what is the public address of " + ToString(header_.source) + "?",
                    "it has none");
  const std::optional<PublicMapping> source = MappingOfPrivate(intent_, leg.vpc_id, header_.source);
  // A NAT gateway's public address serves only what the gateway itself sends, or P4 would not hold.
  const NetworkInterface* owner = OwnerOf(intent_, leg.vpc_id, header_.source);
  const bool borrowed =
      owner != nullptr && owner->kind == InterfaceKind::kNatGateway && owner != leg.eni;
  if (!source.has_value() || borrowed) {
    return Drop(DropReason::kIgwNoPublicIp);
  }
  header_.source = source->public_ip;
  if (result_.quote.has_value()) {
    const std::optional<PublicMapping> quoted =
        MappingOfPrivate(intent_, leg.vpc_id, result_.quote->destination);
    if (quoted.has_value()) {
      result_.quote->destination = quoted->public_ip;
    }
  }
  hop->matched = ToString(source->private_ip) + " becomes " + ToString(source->public_ip);
  hop->outbound = header_;
  result_.crosses_internet_edge = true;
  if (result_.binding.has_value() && result_.binding->is_new) {
    result_.binding->left_by = kInternetSide;
  }
  if (MappingOfPublic(intent_, header_.destination).has_value()) {
    if (hairpin_used_) {
      return Drop(DropReason::kBlackholeRoute);
    }
    hairpin_used_ = true;
    return EnterFromInternet();
  }
  result_.exit = WalkResult::Exit::kUplink;
  return true;
}

bool Walk::EnterFromInternet() {
  const std::string asked = "who has the public address " + ToString(header_.destination) + "?";
  const std::optional<PublicMapping> mapping = MappingOfPublic(intent_, header_.destination);
  if (!mapping.has_value()) {
    AddHop(kInternetSide, asked, "no interface of a VPC with an internet gateway");
    return Drop(DropReason::kIgwUnknownPublicIp);
  }
  const std::string& gateway_id = intent_.InternetGatewayOf(mapping->vpc_id)->id;
  Hop* hop = AddHop(gateway_id, asked,
                    ToString(mapping->public_ip) + " becomes " + ToString(mapping->private_ip));
  header_.destination = mapping->private_ip;
  if (result_.quote.has_value()) {
    const std::optional<PublicMapping> quoted = MappingOfPublic(intent_, result_.quote->source);
    if (quoted.has_value() && quoted->vpc_id == mapping->vpc_id) {
      result_.quote->source = quoted->private_ip;
    }
  }
  hop->outbound = header_;
  Target target = ResolveLocal(mapping->vpc_id);
  for (const RouteTable& table : intent_.intent().route_tables) {
    if (table.gateway_id != gateway_id) {
      continue;
    }
    target.table = &table;
    target.choice = ChooseRoute(intent_, table, header_.destination);
    TraceTable(target);
    const Route* best = target.choice.best;
    if (best == nullptr) {
      return Drop(DropReason::kNoRoute);
    }
    if (best->target.kind == RouteTargetKind::kNetworkInterface && !best->blackhole) {
      target.receiver = intent_.FindNetworkInterface(best->target.id);
    }
    if (best->blackhole ||
        (best->target.kind != RouteTargetKind::kLocal &&
         best->target.kind != RouteTargetKind::kNetworkInterface) ||
        (best->target.kind == RouteTargetKind::kNetworkInterface && target.receiver == nullptr)) {
      return Drop(DropReason::kBlackholeRoute);
    }
    if (best->target.kind == RouteTargetKind::kNetworkInterface) {
      target.subnet = intent_.FindSubnet(target.receiver->subnet_id);
    }
  }
  return Enter(nullptr, kInternetSide, target);
}

bool Walk::UseBinding(const NatGateway& gateway, const NatBindingKey& key, FlowSide side) {
  const NatBinding& binding = state_.bindings.at(key);
  const bool out = side == FlowSide::kInitiator;
  const WorldFlowKey& to = out ? binding.outside : key.inside;
  result_.nat_address = binding.outside.initiator;
  if (out) {
    SetSource(header_, to.initiator,
              IsIcmpRelatable(header_) ? header_.icmp_id : to.initiator_port);
  } else {
    SetDestination(header_, to.initiator,
                   IsIcmpRelatable(header_) ? header_.icmp_id : to.initiator_port);
  }
  if (IsIcmpRelatable(header_)) {
    if (out) {
      SetDestination(*result_.quote, to.initiator, to.initiator_port);
    } else {
      SetSource(*result_.quote, to.initiator, to.initiator_port);
    }
    return true;  // an error never refreshes a binding
  }
  result_.binding = BindingCommit{.gateway = &gateway, .key = key, .side = side};
  return true;
}

// Finds or asks for the binding of a packet from inside.
bool Walk::BindAtNatGateway(const Leg& leg, const NatGateway& gateway) {
  std::optional<WorldFlowKey> inside = KeyAsInitiator(header_);
  if (QuoteIsOfFlow()) {
    inside = KeyAsResponder(*result_.quote);
  }
  if (!inside.has_value()) {
    return Drop(DropReason::kNatUnsupportedProtocol);
  }
  const NatBindingKey key{gateway.id, leg.eni->id, *inside};
  if (state_.LiveBinding(gateway, key) != nullptr) {
    return UseBinding(gateway, key, FlowSide::kInitiator);
  }
  if (IsIcmpRelatable(header_)) {
    return Drop(DropReason::kNatUnsupportedProtocol);
  }
  if (packet_.IsLaterFragment()) {
    return Drop(DropReason::kNatFragment);
  }
  if (header_.protocol == kProtocolTcp && !IsPureSyn(packet_)) {
    if ((packet_.tcp.flags & kTcpSyn) != 0) {
      return Drop(DropReason::kConntrackInvalid);
    }
    result_.answer_with_reset = (packet_.tcp.flags & kTcpRst) == 0;
    Drop(DropReason::kNatIdleTimeout);
    result_.verdict = result_.answer_with_reset ? Verdict::kConsume : Verdict::kDrop;
    return false;
  }
  result_.nat_request =
      NatRequest{.gateway_id = gateway.id, .addresses = gateway.addresses, .inside = header_};
  result_.nat_address = ports_.ChooseAddress(*result_.nat_request);
  SetSource(header_, result_.nat_address, 0);
  result_.binding = BindingCommit{.gateway = &gateway,
                                  .key = key,
                                  .side = FlowSide::kInitiator,
                                  .is_new = true,
                                  .outside = *KeyAsInitiator(header_)};
  return true;
}

bool Walk::ThroughNatGateway(const Leg& leg, const NatGateway& gateway) {
  const Subnet* subnet = intent_.FindSubnet(gateway.subnet_id);
  if (subnet != leg.subnet && !AskNacl(*subnet, Direction::kIngress)) {
    return false;
  }
  const size_t hop_index = trace_ == nullptr ? 0 : trace_->hops.size();
  Hop* hop = AddHop(gateway.id, "translate " + ToString(header_) + "?", "no");
  if (result_.passes_nat) {
    return Drop(DropReason::kBlackholeRoute);
  }
  if (!NatTranslates(header_.protocol)) {
    return Drop(DropReason::kNatUnsupportedProtocol);
  }
  if (packet_.IsFragment() && header_.protocol != kProtocolUdp) {
    return Drop(DropReason::kNatFragment);
  }
  if (!BindAtNatGateway(leg, gateway)) {
    hop->matched = std::string(DropReasonName(result_.reason));
    return false;
  }
  hop->matched = (StartsNewFlow() ? "new flow from " : "flow from ") + ToString(header_.source);
  hop->outbound = header_;
  result_.nat_hop = hop_index;
  result_.passes_nat = true;
  result_.leaves_through_nat = true;
  result_.nat_vpc_id = gateway.vpc_id;
  const Leg next{intent_.FindNetworkInterface(gateway.network_interface_id), subnet,
                 gateway.vpc_id};
  return Leave(next, ResolveRoute(next), /*ask_groups=*/false);
}

bool Walk::BackThroughNatGateway(const NatGateway& gateway, const std::string& side) {
  Hop* hop = AddHop(gateway.id, "which flow does " + ToString(header_) + " answer?", "none");
  if (result_.passes_nat) {
    return Drop(DropReason::kBlackholeRoute);
  }
  if (packet_.IsFragment() &&
      (header_.protocol == kProtocolTcp || header_.protocol == kProtocolIcmp)) {
    return Drop(DropReason::kNatFragment);
  }
  std::optional<WorldFlowKey> outside = KeyAsResponder(header_);
  if (QuoteIsOfFlow()) {
    outside = KeyAsInitiator(*result_.quote);
  }
  const NatBindingKey* key =
      outside.has_value() && NatTranslates(header_.protocol) && !StartsNewFlow()
          ? state_.LiveReverse(gateway, side, *outside)
          : nullptr;
  if (key == nullptr) {
    return Drop(DropReason::kNatUnsolicited);
  }
  result_.passes_nat = true;
  result_.nat_hop = trace_ == nullptr ? 0 : trace_->hops.size() - 1;
  result_.nat_vpc_id = gateway.vpc_id;
  session_ = state_.bindings.at(*key).session;
  UseBinding(gateway, *key, FlowSide::kResponder);
  hop->matched = "the flow of " + key->sender_eni_id;
  hop->outbound = header_;
  const Leg next{intent_.FindNetworkInterface(gateway.network_interface_id),
                 intent_.FindSubnet(gateway.subnet_id), gateway.vpc_id};
  return Leave(next, ResolveRoute(next), /*ask_groups=*/false);
}

}  // namespace sluice
