// The end of a turn: last checks, ports, commits (D-STATE) and frames. D-TTL, AWS-IGW-06,
// AWS-MTU-01, AWS-EP-06, AWS-NAT-04, -05, -06, decision 13.
#include <algorithm>
#include <set>
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

// The same flow seen with its sides exchanged.
WorldFlowKey Reversed(const WorldFlowKey& key) {
  WorldFlowKey reversed = key;
  std::swap(reversed.initiator, reversed.responder);
  std::swap(reversed.initiator_port, reversed.responder_port);
  return reversed;
}

// An interface reached itself by its public address, with the same port on both ends: the answer
// would look like the question.
bool AnswersItself(const WalkResult& result, const PacketHeader& sent) {
  const PacketHeader& received = result.header;
  return result.exit == WalkResult::Exit::kInterface && !result.passes_nat &&
         OwnsAddress(*result.receiver, sent.source) && received.source == sent.destination &&
         received.destination == sent.source && received.source_port == received.destination_port &&
         !IsIcmpQuery(sent);
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
      group.key.initiator_port = *chosen;
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

// The session that the parts of the walk belong to: the one of whatever part is known already, else
// a new one.
uint64_t Turn::SessionOf(const WalkResult& result) {
  if (result.binding.has_value() && !result.binding->is_new) {
    return state_.bindings.at(result.binding->key).session;
  }
  for (const GroupCommit& group : result.groups) {
    if (!group.is_new) {
      return state_.group_flows.at({group.eni->id, group.key}).session;
    }
  }
  return state_.next_session++;
}

void Turn::CommitBinding(const BindingCommit& commit, const Packet& packet, uint64_t session) {
  if (commit.is_new) {
    const auto old = state_.bindings.find(commit.key);
    if (old != state_.bindings.end()) {
      state_.reverse.erase({commit.gateway->id, old->second.side, old->second.outside});
    }
    state_.bindings[commit.key] =
        NatBinding{.outside = commit.outside,
                   .side = commit.left_by,
                   .progress = FlowProgress(packet.header.protocol, /*opened_mid_stream=*/false),
                   .session = session};
    state_.reverse[{commit.gateway->id, commit.left_by, commit.outside}] = commit.key;
  }
  NatBinding& binding = state_.bindings.at(commit.key);
  if (IsPureSyn(packet) && binding.progress.MayReopen()) {
    binding.progress = FlowProgress(packet.header.protocol, /*opened_mid_stream=*/false);
  }
  binding.progress.Accept(packet, commit.side, state_.now_ns);
}

void Turn::CommitEndpoint(const EndpointCommit& commit, const Packet& packet, uint64_t session) {
  const EndpointFlowKey key{commit.side, commit.key};
  const EndpointFlow* live = state_.LiveEndpointFlow(intent_, commit.side, commit.key);
  if (live == nullptr || (IsPureSyn(packet) && live->progress.MayReopen())) {
    if (!MayOpenFlow(packet)) {
      return;
    }
    const bool mid_stream = packet.header.protocol == kProtocolTcp && !IsPureSyn(packet);
    state_.endpoint_flows[key] =
        EndpointFlow{.vpc_id = commit.vpc_id,
                     .endpoint_id = commit.endpoint_id,
                     .progress = FlowProgress(packet.header.protocol, mid_stream),
                     .tracking = commit.tracking,
                     .session = session};
  }
  state_.endpoint_flows.at(key).progress.Accept(packet, commit.flow_side, state_.now_ns);
}

void Turn::EndSession(uint64_t session) {
  std::erase_if(state_.group_flows,
                [&](const auto& flow) { return flow.second.session == session; });
  std::erase_if(state_.endpoint_flows,
                [&](const auto& flow) { return flow.second.session == session; });
  std::erase_if(state_.outside_sessions,
                [&](const auto& outside) { return outside.second == session; });
  for (auto it = state_.bindings.begin(); it != state_.bindings.end();) {
    if (it->second.session == session) {
      state_.reverse.erase({it->first.gateway_id, it->second.side, it->second.outside});
      it = state_.bindings.erase(it);
    } else {
      ++it;
    }
  }
}

// An answer that a NAT gateway must remember begins a session of its own: the sender is now the one
// who asks.
void Turn::TurnRound(WalkResult& result) {
  if (!result.nat_request.has_value() || result.groups.empty() ||
      result.groups.front().side != FlowSide::kResponder) {
    return;
  }
  GroupCommit& sender = result.groups.front();
  const GroupFlow& flow = state_.group_flows.at({sender.eni->id, sender.key});
  sender.becomes_tracked = sender.becomes_tracked || flow.tracked;
  EndSession(flow.session);
  sender.key = Reversed(sender.key);
  sender.side = FlowSide::kInitiator;
  sender.is_new = true;
}

// What an interface knew of the flow before, in either orientation, ends.
void Turn::BeginGroupFlow(const GroupCommit& group, const Packet& packet, uint64_t session) {
  const bool has_sides = packet.header.protocol != kProtocolIcmp;
  for (const WorldFlowKey& other : {group.key, has_sides ? Reversed(group.key) : group.key}) {
    const auto old = state_.group_flows.find({group.eni->id, other});
    if (old != state_.group_flows.end() && old->second.session == session) {
      state_.group_flows.erase(old);
    } else if (old != state_.group_flows.end()) {
      EndSession(uint64_t{old->second.session});
    }
  }
  state_.group_flows[{group.eni->id, group.key}] =
      GroupFlow{.progress = FlowProgress(packet.header.protocol, group.mid_stream),
                .tracked = false,
                .session = session};
}

// The uplink gets to know a session by the packets of its initiator.
void Turn::CommitOutside(const WalkResult& result, const Packet& packet, uint64_t session) {
  const bool asks = !result.groups.empty() && result.groups.front().side == FlowSide::kInitiator;
  if (!asks) {
    return;
  }
  if (!result.outside.empty()) {
    state_.outside_sessions[{result.outside, *KeyAsInitiator(packet.header)}] = session;
  } else if (result.exit == WalkResult::Exit::kUplink) {
    state_.outside_sessions[{kInternetSide, *KeyAsInitiator(result.header)}] = session;
  }
}

void Turn::Commit(WalkResult& result, const Packet& packet) {
  if (AnswersItself(result, packet.header)) {
    return;
  }
  TurnRound(result);
  const uint64_t session = SessionOf(result);
  bool counted = result.binding.has_value() || result.endpoint.has_value();
  for (const GroupCommit& group : result.groups) {
    counted = counted || group.becomes_tracked ||
              (!group.is_new && state_.group_flows.at({group.eni->id, group.key}).tracked);
  }
  std::set<GroupFlowKey> begun;  // an interface that sends to itself is asked twice
  for (const GroupCommit& group : result.groups) {
    const GroupFlowKey key{group.eni->id, group.key};
    if (group.is_new && begun.insert(key).second) {
      BeginGroupFlow(group, packet, session);
    } else if (group.starts_over) {
      GroupFlow& flow = state_.group_flows.at(key);
      flow.progress = FlowProgress(packet.header.protocol, /*opened_mid_stream=*/false);
      flow.tracked = false;
    }
    GroupFlow& flow = state_.group_flows.at(key);
    flow.tracked = flow.tracked || group.becomes_tracked;
    flow.is_counted = counted;
    flow.progress.Accept(packet, group.side, state_.now_ns);
  }
  if (result.binding.has_value()) {
    CommitBinding(*result.binding, packet, session);
  }
  CommitOutside(result, packet, session);
  if (result.endpoint.has_value()) {
    CommitEndpoint(*result.endpoint, packet, session);
  }
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
