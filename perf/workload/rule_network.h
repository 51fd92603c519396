// The sample network with many rules around its senders, and flows that go where the rules are. Any
// thread.
#pragma once

#include <cstdint>
#include <vector>

#include "control/intent/validated_intent.h"
#include "perf/workload/flow_plan.h"
#include "perf/workload/rule_set.h"
#include "perf/workload/sample_network.h"

namespace sluice {

// A network ACL ends with rule 32,766 (AWS-NACL-02), so more rules are lists of about the same
// length, each of a subnet of its own and of a seed of its own. A security group holds all; as
// packets of tracked flows do not ask it, these flows are not tracked, and no NAT gateway is on
// their way.
uint32_t RuleListsOf(RuleListKind list, uint32_t rules);

struct RuleNetwork {
  SampleNetwork network;  // with a sender a list at least
  // Drawn over the lists in turn, as packets of DrawRulePackets are: addresses and ports of rules,
  // past a group addresses only, on kUntrackedPort.
  // About as many as asked for; not all of them pass.
  std::vector<FlowTarget> targets;
};
RuleNetwork MakeRuleNetwork(const RuleSetOptions& options, uint32_t senders, uint32_t targets);

// What the senders' lists hold outwards, over all subnets, without what ends each: as
// loaded, where a group holds no rule twice.
uint64_t CountNetworkRules(const ValidatedIntent& intent, RuleListKind list);

}  // namespace sluice
