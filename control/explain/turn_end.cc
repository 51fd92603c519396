// The end of a turn: last checks, ports and frames. D-TTL, AWS-IGW-06,
// AWS-MTU-01, AWS-EP-06, AWS-NAT-04, -05, -06, decision 13.
#include <algorithm>
#include <string>
#include <utility>

#include "control/explain/output_bytes.h"
#include "control/explain/router_answers.h"
#include "control/explain/turn.h"
#include "control/explain/vpc_map.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr size_t kInterfaceEndpointMtuBytes = 8500;
constexpr uint16_t kFirstNatPort = 1024;
constexpr MacAddress kUnresolvedMac = {{0x02, 0, 0, 0, 0, 0xfe}};

void Conclude(Outcome& outcome, Verdict verdict, DropReason reason) {
  outcome.verdict = verdict;
  outcome.reason = reason;
}

void SetSourcePort(PacketHeader& header, uint16_t port) {
  (header.protocol == kProtocolIcmp ? header.icmp_id : header.source_port) = port;
}

// A hop behind the NAT gateway was asked before the port was known.
void TellSourcePort(Hop& hop, uint16_t port) {
  const std::string without = ToString(hop.inbound);
  SetSourcePort(hop.inbound, port);
  SetSourcePort(hop.outbound, port);
  if (const size_t at = hop.asked.find(without); at != std::string::npos) {
    hop.asked.replace(at, without.size(), ToString(hop.inbound));
  }
}

}  // namespace

size_t Turn::MtuOf(const WalkResult& result) const {
  const Host& host = intent_.host();
  size_t mtu = 65535;
  if (result.crosses_internet_edge) {
    mtu = kInternetMtuBytes;
    if (host.uplink.has_value()) {
      mtu = std::min(mtu, PortMtu(host, host.uplink->port, kInternetMtuBytes));
    }
  }
  if (result.exit == WalkResult::Exit::kInterface) {
    const HostAttachment* attachment = AttachmentOf(host, result.receiver->id);
    if (attachment != nullptr) {
      mtu = std::min(mtu, PortMtu(host, attachment->port, kVpcMtuBytes));
    }
  } else if (result.exit == WalkResult::Exit::kServices) {
    mtu =
        std::min(mtu, PortMtu(host, host.services[result.services_index].port, kInternetMtuBytes));
  }
  return mtu;
}

bool Turn::NextHopIsKnown(const WalkResult& result) const {
  switch (result.exit) {
    case WalkResult::Exit::kUplink:
      return intent_.host().uplink.has_value();
    case WalkResult::Exit::kInterface:
      return AttachmentOf(intent_.host(), result.receiver->id) != nullptr;
    default:
      return true;
  }
}

bool Turn::PassesLastChecks(const ArrivalOrigin& origin, const Packet& packet,
                            const WalkResult& result, Outcome& outcome) {
  const bool from_interface = origin.kind == ArrivalOrigin::Kind::kInterface;
  const auto refuse = [&](DropReason reason, bool answered) {
    Conclude(outcome, answered ? Verdict::kConsume : Verdict::kDrop, reason);
    outcome.answer_is_rate_limited = answered;
    return false;
  };
  if (result.passes_nat && packet.ttl <= 1) {
    const bool answered = MayAnswerWithError(packet);
    if (answered) {
      Ipv4Address source = result.nat_address;
      if (origin.kind == ArrivalOrigin::Kind::kUplink) {
        source = MappingOfPrivate(intent_, result.nat_vpc_id, source)->public_ip;
      }
      Answer(origin, TimeExceeded(packet, source), outcome);
    }
    return refuse(DropReason::kTtlExpired, answered);
  }
  if (result.exit == WalkResult::Exit::kInterface &&
      result.receiver->kind == InterfaceKind::kInterfaceEndpoint &&
      packet.ip.size() > kInterfaceEndpointMtuBytes) {
    return refuse(DropReason::kMtuExceeded, false);
  }
  const size_t mtu = MtuOf(result);
  if (packet.ip.size() > mtu && packet.dont_fragment) {
    const bool answered = from_interface && MayAnswerWithError(packet);
    if (answered) {
      const NetworkInterface& sender = *intent_.FindNetworkInterface(origin.eni_id);
      const Ipv4Address source = result.passes_nat
                                     ? result.nat_address
                                     : RouterAddressOf(*intent_.FindSubnet(sender.subnet_id));
      Answer(origin, FragmentationNeeded(packet, source, mtu), outcome);
    }
    return refuse(DropReason::kMtuExceeded, answered);
  }
  return NextHopIsKnown(result) || refuse(DropReason::kNextHopUnresolved, false);
}

