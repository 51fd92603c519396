// A VPC with more rules than one network ACL holds: as many as asked for, and flows over all lists.
#include "perf/workload/rule_network.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "perf/workload/rule_json.h"
#include "tools/bench/flags.h"
#include "tools/bench/rules/pipeline_rules.h"

namespace sluice {
namespace {

constexpr uint32_t kTwoLists = 40'000;

std::shared_ptr<const ValidatedIntent> Load(const RuleNetwork& made) {
  ValidationResult loaded = LoadIntentText("test", SampleNetworkJson(made.network), {});
  EXPECT_NE(loaded.intent, nullptr);
  return loaded.intent;
}

std::string SubnetOf(const ValidatedIntent& intent, const std::string& eni_id) {
  const NetworkInterface* eni = intent.FindNetworkInterface(eni_id);
  return eni == nullptr ? "none" : eni->subnet_id;
}

TEST(RuleNetworkTest, AListASubnetWhereOneCannotHoldThem) {
  EXPECT_EQ(RuleListsOf(RuleListKind::kNacl, kMostNaclRules), 1u);
  EXPECT_EQ(RuleListsOf(RuleListKind::kNacl, kMostNaclRules + 1), 2u);
  EXPECT_EQ(RuleListsOf(RuleListKind::kNacl, 1'000'000), 32u);
  EXPECT_EQ(RuleListsOf(RuleListKind::kGroups, 1'000'000), 1u);
  const RuleNetwork made =
      MakeRuleNetwork({RuleShape::kCloud, RuleListKind::kNacl, kTwoLists + 1, 7}, 5, 100);
  const auto intent = Load(made);
  ASSERT_NE(intent, nullptr);
  EXPECT_EQ(CountNetworkRules(*intent, RuleListKind::kNacl), kTwoLists + 1);
  const NetworkAcl* lists[] = {intent->FindNetworkAcl("acl-app"),
                               intent->FindNetworkAcl("acl-app-1")};
  ASSERT_TRUE(lists[0] != nullptr && lists[1] != nullptr);
  EXPECT_EQ(lists[0]->egress.size(), kTwoLists / 2 + 2);  // the last lets pass
  EXPECT_EQ(lists[1]->egress.size(), kTwoLists / 2 + 1);
  EXPECT_EQ(lists[1]->ingress.size(), kTwoLists / 2 + 1);
  EXPECT_EQ(lists[1]->subnet_ids, std::vector<std::string>{"subnet-app-1"});
  EXPECT_NE(lists[0]->egress[100].cidr, lists[1]->egress[100].cidr);  // of a seed of its own
}

TEST(RuleNetworkTest, TargetsAreOverAllListsAndSenders) {
  for (const uint32_t senders : {1u, 5u}) {  // too few are as many as lists
    const RuleNetwork made =
        MakeRuleNetwork({RuleShape::kCloud, RuleListKind::kNacl, kTwoLists, 7}, senders, 100);
    EXPECT_EQ(made.network.senders, std::max(2u, senders));
    const auto intent = Load(made);
    ASSERT_NE(intent, nullptr);
    std::map<std::string, uint32_t> of_subnet;
    std::set<std::string> enis;
    for (const FlowTarget& target : made.targets) {
      ++of_subnet[SubnetOf(*intent, target.eni_id)];
      enis.insert(target.eni_id);
      EXPECT_NE(target.dst >> 16, 0x0a00u);
    }
    EXPECT_EQ(of_subnet,
              (std::map<std::string, uint32_t>{{"subnet-app", 50}, {"subnet-app-1", 50}}));
    EXPECT_EQ(enis.size(), made.network.senders);
  }
}

TEST(RuleNetworkTest, AGroupNamesThePrefixListsOfItsRules) {
  const RuleSetOptions options = {RuleShape::kCloud, RuleListKind::kGroups, 2000, 7};
  const auto intent = Load(MakeRuleNetwork(options, 5, 10));
  ASSERT_NE(intent, nullptr);
  const RuleSet set(options);
  EXPECT_EQ(intent->intent().prefix_lists.size(), set.lists().size());
  EXPECT_EQ(intent->FindPrefixList("pl-rules-3")->cidrs.size(), set.lists()[3].size());
  uint32_t named = 0;
  for (const SecurityGroupRule& rule : intent->FindSecurityGroup("sg-app")->egress) {
    named += rule.prefix_list_id.empty() ? 0 : 1;
    EXPECT_FALSE(rule.stale);
  }
  EXPECT_GT(named, 50u);
  EXPECT_LE(CountNetworkRules(*intent, RuleListKind::kGroups), 2000u);
  EXPECT_GT(CountNetworkRules(*intent, RuleListKind::kGroups), 1900u);
}

// Or they would not ask it.
TEST(RuleNetworkTest, FlowsPastAGroupAreNotTracked) {
  RuleNetwork made = MakeRuleNetwork({RuleShape::kCloud, RuleListKind::kGroups, 500, 7}, 5, 100);
  for (const bool tracked : {false, true}) {
    if (tracked) {  // to a port that only these rules are for
      made.network.app_egress_permissions +=
          R"({"IpProtocol": "tcp", "FromPort": 444, "ToPort": 444,
          "IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]},)";
      for (FlowTarget& target : made.targets) {
        target.dst_l4_port = 444;
        target.protocol = 6;
      }
    }
    WorkbenchOptions options;
    options.intent = Load(made);
    options.targets = made.targets;
    options.flows = 50;
    const auto bench = Workbench::Make(options);
    ASSERT_TRUE(bench.ok()) << bench.status();
    const auto counts = (*bench)->dataplane().sessions().Counts();
    EXPECT_EQ(counts.counted + counts.cache_only, 50u);
    EXPECT_EQ(counts.counted != 0, tracked);
    EXPECT_EQ((*bench)->flows()[0].initiator.dst, made.targets[0].dst);
  }
}

TEST(RuleNetworkTest, AListThatNoFlowMeetsIsABrokenClaim) {
  FLAGS_quick = true;
  for (const uint32_t flows : {1u, 2u}) {
    ForwardRequest request;
    ASSERT_TRUE(ReadForwardFlags(request));
    SetFlows(flows, request);
    const auto row =
        MeasurePipelineRules({RuleShape::kCloud, RuleListKind::kNacl, kTwoLists, 7}, request);
    ASSERT_TRUE(row.ok()) << row.status();
    ASSERT_EQ(row->mistaken.size(), flows == 1 ? 2u : 0u);  // with the cache and without it
    if (flows == 1) {
      EXPECT_NE(row->mistaken[0].find("flows have met 1 lists, expected 2"), std::string::npos)
          << row->mistaken[0];
    }
  }
  FLAGS_quick = false;
}

}  // namespace
}  // namespace sluice
