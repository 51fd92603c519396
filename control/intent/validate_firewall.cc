// Network ACLs (AWS-NACL-02) and security groups (AWS-SG-05..07).
#include <algorithm>
#include <map>
#include <numeric>

#include "control/intent/rule_id.h"
#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr size_t kNaclRuleQuota = 20;  // the final "*" included
constexpr size_t kNaclQuota = 200;
constexpr size_t kGroupRuleQuota = 60;
constexpr size_t kGroupPerVpcQuota = 2500;

bool SameRule(const NaclRule& a, const NaclRule& b) {
  return a.protocol == b.protocol && a.cidr == b.cidr && a.ports == b.ports && a.allow == b.allow;
}

// Ascending by number; the same entry twice is one, another entry of the same number an error.
void SortRules(Validation& v, const DraftedNetworkAcl& acl, std::vector<NaclRule>& rules,
               const std::vector<JsonValue>& origins) {
  std::vector<size_t> order(rules.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rules[a].number < rules[b].number; });
  std::vector<NaclRule> sorted;
  sorted.reserve(rules.size());
  for (const size_t i : order) {
    const NaclRule& rule = rules[i];
    if (sorted.empty() || sorted.back().number != rule.number || rule.number == 0) {
      sorted.push_back(rule);
    } else if (!SameRule(sorted.back(), rule)) {
      v.issues.Error(origins[i], acl.value.id,
                     "there is another rule with the number " + std::to_string(rule.number),
                     "NetworkAclEntryAlreadyExists");
    }
  }
  rules = std::move(sorted);
  if (rules.size() + 1 > kNaclRuleQuota) {
    v.context.Quota(acl.Member("Entries"), acl.value.id,
                    "more than 20 rules in one direction: AWS's default quota",
                    "NetworkAclEntryLimitExceeded");
  }
}

class GroupValidator {
 public:
  GroupValidator(Validation& v, DraftedSecurityGroup& group) : v_(v), group_(group) {}

  void Run(bool egress) {
    std::vector<SecurityGroupRule>& rules = egress ? group_.value.egress : group_.value.ingress;
    std::vector<GroupRuleOrigin>& origins = egress ? group_.egress_origins : group_.ingress_origins;
    std::vector<SecurityGroupRule> kept;
    kept.reserve(rules.size());
    absl::flat_hash_map<std::string, size_t> seen;
    seen.reserve(rules.size());
    for (size_t i = 0; i < rules.size(); ++i) {
      SecurityGroupRule& rule = rules[i];
      ResolvePeer(rule, origins[i]);
      std::string text = RuleText(rule);
      const auto [known, inserted] = seen.try_emplace(std::move(text), kept.size());
      if (!inserted) {
        SecurityGroupRule& first = kept[known->second];
        if (first.id.empty()) {
          first.id = std::move(rule.id);
        }
        continue;
      }
      kept.push_back(std::move(rule));
    }
    for (const auto& [text, position] : seen) {
      if (kept[position].id.empty()) {
        kept[position].id = MadeRuleId(group_.value.id, egress, text);
      }
    }
    rules = std::move(kept);
    if (rules.size() > kGroupRuleQuota) {
      v_.context.Quota(group_.Member(egress ? "IpPermissionsEgress" : "IpPermissions"),
                       group_.value.id, "more than 60 rules in one direction: AWS's default quota",
                       "RulesPerSecurityGroupLimitExceeded");
    }
  }

 private:
  void Stale(SecurityGroupRule& rule, JsonValue where, std::string why) {
    rule.stale = true;
    v_.issues.Warning(where, group_.value.id, why + ": the rule is stale and matches nothing");
  }

