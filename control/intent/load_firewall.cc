// NetworkAcls, SecurityGroups, SecurityGroupRules.
#include <charconv>

#include "control/intent/loaders.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";
constexpr int kIcmp = 1;
constexpr int kTcp = 6;
constexpr int kUdp = 17;
constexpr int kIcmpV6 = 58;
constexpr int kLastNaclRule = 32766;
constexpr int kFinalNaclRule = 32767;

bool HasPorts(int protocol) {
  return protocol == kTcp || protocol == kUdp;
}

// A port range or type and code from two members of `reader`; "all" where the protocol has none.
PortRange ReadPorts(ObjectReader& reader, int protocol, std::string_view from_member,
                    std::string_view to_member) {
  const bool icmp = protocol == kIcmp || protocol == kIcmpV6;
  if (!HasPorts(protocol) && !icmp) {
    return {};
  }
  const int max = icmp ? 255 : 65535;
  const std::optional<int64_t> from = reader.Integer(from_member, -1, max);
  const std::optional<int64_t> to = reader.Integer(to_member, -1, max);
  PortRange ports{static_cast<int>(from.value_or(-1)), static_cast<int>(to.value_or(-1))};
  if (icmp) {
    if (ports.from == -1 && ports.to != -1 && (from || !reader.Has(from_member))) {
      reader.Error(to_member, "an ICMP code without a type", kInvalidValue);
    }
    return ports;
  }
  if (!reader.Has(from_member) && !reader.Has(to_member)) {
    reader.Warning({}, "a TCP or UDP rule without a port range: taken as all ports");
    return {};
  }
  if (from && to && ((ports.from == -1) != (ports.to == -1) || ports.from > ports.to)) {
    reader.Error(from_member,
                 "the port range " + std::to_string(ports.from) + ".." + std::to_string(ports.to) +
                     " is empty",
                 kInvalidValue);
  } else if (reader.Has(from_member) != reader.Has(to_member)) {
    reader.Error({}, "a port range needs both ends", "MissingParameter");
  }
  return ports.from == 0 && ports.to == 65535 ? PortRange{} : ports;
}

PortRange ReadNaclPorts(ObjectReader& entry, int protocol) {
  if (protocol == kIcmp || protocol == kIcmpV6) {
    std::optional<ObjectReader> icmp = entry.Object("IcmpTypeCode", Shape::kIcmpTypeCode);
    return icmp ? ReadPorts(*icmp, protocol, "Type", "Code") : PortRange{};
  }
  if (!HasPorts(protocol)) {
    return {};
  }
  std::optional<ObjectReader> range = entry.Object("PortRange", Shape::kPortRange);
  if (!range) {
    entry.Warning({}, "a TCP or UDP rule without PortRange: taken as all ports (AWS asks for it)");
    return {};
  }
  return ReadPorts(*range, protocol, "From", "To");
}

bool ReadRuleAction(ObjectReader& entry) {
  const std::string action = entry.RequiredString("RuleAction");
  if (action != "allow" && action != "deny" && !action.empty()) {
    entry.Error("RuleAction", "\"" + action + "\" is neither allow nor deny", kInvalidValue);
  }
  return action == "allow";
}

void LoadNaclEntry(LoadContext& context, ObjectReader& acl, JsonValue element,
                   DraftedNetworkAcl& draft) {
  ObjectReader entry = acl.Nested(element, Shape::kNetworkAclEntry);
  if (!element.IsObject()) {
    return;
  }
  if (entry.Has("Ipv6CidrBlock") && !entry.Has("CidrBlock")) {
    WarnIpv6(context, element, acl.object_id());
    return;
  }
  NaclRule rule;
  if (!entry.Has("RuleNumber")) {
    entry.Error({}, "RuleNumber is missing", "MissingParameter");
  }
  const std::optional<int64_t> number = entry.Integer("RuleNumber", 1, kFinalNaclRule);
  rule.number = static_cast<int>(number.value_or(0));
  rule.protocol = ReadProtocol(entry, "Protocol");
  rule.allow = ReadRuleAction(entry);
  const bool egress = entry.Bool("Egress", false);
  if (!entry.Has("CidrBlock")) {
    entry.Error({}, "CidrBlock is missing", "MissingParameter");
  }
  rule.cidr = entry.Prefix("CidrBlock").value_or(Ipv4Prefix{});
  rule.ports = ReadNaclPorts(entry, rule.protocol);
  if (rule.number == kFinalNaclRule) {  // the final "*": implied, and it can only deny everything
    if (rule.allow) {
      entry.Error(
          "RuleNumber",
          "rule 32767 is the final deny; rules go from 1 to " + std::to_string(kLastNaclRule),
          kInvalidValue);
    }
    return;
  }
  (egress ? draft.value.egress : draft.value.ingress).push_back(rule);
  (egress ? draft.egress_origins : draft.ingress_origins).push_back(element);
}

