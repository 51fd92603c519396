#include "perf/workload/rule_network.h"

#include <algorithm>
#include <utility>

#include "dataplane/packet/protocol.h"
#include "perf/workload/rule_json.h"

namespace sluice {
namespace {

// Neither of the VPC, nor a host's own, nor multicast.
bool IsForeign(uint32_t address) {
  const uint32_t first = address >> 24;
  return address >> 16 != 0x0a00 && first != 0 && first != 127 && first < 224;
}

// TCP and UDP packets of the list: as many as asked for, or what a bounded search finds.
std::vector<FlowTarget> TargetsOf(const RuleSet& set, uint32_t count, uint64_t seed) {
  constexpr uint32_t kDrawn = 16;  // packets for a target
  const RulePackets packets = DrawRulePackets(set, count * kDrawn, seed);
  std::vector<FlowTarget> targets;
  for (size_t i = 0; i < packets.size() && targets.size() < count; ++i) {
    const uint8_t protocol = packets.protocol[i];
    if ((protocol == kProtocolTcp || protocol == kProtocolUdp) && IsForeign(packets.address[i])) {
      targets.push_back({"", packets.address[i], protocol, packets.key[i]});
    }
  }
  return targets;
}

// Of all lists in turn; target k of list l leaves from a sender of list l, these in turn too.
std::vector<FlowTarget> InTurn(const std::vector<std::vector<FlowTarget>>& by_list,
                               uint32_t senders) {
  const auto lists = static_cast<uint32_t>(by_list.size());
  std::vector<FlowTarget> targets;
  for (uint32_t k = 0, more = 1; more != 0; ++k) {
    more = 0;
    for (uint32_t l = 0; l < lists; ++l) {
      if (k < by_list[l].size()) {
        const uint32_t of_list = (senders - l + lists - 1) / lists;
        targets.push_back(by_list[l][k]);
        targets.back().eni_id = "eni-app-" + std::to_string(l + k % of_list * lists);
        more = 1;
      }
    }
  }
  return targets;
}

}  // namespace

uint32_t RuleListsOf(RuleListKind list, uint32_t rules) {
  return list == RuleListKind::kNacl ? (rules + kMostNaclRules - 1) / kMostNaclRules : 1;
}

RuleNetwork MakeRuleNetwork(const RuleSetOptions& options, uint32_t senders, uint32_t targets) {
  const uint32_t lists = RuleListsOf(options.list, options.rules);
  RuleNetwork made;
  made.network.rules = 1;
  made.network.seed = options.seed;
  made.network.senders = std::max(senders, lists);
  std::vector<std::vector<FlowTarget>> by_list;
  for (uint32_t l = 0; l < lists; ++l) {
    RuleSetOptions part = options;
    part.rules = options.rules / lists + (l < options.rules % lists ? 1 : 0);
    part.seed = options.seed + l;
    const RuleSet set(part);
    by_list.push_back(TargetsOf(set, (targets + lists - 1) / lists, part.seed));
    if (options.list == RuleListKind::kGroups) {
      made.network.untracked = true;
      for (FlowTarget& target : by_list.back()) {
        target.dst_l4_port = kUntrackedPort;
      }
      made.network.app_egress_permissions = GroupPermissionsJson(set);
      made.network.prefix_lists = PrefixListsJson(set);
    } else if (l == 0) {
      made.network.app_ingress_entries = NaclEntriesJson(set, false);
      made.network.app_egress_entries = NaclEntriesJson(set, true);
    } else {
      made.network.more_app_acls.push_back(
          {NaclEntriesJson(set, false), NaclEntriesJson(set, true)});
    }
  }
  made.targets = InTurn(by_list, made.network.senders);
  return made;
}

uint64_t CountNetworkRules(const ValidatedIntent& intent, RuleListKind list) {
  if (list == RuleListKind::kGroups) {
    return intent.FindSecurityGroup("sg-app")->egress.size() - 2;
  }
  uint64_t count = 0;
  for (const NetworkAcl& acl : intent.intent().network_acls) {
    if (acl.id.rfind("acl-app", 0) == 0) {
      count += acl.egress.size() - 1;
    }
  }
  return count;
}

}  // namespace sluice
