// Network ACLs and security groups to classifiers. A NACL is its ordered list. A policy is one
// distinct set of groups: an allow-only list with the rules for 0.0.0.0/0 first (they say the
// most), and one short list of group-naming rules for every set of groups that such a rule can
// meet.
#include <algorithm>
#include <functional>

#include "control/compile/passes.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

bool IsAnyAddress(const SecurityGroupRule& rule) {
  return rule.cidr && rule.cidr->length == 0;
}

bool CoversAllPorts(const SecurityGroupRule& rule, uint8_t protocol) {
  const PortRule port = CompilePortRule(rule.protocol, rule.ports, kSgAllow);
  return (port.protocol == kAnyProtocol || port.protocol == protocol) && port.key_low == 0 &&
         port.key_high == 0xffff;
}

absl::StatusOr<uint32_t> AddClassifier(SnapshotDraft& draft,
                                       const std::vector<ClassifierRule>& rules,
                                       const std::string& what) {
  absl::StatusOr<std::shared_ptr<const Classifier>> built = draft.classifier_builder.Build(rules);
  if (!built.ok()) {
    return absl::Status(built.status().code(), what + ": " + std::string(built.status().message()));
  }
  draft.classifiers.push_back(*std::move(built));
  return static_cast<uint32_t>(draft.classifiers.size() - 1);
}

absl::StatusOr<uint32_t> CompileNaclDirection(SnapshotDraft& draft,
                                              const std::vector<NaclRule>& rules,
                                              const std::string& id) {
  std::vector<ClassifierRule> compiled;
  compiled.reserve(rules.size());
  for (const NaclRule& rule : rules) {
    compiled.push_back(
        {std::span(&rule.cidr, 1),
         CompilePortRule(rule.protocol, rule.ports,
                         NaclAnswer(static_cast<uint32_t>(rule.number), rule.allow))});
  }
  return AddClassifier(draft, compiled, id);
}

// The prefixes of an address rule; empty for a rule that names a group or matches nothing.
std::span<const Ipv4Prefix> PrefixesOf(const SnapshotDraft& draft, const SecurityGroupRule& rule) {
  if (rule.stale) {
    return {};
  }
  if (rule.cidr) {
    return std::span(&*rule.cidr, 1);
  }
  const PrefixList* list = draft.intent.FindPrefixList(rule.prefix_list_id);
  return list == nullptr ? std::span<const Ipv4Prefix>() : std::span(list->cidrs);
}

using RuleList = std::vector<SecurityGroupRule> SecurityGroup::*;

// One distinct set of groups, and the policy of ENIs that have it.
struct GroupSet {
  std::vector<const SecurityGroup*> groups;  // sorted by id
  uint32_t ingress = kNoTable;
  uint32_t egress = kNoTable;
  uint16_t flags = 0;
};

absl::StatusOr<uint32_t> CompilePolicy(SnapshotDraft& draft, const GroupSet& set, RuleList rules) {
  std::vector<ClassifierRule> compiled;
  for (const bool any_address : {true, false}) {
    for (const SecurityGroup* group : set.groups) {
      for (const SecurityGroupRule& rule : group->*rules) {
        const std::span<const Ipv4Prefix> prefixes = PrefixesOf(draft, rule);
        if (prefixes.empty() || IsAnyAddress(rule) != any_address) {
          continue;
        }
        compiled.push_back(
            {prefixes, CompilePortRule(rule.protocol, rule.ports,
                                       any_address ? kSgAllowAnyAddress : kSgAllow)});
      }
    }
  }
  return AddClassifier(draft, compiled, "security groups");
}

uint16_t OpenFlags(const GroupSet& set) {
  uint16_t flags = 0;
  const auto add = [&](RuleList rules, uint16_t tcp, uint16_t udp) {
    for (const SecurityGroup* group : set.groups) {
      for (const SecurityGroupRule& rule : group->*rules) {
        if (rule.stale || !IsAnyAddress(rule)) {
          continue;
        }
        flags |= CoversAllPorts(rule, kProtocolTcp) ? tcp : 0;
        flags |= CoversAllPorts(rule, kProtocolUdp) ? udp : 0;
      }
    }
  };
  add(&SecurityGroup::egress, kInterfaceEgressOpenTcp, kInterfaceEgressOpenUdp);
  add(&SecurityGroup::ingress, kInterfaceIngressOpenTcp, kInterfaceIngressOpenUdp);
  return flags;
}

// The distinct group sets of the intent, and which sets a group is in.
struct GroupSets {
  std::vector<GroupSet> sets;
  std::map<std::vector<std::string>, uint32_t> idx;
  std::unordered_map<std::string, std::vector<uint32_t>> of_group;
};

