// The shapes of AWS EC2 DescribeNetworkInsightsAnalyses (API reference: PathComponent,
// AnalysisPacketHeader, AnalysisAclRule, AnalysisSecurityGroupRule, AnalysisRouteTableRoute,
// Explanation).
#include <nlohmann/json.hpp>

#include "control/explain/explanation.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

std::string ProtocolWord(int protocol) {
  return protocol == kAllProtocols ? "all" : std::to_string(protocol);
}

Json PortsJson(int from, int to) {
  return Json{{"From", from}, {"To", to}};
}

Json HeaderJson(const PacketHeader& header) {
  Json json;
  json["DestinationAddresses"] = {ToString(header.destination) + "/32"};
  json["Protocol"] = std::to_string(header.protocol);
  json["SourceAddresses"] = {ToString(header.source) + "/32"};
  if (header.protocol == kProtocolTcp || header.protocol == kProtocolUdp) {
    json["DestinationPortRanges"] =
        Json::array({PortsJson(header.destination_port, header.destination_port)});
    json["SourcePortRanges"] = Json::array({PortsJson(header.source_port, header.source_port)});
  }
  return json;
}

// A rule for all protocols, or one that names no ports, has no port range.
void AddPorts(int protocol, const PortRange& ports, Json& json) {
  if (protocol == kProtocolTcp || protocol == kProtocolUdp) {
    json["PortRange"] = ports.from == -1 ? PortsJson(0, 65535) : PortsJson(ports.from, ports.to);
  }
}

Json NaclRuleJson(const TracedNaclRule& traced) {
  Json json;
  json["Cidr"] = ToString(traced.rule.cidr);
  json["Egress"] = traced.egress;
  AddPorts(traced.rule.protocol, traced.rule.ports, json);
  json["Protocol"] = ProtocolWord(traced.rule.protocol);
  json["RuleAction"] = traced.rule.allow ? "allow" : "deny";
  json["RuleNumber"] = traced.rule.number;
  return json;
}

Json GroupRuleJson(const TracedGroupRule& traced) {
  Json json;
  if (traced.rule.cidr.has_value()) {
    json["Cidr"] = ToString(*traced.rule.cidr);
  }
  json["Direction"] = traced.egress ? "egress" : "ingress";
  // With a group as the peer, AWS names that group here; else the group that has the rule.
  json["SecurityGroupId"] = traced.rule.group_id.empty() ? traced.group_id : traced.rule.group_id;
  if (!traced.rule.prefix_list_id.empty()) {
    json["PrefixListId"] = traced.rule.prefix_list_id;
  }
  AddPorts(traced.rule.protocol, traced.rule.ports, json);
  json["Protocol"] = ProtocolWord(traced.rule.protocol);
  json["SecurityGroupRuleId"] = traced.rule.id;
  return json;
}

Json RouteJson(const Route& route) {
  Json json;
  if (route.destination.has_value()) {
    json["DestinationCidr"] = ToString(*route.destination);
  } else {
    json["DestinationPrefixListId"] = route.prefix_list_id;
  }
  switch (route.target.kind) {
    case RouteTargetKind::kLocal:
      json["GatewayId"] = "local";
      break;
    case RouteTargetKind::kNatGateway:
      json["NatGatewayId"] = route.target.id;
      break;
    case RouteTargetKind::kNetworkInterface:
      json["NetworkInterfaceId"] = route.target.id;
      break;
    case RouteTargetKind::kPeering:
      json["VpcPeeringConnectionId"] = route.target.id;
      break;
    default:
      json["GatewayId"] = route.target.id;
      break;
  }
  json["Origin"] = route.propagated                               ? "enablevgwroutepropagation"
                   : route.target.kind == RouteTargetKind::kLocal ? "createroutetable"
                                                                  : "createroute";
  json["State"] = route.blackhole ? "blackhole" : "active";
  return json;
}

Json ComponentsJson(const std::vector<Hop>& hops) {
  Json components = Json::array();
  for (const Hop& hop : hops) {
    Json json;
    json["SequenceNumber"] = components.size() + 1;
    json["Component"] = {{"Id", hop.component_id}};
    json["Asked"] = hop.asked;
    json["Matched"] = hop.matched;
    if (hop.nacl_rule.has_value()) {
      json["AclRule"] = NaclRuleJson(*hop.nacl_rule);
    }
    if (hop.group_rule.has_value()) {
      json["SecurityGroupRule"] = GroupRuleJson(*hop.group_rule);
    }
    if (hop.route.has_value()) {
      json["RouteTableRoute"] = RouteJson(*hop.route);
    }
    if (hop.next_best_route.has_value()) {
      json["NextBestRoute"] = RouteJson(*hop.next_best_route);
    }
    json["InboundHeader"] = HeaderJson(hop.inbound);
    json["OutboundHeader"] = HeaderJson(hop.outbound);
    components.push_back(std::move(json));
  }
  return components;
}