bool Turn::ChooseNatPort(WalkResult& result, Outcome& outcome) {
  if (!result.nat_request.has_value()) {
    return true;
  }
  BindingCommit& binding = *result.binding;
  const auto is_free = [&](uint16_t nat_port) {
    WorldFlowKey outside = binding.outside;
    outside.initiator_port = nat_port;
    return state_.LiveReverse(*binding.gateway, binding.left_by, outside) == nullptr;
  };
  const std::optional<uint16_t> chosen =
      ports_.ChoosePort(*result.nat_request, result.nat_address, is_free);
  if (!chosen.has_value()) {
    Conclude(outcome, Verdict::kDrop, DropReason::kNatPortsExhausted);
    return false;
  }
  const auto& addresses = result.nat_request->addresses;
  if (std::none_of(addresses.begin(), addresses.end(), [&](const NatGatewayAddress& address) {
        return address.private_ip == result.nat_address;
      })) {
    outcome.complaint = "NAT address " + ToString(result.nat_address) + " is not the gateway's";
  } else if (*chosen < kFirstNatPort) {
    outcome.complaint = "NAT port " + std::to_string(*chosen) + " is below 1024";
  } else if (!is_free(*chosen)) {
    outcome.complaint = "NAT port " + std::to_string(*chosen) + " is taken by a live flow";
  }
  SetSourcePort(result.header, *chosen);
  binding.outside.initiator_port = *chosen;
  for (GroupCommit& group : result.groups) {
    if (group.needs_nat_port) {
      group.end.key.initiator_port = *chosen;
    }
  }
  if (result.endpoint.has_value() && result.endpoint->needs_nat_port) {
    result.endpoint->key.initiator_port = *chosen;
  }
  if (trace_ != nullptr) {
    SetSourcePort(trace_->hops[result.nat_hop].outbound, *chosen);
    for (size_t i = result.nat_hop + 1; i < trace_->hops.size(); ++i) {
      TellSourcePort(trace_->hops[i], *chosen);
    }
  }
  return true;
}

bool Turn::EndpointIsFree(const WalkResult& result, Outcome& outcome) const {
  if (!result.endpoint.has_value() || result.endpoint->flow_side == FlowSide::kResponder) {
    return true;
  }
  const EndpointFlow* other =
      state_.LiveEndpointFlow(intent_, result.endpoint->side, result.endpoint->key);
  if (other == nullptr || other->vpc_id == result.endpoint->vpc_id) {
    return true;
  }
  Conclude(outcome, Verdict::kDrop, DropReason::kEndpointUnavailable);
  return false;
}

// The component that refused at the very end: the NAT gateway, or the last one asked.
void Turn::TraceLastCheck(const WalkResult& result, const Outcome& outcome) {
  if (trace_ == nullptr) {
    return;
  }
  Hop hop;
  hop.component_id = trace_->hops.back().component_id;
  if (outcome.reason == DropReason::kTtlExpired) {
    hop.component_id = trace_->hops[result.nat_hop].component_id;
  } else if (outcome.reason == DropReason::kNatPortsExhausted) {
    hop.component_id = result.binding->gateway->id;
  }
  hop.asked = "may " + ToString(result.header) + " leave?";
  hop.matched = std::string(DropReasonName(outcome.reason));
  hop.inbound = hop.outbound = result.header;
  trace_->hops.push_back(std::move(hop));
}

void Turn::EmitToInterface(const NetworkInterface& eni, uint16_t ethertype, const Bytes& payload,
                           const MacAddress& destination, const MacAddress& source,
                           bool identification_is_free, Outcome& outcome) {
  const HostAttachment& attachment = *AttachmentOf(intent_.host(), eni.id);
  outcome.outputs.push_back(
      {.port = attachment.port,
       .eni_id = eni.id,
       .frame = MakeFrame(destination, source, attachment.vlan, ethertype, payload),
       .identification_is_free = identification_is_free});
}

void Turn::EmitToSide(const HostSide& side, const std::string& name, const Bytes& ip,
                      bool identification_is_free, Outcome& outcome) {
  const auto known = state_.next_hop_macs.find(name);
  const MacAddress mac = known == state_.next_hop_macs.end() ? kUnresolvedMac : known->second;
  outcome.outputs.push_back(
      {.port = side.port,
       .frame = MakeFrame(mac, intent_.host().router_mac, side.vlan, kEtherTypeIpv4, ip),
       .identification_is_free = identification_is_free});
}

void Turn::Answer(const ArrivalOrigin& origin, const Bytes& ip, Outcome& outcome) {
  if (origin.kind == ArrivalOrigin::Kind::kInterface) {
    const NetworkInterface& sender = *intent_.FindNetworkInterface(origin.eni_id);
    EmitToInterface(sender, kEtherTypeIpv4, ip, *sender.mac, intent_.host().router_mac, true,
                    outcome);
  } else if (origin.kind == ArrivalOrigin::Kind::kUplink) {
    EmitToSide(*intent_.host().uplink, kInternetSide, ip, true, outcome);
  } else {
    const HostSide& side = intent_.host().services[origin.services_index];
    EmitToSide(side, SideName(side), ip, true, outcome);
  }
}

void Turn::Output(const WalkResult& result, const EthernetFrame& frame, const Packet& packet,
                  Outcome& outcome) {
  const Bytes whole = Translated(packet, result.header, result.quote, result.passes_nat);
  const std::vector<Bytes> parts = Fragmented(whole, MtuOf(result));
  const bool free_id = result.leaves_through_nat && (packet.IsFragment() || parts.size() > 1);
  for (const Bytes& part : parts) {
    if (result.exit == WalkResult::Exit::kInterface) {
      const MacAddress destination = result.layer2_kept ? frame.destination : *result.receiver->mac;
      const MacAddress source = result.layer2_kept ? frame.source : intent_.host().router_mac;
      EmitToInterface(*result.receiver, kEtherTypeIpv4, part, destination, source, free_id,
                      outcome);
    } else if (result.exit == WalkResult::Exit::kUplink) {
      EmitToSide(*intent_.host().uplink, kInternetSide, part, free_id, outcome);
    } else {
      const HostSide& side = intent_.host().services[result.services_index];
      EmitToSide(side, SideName(side), part, free_id, outcome);
    }
  }
}

}  // namespace sluice