GroupSets CollectGroupSets(SnapshotDraft& draft) {
  GroupSets all;
  for (const NetworkInterface& eni : draft.intent.intent().network_interfaces) {
    InterfaceRow& row = draft.interfaces[draft.interface_idx.at(eni.id).index()];
    if ((row.flags & kInterfaceHasGroups) == 0) {
      continue;
    }
    std::vector<std::string> ids = eni.group_ids;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    const auto [it, added] = all.idx.try_emplace(ids, static_cast<uint32_t>(all.sets.size()));
    if (added) {
      GroupSet set;
      for (const std::string& id : ids) {
        set.groups.push_back(draft.intent.FindSecurityGroup(id));
        all.of_group[id].push_back(it->second);
      }
      all.sets.push_back(std::move(set));
    }
    row.group_set = it->second;
  }
  return all;
}

// A group map's policy is the group set times two, plus one for egress.
constexpr uint32_t GroupPolicy(uint32_t set, bool egress) {
  return set * 2 + (egress ? 1 : 0);
}

void CompileGroupPeers(SnapshotDraft& draft, const GroupSets& all, uint32_t set_idx, bool egress) {
  const RuleList rules = egress ? &SecurityGroup::egress : &SecurityGroup::ingress;
  std::map<uint32_t, std::vector<PortRule>> by_peer_set;
  for (const SecurityGroup* group : all.sets[set_idx].groups) {
    for (const SecurityGroupRule& rule : group->*rules) {
      const auto peers = all.of_group.find(rule.group_id);
      if (rule.group_id.empty() || rule.stale || peers == all.of_group.end()) {
        continue;
      }
      for (const uint32_t peer : peers->second) {
        by_peer_set[peer].push_back(CompilePortRule(rule.protocol, rule.ports, kSgAllow));
      }
    }
  }
  for (auto& [peer, port_rules] : by_peer_set) {
    draft.group_port_rules.push_back(std::move(port_rules));
    draft.group_rules.push_back({GroupPolicy(set_idx, egress), peer, {}});
  }
}

}  // namespace

PortRule CompilePortRule(int protocol, PortRange ports, uint32_t value) {
  PortRule rule;
  rule.value = value;
  if (protocol == kAllProtocols) {
    return rule;
  }
  rule.protocol = static_cast<uint16_t>(protocol);
  if (protocol == kProtocolIcmp && ports.from >= 0) {
    const auto type = static_cast<uint8_t>(ports.from);
    rule.key_low = IcmpRuleKey(type, ports.to < 0 ? 0 : static_cast<uint8_t>(ports.to));
    rule.key_high = IcmpRuleKey(type, ports.to < 0 ? 255 : static_cast<uint8_t>(ports.to));
  } else if ((protocol == kProtocolTcp || protocol == kProtocolUdp) && ports.from >= 0) {
    rule.key_low = static_cast<uint16_t>(ports.from);
    rule.key_high = static_cast<uint16_t>(ports.to < 0 ? 0xffff : ports.to);
  }
  return rule;
}

absl::Status CompileNacls(SnapshotDraft& draft) {
  std::unordered_map<std::string, std::pair<uint32_t, uint32_t>> compiled;
  for (const NetworkAcl& nacl : draft.intent.intent().network_acls) {
    absl::StatusOr<uint32_t> ingress = CompileNaclDirection(draft, nacl.ingress, nacl.id);
    if (!ingress.ok()) {
      return ingress.status();
    }
    absl::StatusOr<uint32_t> egress = CompileNaclDirection(draft, nacl.egress, nacl.id);
    if (!egress.ok()) {
      return egress.status();
    }
    compiled[nacl.id] = {*ingress, *egress};
  }
  for (const Subnet& subnet : draft.intent.intent().subnets) {
    SubnetRow& row = draft.subnets[draft.subnet_idx.at(subnet.id).index()];
    std::tie(row.nacl_ingress, row.nacl_egress) = compiled.at(subnet.network_acl_id);
  }
  return absl::OkStatus();
}

absl::Status CompileGroups(SnapshotDraft& draft) {
  GroupSets all = CollectGroupSets(draft);
  for (uint32_t i = 0; i < all.sets.size(); ++i) {
    GroupSet& set = all.sets[i];
    set.flags = OpenFlags(set);
    for (const bool egress : {false, true}) {
      absl::StatusOr<uint32_t> classifier =
          CompilePolicy(draft, set, egress ? &SecurityGroup::egress : &SecurityGroup::ingress);
      if (!classifier.ok()) {
        return classifier.status();
      }
      (egress ? set.egress : set.ingress) = *classifier;
      CompileGroupPeers(draft, all, i, egress);
    }
  }
  for (size_t i = 0; i < draft.group_rules.size(); ++i) {
    draft.group_rules[i].rules = draft.group_port_rules[i];
  }
  for (InterfaceRow& row : draft.interfaces) {
    if (row.group_set == kNoTable) {
      continue;
    }
    const GroupSet& set = all.sets[row.group_set];
    row.sg_ingress = set.ingress;
    row.sg_egress = set.egress;
    row.group_ingress = GroupPolicy(row.group_set, false);
    row.group_egress = GroupPolicy(row.group_set, true);
    row.flags |= set.flags;
  }
  return absl::OkStatus();
}

}  // namespace sluice
