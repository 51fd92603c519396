#include "control/explain/firewall.h"

#include <algorithm>
#include <string>

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr int kFinalRuleNumber = 32767;

bool PortsMatch(const PortRange& ports, const PacketHeader& header) {
  switch (header.protocol) {
    case kProtocolTcp:
    case kProtocolUdp:
      if (ports.from == -1) {
        return true;
      }
      return ports.from <= header.destination_port && header.destination_port <= ports.to;
    case kProtocolIcmp:
      return (ports.from == -1 || ports.from == header.icmp_type) &&
             (ports.from == -1 || ports.to == -1 || ports.to == header.icmp_code);
    default:
      return true;
  }
}

// A rule for all protocols is for all ports whatever it says.
bool ProtocolMatches(int protocol, const PortRange& ports, const PacketHeader& header) {
  return protocol == kAllProtocols || (protocol == header.protocol && PortsMatch(ports, header));
}

bool IsEveryone(const SecurityGroupRule& rule) {
  return rule.cidr.has_value() && rule.cidr->length == 0;
}

bool PeerMatches(const ValidatedIntent& intent, const SecurityGroupRule& rule, Ipv4Address address,
                 const NetworkInterface* peer) {
  if (rule.stale) {
    return false;
  }
  if (rule.cidr.has_value()) {
    return rule.cidr->Contains(address);
  }
  if (!rule.prefix_list_id.empty()) {
    const PrefixList* list = intent.FindPrefixList(rule.prefix_list_id);
    return list != nullptr &&
           std::any_of(list->cidrs.begin(), list->cidrs.end(),
                       [&](const Ipv4Prefix& cidr) { return cidr.Contains(address); });
  }
  return peer != nullptr && std::find(peer->group_ids.begin(), peer->group_ids.end(),
                                      rule.group_id) != peer->group_ids.end();
}

const std::vector<SecurityGroupRule>& RulesOf(const SecurityGroup& group, Direction direction) {
  return direction == Direction::kIngress ? group.ingress : group.egress;
}

}  // namespace

NaclRule JudgeByNacl(const NetworkAcl& acl, Direction direction, const PacketHeader& header) {
  const bool ingress = direction == Direction::kIngress;
  const Ipv4Address address = ingress ? header.source : header.destination;
  const NaclRule* first = nullptr;
  for (const NaclRule& rule : ingress ? acl.ingress : acl.egress) {
    if (rule.cidr.Contains(address) && ProtocolMatches(rule.protocol, rule.ports, header) &&
        (first == nullptr || rule.number < first->number)) {
      first = &rule;
    }
  }
  if (first != nullptr) {
    return *first;
  }
  return NaclRule{.number = kFinalRuleNumber, .cidr = Ipv4Prefix{}, .allow = false};
}

bool HasFirewall(const NetworkInterface& eni) {
  return eni.kind == InterfaceKind::kOrdinary || eni.kind == InterfaceKind::kInterfaceEndpoint;
}

GroupJudgement JudgeByGroups(const ValidatedIntent& intent, const NetworkInterface& eni,
                             Direction direction, const PacketHeader& header,
                             const NetworkInterface* peer) {
  const Ipv4Address address = direction == Direction::kIngress ? header.source : header.destination;
  GroupJudgement judgement;
  for (const std::string& group_id : eni.group_ids) {
    const SecurityGroup* group = intent.FindSecurityGroup(group_id);
    if (group == nullptr) {
      continue;
    }
    if (!judgement.match.has_value()) {
      judgement.asked.push_back(group);
    }
    for (const SecurityGroupRule& rule : RulesOf(*group, direction)) {
      if (!ProtocolMatches(rule.protocol, rule.ports, header) ||
          !PeerMatches(intent, rule, address, peer)) {
        continue;
      }
      judgement.any_match_is_everyone = judgement.any_match_is_everyone || IsEveryone(rule);
      if (!judgement.match.has_value()) {
        judgement.match = GroupMatch{group, &rule};
      }
    }
  }
  return judgement;
}

bool AllowsEveryone(const ValidatedIntent& intent, const NetworkInterface& eni, Direction direction,
                    uint8_t protocol) {
  for (const std::string& group_id : eni.group_ids) {
    const SecurityGroup* group = intent.FindSecurityGroup(group_id);
    if (group == nullptr) {
      continue;
    }
    for (const SecurityGroupRule& rule : RulesOf(*group, direction)) {
      const bool all_ports =
          rule.ports.from == -1 || (rule.ports.from == 0 && rule.ports.to == 65535);
      if (IsEveryone(rule) &&
          (rule.protocol == kAllProtocols || (rule.protocol == protocol && all_ports))) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace sluice