// AWS's code where the Reachability Analyzer has one (VPC guide "Explanation codes"), else our
// reason in its style.
std::string ExplanationCode(DropReason reason) {
  switch (reason) {
    case DropReason::kSgEgress:
    case DropReason::kSgIngress:
      return "ENI_SG_RULES_MISMATCH";
    case DropReason::kNaclEgress:
    case DropReason::kNaclIngress:
      return "SUBNET_ACL_RESTRICTION";
    case DropReason::kNoRoute:
      return "NO_ROUTE_TO_DESTINATION";
    case DropReason::kBlackholeRoute:
      return "BAD_STATE_ROUTE";
    case DropReason::kUnknownDestination:
      return "NO_POSSIBLE_DESTINATION";
    case DropReason::kSourceCheck:
    case DropReason::kDestCheck:
      return "ENI_SOURCE_DEST_CHECK_RESTRICTION";
    case DropReason::kIgwNoPublicIp:
      return "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS";
    case DropReason::kIgwUnknownPublicIp:
      return "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS";
    case DropReason::kNatUnsupportedProtocol:
      return "PROTOCOL_RESTRICTION";
    case DropReason::kPeeringNotTransitive:
      return "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR";
    default:
      break;
  }
  std::string code(DropReasonName(reason));
  for (char& letter : code) {
    letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return code;
}

Json IdJson(const std::string& id) {
  return Json{{"Id", id}};
}

// All groups that were asked the last question: none of them let the packet pass.
Json RefusingGroups(const std::vector<Hop>& hops) {
  size_t first = hops.size() - 1;
  while (first > 0 && hops[first - 1].asked == hops.back().asked) {
    --first;
  }
  Json groups = Json::array();
  for (; first < hops.size(); ++first) {
    groups.push_back(IdJson(hops[first].component_id));
  }
  return groups;
}

// The component that dropped under the name of its kind, as AWS has it beside Component.
void AddByKind(const std::vector<Hop>& hops, DropReason reason, Json& json) {
  const std::string& id = hops.back().component_id;
  switch (reason) {
    case DropReason::kSgEgress:
    case DropReason::kSgIngress:
      json["Direction"] = reason == DropReason::kSgEgress ? "egress" : "ingress";
      json["SecurityGroups"] = RefusingGroups(hops);
      break;
    case DropReason::kNaclEgress:
    case DropReason::kNaclIngress:
      json["Direction"] = reason == DropReason::kNaclEgress ? "egress" : "ingress";
      json["Acl"] = IdJson(id);
      break;
    case DropReason::kNoRoute:
      json["RouteTable"] = IdJson(id);
      break;
    case DropReason::kSourceCheck:
    case DropReason::kDestCheck:
      json["Direction"] = reason == DropReason::kSourceCheck ? "egress" : "ingress";
      json["NetworkInterface"] = IdJson(id);
      break;
    case DropReason::kIgwNoPublicIp:
      json["InternetGateway"] = IdJson(id);
      break;
    case DropReason::kNatUnsupportedProtocol:
    case DropReason::kNatUnsolicited:
      json["NatGateway"] = IdJson(id);
      break;
    case DropReason::kPeeringNotTransitive:
      json["VpcPeeringConnection"] = IdJson(id);
      break;
    default:
      break;
  }
}

Json ExplanationJson(const std::vector<Hop>& hops, DropReason reason, bool is_reply) {
  const Hop& last = hops.back();
  Json json;
  json["Component"] = IdJson(last.component_id);
  json["ExplanationCode"] = ExplanationCode(reason);
  json["Path"] = is_reply ? "return" : "forward";
  AddByKind(hops, reason, json);
  if (last.nacl_rule.has_value()) {
    json["AclRule"] = NaclRuleJson(*last.nacl_rule);
  }
  if (last.route.has_value()) {
    json["RouteTable"] = IdJson(last.component_id);
    json["RouteTableRoute"] = RouteJson(*last.route);
  }
  json["Asked"] = last.asked;
  json["Matched"] = last.matched;
  return json;
}

Json ReasonJson(const std::optional<DropReason>& reason) {
  return reason.has_value() ? Json(std::string(DropReasonName(*reason))) : Json(nullptr);
}

}  // namespace

std::string RenderExplanationJson(const Explanation& explanation) {
  Json json;
  json["NetworkPathFound"] = explanation.network_path_found();
  json["Verdict"] = std::string(VerdictName(explanation.verdict));
  json["DropReason"] = ReasonJson(explanation.reason);
  json["ReplyVerdict"] = explanation.reply_verdict.has_value()
                             ? Json(std::string(VerdictName(*explanation.reply_verdict)))
                             : Json(nullptr);
  json["ReplyDropReason"] = ReasonJson(explanation.reply_reason);
  json["ForwardPathComponents"] = ComponentsJson(explanation.forward_hops);
  json["ReturnPathComponents"] = ComponentsJson(explanation.return_hops);
  json["Explanations"] = Json::array();
  if (explanation.reason.has_value()) {
    json["Explanations"].push_back(
        ExplanationJson(explanation.forward_hops, *explanation.reason, /*is_reply=*/false));
  }
  if (explanation.reply_reason.has_value()) {
    json["Explanations"].push_back(
        ExplanationJson(explanation.return_hops, *explanation.reply_reason, /*is_reply=*/true));
  }
  return json.dump(2) + "\n";
}

}  // namespace sluice