  void ResolvePeer(SecurityGroupRule& rule, const GroupRuleOrigin& origin) {
    if (!rule.prefix_list_id.empty()) {
      if (v_.prefix_lists.Find(rule.prefix_list_id) == nullptr) {
        Stale(rule, origin.where, "there is no prefix list " + rule.prefix_list_id);
      }
      return;
    }
    if (rule.cidr) {
      return;
    }
    if (rule.group_id.empty()) {
      rule.group_id = GroupNamed(origin.group_name);
    }
    const DraftedSecurityGroup* peer = v_.security_groups.Find(rule.group_id);
    if (peer == nullptr) {
      Stale(rule, origin.where, "there is no security group " + rule.group_id);
    } else if (peer->value.vpc_id != group_.value.vpc_id &&
               (origin.peering_gone || !v_.ArePeered(peer->value.vpc_id, group_.value.vpc_id))) {
      Stale(rule, origin.where,
            rule.group_id + " is in " + peer->value.vpc_id + ", which no active peering joins to " +
                group_.value.vpc_id);
    }
  }

  std::string GroupNamed(const std::string& name) {
    for (const DraftedSecurityGroup& group : v_.draft.security_groups) {
      if (group.value.vpc_id == group_.value.vpc_id && group.value.name == name) {
        return group.value.id;
      }
    }
    return name;
  }

  Validation& v_;
  DraftedSecurityGroup& group_;
};

// Rules of the list SecurityGroupRules join their groups; those the group lists too become one,
// with the list's id.
void JoinLooseRules(Validation& v) {
  for (LooseGroupRule& loose : v.draft.group_rules) {
    DraftedSecurityGroup* group = v.security_groups.Find(loose.group_id);
    if (group == nullptr) {
      v.issues.Error(loose.origin.where, loose.id, "there is no security group " + loose.group_id,
                     "InvalidGroup.NotFound");
      continue;
    }
    (loose.egress ? group->value.egress : group->value.ingress).push_back(std::move(loose.rule));
    (loose.egress ? group->egress_origins : group->ingress_origins).push_back(loose.origin);
  }
}

void CheckNames(Validation& v) {
  std::map<std::pair<std::string, std::string>, std::string> by_name;
  std::map<std::string, size_t> count_of;
  for (const DraftedSecurityGroup& group : v.draft.security_groups) {
    if (++count_of[group.value.vpc_id] == kGroupPerVpcQuota + 1) {
      v.context.Quota(group.origin, group.value.id,
                      "more than 2500 security groups: AWS's default quota",
                      "SecurityGroupLimitExceeded");
    }
    if (group.value.name.empty()) {
      continue;
    }
    const auto [first, inserted] =
        by_name.try_emplace({group.value.vpc_id, group.value.name}, group.value.id);
    if (!inserted) {
      v.issues.Warning(
          group.Member("GroupName"), group.value.id,
          first->second + " of the same VPC has the name \"" + group.value.name + "\" too",
          "InvalidGroup.Duplicate");
    }
  }
}

}  // namespace

void ValidateNetworkAcls(Validation& v) {
  std::map<std::string, size_t> count_of;
  for (DraftedNetworkAcl& acl : v.draft.network_acls) {
    SortRules(v, acl, acl.value.ingress, acl.ingress_origins);
    SortRules(v, acl, acl.value.egress, acl.egress_origins);
    if (++count_of[acl.value.vpc_id] == kNaclQuota + 1) {
      v.context.Quota(acl.origin, acl.value.id, "more than 200 network ACLs: AWS's default quota",
                      "NetworkAclLimitExceeded");
    }
  }
}

void ValidateSecurityGroups(Validation& v) {
  JoinLooseRules(v);
  CheckNames(v);
  for (DraftedSecurityGroup& group : v.draft.security_groups) {
    if (group.origin.exists() && !group.origin.Find("IpPermissionsEgress").exists() &&
        group.value.egress.empty()) {
      v.issues.Warning(group.origin, group.value.id,
                       "no IpPermissionsEgress: nothing may leave (AWS gives a new group one rule "
                       "that allows all)");
    }
    GroupValidator validator(v, group);
    validator.Run(false);
    validator.Run(true);
  }
}

}  // namespace sluice
