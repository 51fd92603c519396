// The legs of a walk: sender's own checks, routing, ACLs on subnet borders, delivery. Gateways are
// in walk_gateways.cc, groups in walk_groups.cc. AWS-ADDR-14, AWS-RT-04..12, AWS-NACL-06/07,
// AWS-PEER-01, AWS-EP-01..05, D-NACLBORDER, D-NOROUTE, D-ROUTER, D-RETURN.
#include "control/explain/walk.h"

#include "control/explain/vpc_map.h"

namespace sluice {

Walk::Walk(const ValidatedIntent& intent, const WorldState& state, NatPortOracle& ports,
           const Packet& packet, Trace* trace)
    : intent_(intent),
      state_(state),
      ports_(ports),
      packet_(packet),
      trace_(trace),
      header_(result_.header) {
  result_.header = packet.header;
  if (packet.quote.has_value()) {
    result_.quote = packet.quote->header;
  }
}

Hop* Walk::AddHop(std::string_view component, std::string asked, std::string matched) {
  if (trace_ == nullptr) {
    return &unused_hop_;
  }
  Hop hop;
  hop.component_id = component;
  hop.asked = std::move(asked);
  hop.matched = std::move(matched);
  hop.inbound = header_;
  hop.outbound = header_;
  trace_->hops.push_back(std::move(hop));
  return &trace_->hops.back();
}

bool Walk::Drop(DropReason reason) {
  result_.verdict = Verdict::kDrop;
  result_.reason = reason;
  return false;
}

WalkResult Walk::Finished() {
  result_.session = session_.value_or(0);
  result_.starts_over = starts_over_;
  if (result_.exit != WalkResult::Exit::kNone) {
    result_.verdict = Verdict::kForward;
    result_.reason = DropReason::kNone;
  }
  return result_;
}

WalkResult Walk::FromInterface(const NetworkInterface& sender, const MacAddress& destination_mac) {
  sender_is_endpoint_ = sender.kind == InterfaceKind::kInterfaceEndpoint;
  const Leg leg{&sender, intent_.FindSubnet(sender.subnet_id), sender.vpc_id};
  if (!AskSenderItself(sender) || !AskDestinationItself(sender)) {
    return Finished();
  }
  if (destination_mac == intent_.host().router_mac) {
    Leave(leg, ResolveRoute(leg), /*ask_groups=*/true);
    return Finished();
  }
  // AWS-RT-10: layer 2, no route applies.
  Target target;
  target.kind = Target::Kind::kInterface;
  target.receiver = InterfaceWithMac(intent_, sender.subnet_id, destination_mac);
  target.subnet = leg.subnet;
  target.vpc_id = sender.vpc_id;
  result_.layer2_kept = true;
  Leave(leg, target, /*ask_groups=*/true);
  return Finished();
}

WalkResult Walk::FromUplink() {
  if (IsMartian(header_.source, header_.destination)) {
    AddHop(kInternetSide, "may " + ToString(header_) + " come in?", "a martian address");
    Drop(DropReason::kMartianAddress);
  } else {
    result_.crosses_internet_edge = true;
    result_.outside = kInternetSide;
    session_ = state_.OutsideSession(kInternetSide, EndsAt(Direction::kEgress));
    EnterFromInternet();
  }
  return Finished();
}

WalkResult Walk::FromServices(size_t services_index) {
  const std::string side = SideName(intent_.host().services[services_index]);
  if (IsMartian(header_.source, header_.destination)) {
    AddHop("services", "may " + ToString(header_) + " come in?", "a martian address");
    Drop(DropReason::kMartianAddress);
    return Finished();
  }
  std::optional<WorldFlowKey> key = KeyAsResponder(header_);
  if (QuoteIsOfFlow()) {
    key = KeyAsInitiator(*result_.quote);
  }
  const EndpointFlow* flow =
      key.has_value() ? state_.LiveEndpointFlow(intent_, side, *key) : nullptr;
  Hop* hop = AddHop(flow != nullptr ? flow->endpoint_id : "services",
                    "whose question does " + ToString(header_) + " answer?",
                    flow != nullptr ? "a session of " + flow->vpc_id : "nobody's");
  static_cast<void>(hop);
  if (flow == nullptr) {
    Drop(DropReason::kEndpointUnavailable);
    return Finished();
  }
  session_ = flow->session;
  result_.endpoint = EndpointCommit{.side = side,
                                    .key = *key,
                                    .flow_side = FlowSide::kResponder,
                                    .vpc_id = flow->vpc_id,
                                    .asker_id = flow->asker_id,
                                    .endpoint_id = flow->endpoint_id,
                                    .sender_id = flow->sender_id};
  Enter(nullptr, side, ResolveLocal(flow->vpc_id));
  return Finished();
}

bool Walk::AskSenderItself(const NetworkInterface& sender) {
  const std::string asked = "may " + ToString(header_) + " leave this interface?";
  if (IsMartian(header_.source, header_.destination)) {
    AddHop(sender.id, asked, "a martian address");
    return Drop(DropReason::kMartianAddress);
  }
  if (sender.source_dest_check && !OwnsAddress(sender, header_.source)) {
    AddHop(sender.id, asked, "source check: the source is not an address of the interface");
    return Drop(DropReason::kSourceCheck);
  }
  AddHop(sender.id, asked,
         sender.source_dest_check ? "source check passes" : "source check is off");
  return true;
}

bool Walk::AskDestinationItself(const NetworkInterface& sender) {
  const std::string asked = "is " + ToString(header_.destination) + " for the router itself?";
  if (IsLinkLocal(intent_, sender.vpc_id, header_.destination)) {
    AddHop(sender.subnet_id, asked, "link-local service address or resolver, none is attached");
    return Drop(DropReason::kLinkLocalRange);
  }
  if (IsReserved(intent_, sender.vpc_id, header_.destination)) {
    AddHop(sender.subnet_id, asked, "a reserved address of a subnet");
    return Drop(DropReason::kReservedAddress);
  }
  return true;
}

Walk::Target Walk::ResolveLocal(const std::string& vpc_id) const {
  Target target;
  target.kind = Target::Kind::kInterface;
  target.vpc_id = vpc_id;
  target.receiver = OwnerOf(intent_, vpc_id, header_.destination);
  target.subnet = target.receiver != nullptr ? intent_.FindSubnet(target.receiver->subnet_id)
                                             : SubnetOf(intent_, vpc_id, header_.destination);
  return target;
}

Walk::Target Walk::ResolvePeering(const Leg& leg, const std::string& peering_id) const {
  Target target;
  target.id = peering_id;
  const VpcPeering* peering = intent_.FindVpcPeering(peering_id);
  if (peering == nullptr) {
    target.refusal = DropReason::kBlackholeRoute;
    return target;
  }
  const std::string& other = peering->requester_vpc_id == leg.vpc_id ? peering->accepter_vpc_id
                                                                     : peering->requester_vpc_id;
  const Vpc* mine = intent_.FindVpc(leg.vpc_id);
  const Vpc* theirs = intent_.FindVpc(other);
  if (theirs == nullptr) {
    target.refusal = DropReason::kUnknownDestination;
    return target;
  }
  if (mine == nullptr || !VpcContains(*mine, header_.source) ||
      !VpcContains(*theirs, header_.destination)) {
    target.refusal = DropReason::kPeeringNotTransitive;
    return target;
  }
  target = ResolveLocal(other);
  target.id = peering_id;
  return target;
}

Walk::Target Walk::ResolveRoute(const Leg& leg) const {
  Target target;
  const RouteTable* table = intent_.FindRouteTable(leg.subnet->route_table_id);
  const RouteChoice choice = ChooseRoute(intent_, *table, header_.destination);
  if (choice.best == nullptr) {
    target.refusal = DropReason::kNoRoute;
  } else if (choice.best->blackhole) {
    target.refusal = DropReason::kBlackholeRoute;
  } else {
    const std::string& id = choice.best->target.id;
    switch (choice.best->target.kind) {
      case RouteTargetKind::kLocal:
        target = ResolveLocal(leg.vpc_id);
        break;
      case RouteTargetKind::kPeering:
        target = ResolvePeering(leg, id);
        break;
      case RouteTargetKind::kInternetGateway:
        target.kind = Target::Kind::kInternet;
        break;
      case RouteTargetKind::kNatGateway:
        if (const NatGateway* gateway = intent_.FindNatGateway(id); gateway != nullptr) {
          target.kind = Target::Kind::kNatGateway;
          target.subnet = intent_.FindSubnet(gateway->subnet_id);
        } else {
          target.refusal = DropReason::kBlackholeRoute;
        }
        break;
      case RouteTargetKind::kNetworkInterface:
        target.kind = Target::Kind::kInterface;
        target.vpc_id = leg.vpc_id;
        target.receiver = intent_.FindNetworkInterface(id);
        if (target.receiver != nullptr) {
          target.subnet = intent_.FindSubnet(target.receiver->subnet_id);
        } else {
          target.kind = Target::Kind::kRefused;
          target.refusal = DropReason::kBlackholeRoute;
        }
        break;
      case RouteTargetKind::kGatewayEndpoint:
        if (ServicesSideOf(intent_.host(), id).has_value()) {
          target.kind = Target::Kind::kEndpoint;
        } else {
          target.refusal = DropReason::kEndpointUnavailable;
        }
        break;
      case RouteTargetKind::kUnsupported:
        target.refusal = DropReason::kBlackholeRoute;
        break;
    }
    target.id = id;
  }
  target.table = table;
  target.choice = choice;
  return target;
}

bool Walk::Leave(const Leg& leg, const Target& target, bool ask_groups) {
  const bool to_nat_gateway =
      target.kind == Target::Kind::kNatGateway ||
      (target.receiver != nullptr && target.receiver->kind == InterfaceKind::kNatGateway);
  if (ask_groups) {
    const bool owns =
        target.receiver != nullptr && OwnsAddress(*target.receiver, header_.destination);
    const bool always =
        to_nat_gateway || sender_is_endpoint_ ||
        (target.receiver != nullptr && target.receiver->kind == InterfaceKind::kInterfaceEndpoint);
    if (!AskGroups(*leg.eni, Direction::kEgress, owns ? target.receiver : nullptr, always)) {
      return false;
    }
  }
  const bool stays = target.subnet != nullptr && target.subnet == leg.subnet;
  if (!stays && !AskNacl(*leg.subnet, Direction::kEgress)) {
    return false;
  }
  TraceTable(target);
  if (target.kind == Target::Kind::kRefused) {
    if (!target.id.empty() && target.refusal != DropReason::kBlackholeRoute) {
      AddHop(target.id, "can this carry " + ToString(header_) + "?",
             std::string(DropReasonName(target.refusal)));
    }
    return Drop(target.refusal);
  }
  switch (target.kind) {
    case Target::Kind::kInternet:
      return ThroughInternetGateway(leg, target.id);
    case Target::Kind::kNatGateway:
      return ThroughNatGateway(leg, *intent_.FindNatGateway(target.id));
    case Target::Kind::kEndpoint:
      return ThroughEndpoint(leg, target.id);
    default:
      break;
  }
  if (intent_.FindVpcPeering(target.id) != nullptr) {
    AddHop(target.id, "can this carry " + ToString(header_) + "?", "to " + target.vpc_id);
  }
  return Enter(&leg, leg.eni->id, target);
}

// `from`: the leg it comes on, nullptr when it comes from outside the VPC's subnets. `side`: for a
// NAT gateway's answers.
bool Walk::Enter(const Leg* from, const std::string& side, const Target& target) {
  const bool stays = from != nullptr && target.subnet == from->subnet;
  if (target.subnet != nullptr && !stays && !AskNacl(*target.subnet, Direction::kIngress)) {
    return false;
  }
  if (target.receiver == nullptr) {
    AddHop(target.subnet != nullptr ? target.subnet->id : target.vpc_id,
           "who owns " + ToString(header_.destination) + "?", "no interface");
    return Drop(DropReason::kUnknownDestination);
  }
  const NetworkInterface& receiver = *target.receiver;
  if (const NatGateway* gateway = NatGatewayOfInterface(intent_, receiver); gateway != nullptr) {
    return BackThroughNatGateway(*gateway, side);
  }
  const bool own_source = from != nullptr && OwnsAddress(*from->eni, header_.source);
  const bool always = result_.passes_nat || sender_is_endpoint_ ||
                      receiver.kind == InterfaceKind::kInterfaceEndpoint;
  if (!AskGroups(receiver, Direction::kIngress, own_source ? from->eni : nullptr, always)) {
    return false;
  }
  const bool own_destination = OwnsAddress(receiver, header_.destination);
  const std::string asked = "may " + ToString(header_) + " enter this interface?";
  if (receiver.source_dest_check && !own_destination) {
    AddHop(receiver.id, asked,
           "destination check: the destination is not an address of the interface");
    return Drop(DropReason::kDestCheck);
  }
  AddHop(receiver.id, asked, own_destination ? "delivered" : "delivered, destination check is off");
  if (result_.binding.has_value() && result_.binding->is_new && result_.binding->left_by.empty()) {
    result_.binding->left_by = receiver.id;
  }
  result_.exit = WalkResult::Exit::kInterface;
  result_.receiver = &receiver;
  return true;
}

bool Walk::ThroughEndpoint(const Leg& leg, const std::string& endpoint_id) {
  const size_t index = *ServicesSideOf(intent_.host(), endpoint_id);
  AddHop(endpoint_id, "can this carry " + ToString(header_) + "?", "to the services side");
  const std::optional<WorldFlowKey> key = KeyAsInitiator(header_);
  if (key.has_value() && (StartsNewFlow() || !(IsAnswerOfSender() || AnswersBinding()))) {
    const std::string& sender_id =
        result_.binding.has_value() ? result_.binding->key.sender_eni_id : leg.eni->id;
    result_.endpoint = EndpointCommit{.side = SideName(intent_.host().services[index]),
                                      .key = *key,
                                      .flow_side = FlowSide::kInitiator,
                                      .vpc_id = leg.vpc_id,
                                      .asker_id = leg.eni->id,
                                      .endpoint_id = endpoint_id,
                                      .sender_id = sender_id,
                                      .needs_nat_port = StartsNewFlow()};
  }
  if (result_.binding.has_value() && result_.binding->is_new) {
    result_.binding->left_by = SideName(intent_.host().services[index]);
  }
  result_.exit = WalkResult::Exit::kServices;
  result_.services_index = index;
  return true;
}

bool Walk::AskNacl(const Subnet& subnet, Direction direction) {
  const NetworkAcl& acl = *intent_.FindNetworkAcl(subnet.network_acl_id);
  const NaclRule rule = JudgeByNacl(acl, direction, header_);
  const bool egress = direction == Direction::kEgress;
  Hop* hop = AddHop(acl.id,
                    "network ACL " + std::string(egress ? "outbound" : "inbound") + " of " +
                        subnet.id + ": " + ToString(header_) + "?",
                    (rule.number == 32767 ? std::string("no rule matches, *")
                                          : "rule " + std::to_string(rule.number)) +
                        (rule.allow ? " allows" : " denies"));
  hop->nacl_rule = TracedNaclRule{rule, egress};
  if (rule.allow) {
    return true;
  }
  result_.rule = DroppingRule{acl.id, egress, rule.number};
  return Drop(egress ? DropReason::kNaclEgress : DropReason::kNaclIngress);
}

namespace {

std::string Describe(const Route& route) {
  const std::string destination =
      route.destination.has_value() ? ToString(*route.destination) : route.prefix_list_id;
  const std::string target =
      route.target.kind == RouteTargetKind::kLocal ? "local" : route.target.id;
  return destination + " -> " + target + (route.blackhole ? " (blackhole)" : "");
}

}  // namespace

void Walk::TraceTable(const Target& target) {
  if (target.table == nullptr) {
    return;
  }
  Hop* hop = AddHop(target.table->id, "route to " + ToString(header_.destination) + "?",
                    target.choice.best == nullptr ? "no route matches"
                                                  : "route " + Describe(*target.choice.best));
  if (target.choice.best != nullptr) {
    hop->route = *target.choice.best;
  }
  if (target.choice.next_best != nullptr) {
    hop->next_best_route = *target.choice.next_best;
    hop->matched += ", before " + Describe(*target.choice.next_best);
  }
}

}  // namespace sluice