// The peers of one permission, one rule each.
void AddPeers(LoadContext& context, ObjectReader& permission, const SecurityGroupRule& base,
              std::vector<SecurityGroupRule>& rules, std::vector<GroupRuleOrigin>& origins) {
  for (const JsonValue element : permission.List("IpRanges")) {
    ObjectReader range = permission.Nested(element, Shape::kIpRange);
    if (range.RequiredString("CidrIp").empty()) {
      continue;
    }
    SecurityGroupRule rule = base;
    rule.cidr = range.Prefix("CidrIp");
    if (rule.cidr) {
      rules.push_back(std::move(rule));
      origins.push_back({element, "", false});
    }
  }
  for (const JsonValue element : permission.List("PrefixListIds")) {
    SecurityGroupRule rule = base;
    rule.prefix_list_id =
        permission.Nested(element, Shape::kPrefixListReference).RequiredString("PrefixListId");
    if (!rule.prefix_list_id.empty()) {
      rules.push_back(std::move(rule));
      origins.push_back({element, "", false});
    }
  }
  for (const JsonValue element : permission.List("UserIdGroupPairs")) {
    ObjectReader pair = permission.Nested(element, Shape::kGroupPair);
    SecurityGroupRule rule = base;
    rule.group_id = pair.String("GroupId");
    const std::string name = pair.String("GroupName");
    const std::string status = pair.String("PeeringStatus");
    if (rule.group_id.empty() && name.empty()) {
      pair.Error({}, "the pair names no group", "MissingParameter");
      continue;
    }
    rules.push_back(std::move(rule));
    origins.push_back({element, name, !status.empty() && status != "active"});
  }
  if (!permission.List("Ipv6Ranges").empty()) {
    WarnIpv6(context, permission.object(), permission.object_id());
  }
}

void LoadPermissions(LoadContext& context, ObjectReader& group, std::string_view member,
                     std::vector<SecurityGroupRule>& rules, std::vector<GroupRuleOrigin>& origins) {
  for (const JsonValue element : group.List(member)) {
    ObjectReader permission = group.Nested(element, Shape::kIpPermission);
    if (!element.IsObject()) {
      continue;
    }
    SecurityGroupRule base;
    base.protocol = ReadProtocol(permission, "IpProtocol");
    base.ports = ReadPorts(permission, base.protocol, "FromPort", "ToPort");
    AddPeers(context, permission, base, rules, origins);
  }
}

}  // namespace

int ReadProtocol(ObjectReader& reader, std::string_view member) {
  const std::string text = reader.RequiredString(member);
  if (text == "-1" || text == "all") return kAllProtocols;
  if (text == "tcp") return kTcp;
  if (text == "udp") return kUdp;
  if (text == "icmp") return kIcmp;
  if (text == "icmpv6") return kIcmpV6;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty()) {
    return kAllProtocols;  // refused already
  }
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > 255) {
    reader.Error(member,
                 "\"" + text + "\" is not a protocol: a number 0..255, -1, tcp, udp or icmp",
                 kInvalidValue);
    return kAllProtocols;
  }
  return number;
}

void LoadNetworkAcl(LoadContext& context, JsonValue object, std::string_view id) {
  DraftedNetworkAcl draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kNetworkAcl, id, &draft.broken);
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.vpc_id = reader.RequiredString("VpcId");
  draft.value.is_default = reader.Bool("IsDefault", false);
  draft.value.subnet_ids =
      reader.StringsOf("Associations", Shape::kNetworkAclAssociation, "SubnetId");
  for (const JsonValue element : reader.List("Entries")) {
    LoadNaclEntry(context, reader, element, draft);
  }
  if (draft.value.is_default && !reader.Has("Entries")) {
    reader.Warning({}, "a default network ACL without Entries: taken as AWS makes it, allow all");
    const NaclRule allow_all{100, kAllProtocols, Ipv4Prefix{}, PortRange{}, true};
    draft.value.ingress = {allow_all};
    draft.value.egress = {allow_all};
    draft.ingress_origins = {object};
    draft.egress_origins = {object};
  }
  context.draft.network_acls.push_back(std::move(draft));
}

void LoadSecurityGroup(LoadContext& context, JsonValue object, std::string_view id) {
  DraftedSecurityGroup draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kSecurityGroup, id, &draft.broken);
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.vpc_id = reader.RequiredString("VpcId");
  draft.value.name = reader.String("GroupName");
  draft.value.is_default = draft.value.name == "default";
  LoadPermissions(context, reader, "IpPermissions", draft.value.ingress, draft.ingress_origins);
  LoadPermissions(context, reader, "IpPermissionsEgress", draft.value.egress, draft.egress_origins);
  context.draft.security_groups.push_back(std::move(draft));
}

void LoadSecurityGroupRule(LoadContext& context, JsonValue object, std::string_view id) {
  bool broken = false;
  ObjectReader reader(&context, object, Shape::kSecurityGroupRule, id, &broken);
  LooseGroupRule loose;
  loose.id = id;
  loose.group_id = reader.RequiredString("GroupId");
  loose.egress = reader.Bool("IsEgress", false);
  loose.origin.where = object;
  loose.rule.id = id;
  loose.rule.protocol = ReadProtocol(reader, "IpProtocol");
  loose.rule.ports = ReadPorts(reader, loose.rule.protocol, "FromPort", "ToPort");
  loose.rule.cidr = reader.Prefix("CidrIpv4");
  loose.rule.prefix_list_id = reader.String("PrefixListId");
  if (std::optional<ObjectReader> peer =
          reader.Object("ReferencedGroupInfo", Shape::kReferencedGroup)) {
    loose.rule.group_id = peer->RequiredString("GroupId");
    const std::string status = peer->String("PeeringStatus");
    loose.origin.peering_gone = !status.empty() && status != "active";
  }
  const int peers = (reader.Has("CidrIpv4") ? 1 : 0) + (loose.rule.prefix_list_id.empty() ? 0 : 1) +
                    (loose.rule.group_id.empty() ? 0 : 1);
  if (reader.Has("CidrIpv6") && peers == 0) {
    WarnIpv6(context, object, id);
    return;
  }
  if (peers != 1 && !broken) {
    reader.Error({}, "a rule has exactly one of CidrIpv4, PrefixListId and ReferencedGroupInfo",
                 "InvalidParameterCombination");
  }
  if (!broken) {
    context.draft.group_rules.push_back(std::move(loose));
  }
}

}  // namespace sluice
