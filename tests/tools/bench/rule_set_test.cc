// The rule lists and packets of benches: the same under a seed, and of the shape they are named
// for.
#include "perf/workload/rule_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "dataplane/table/snapshot.h"

namespace sluice {
namespace {

constexpr RuleShape kShapes[] = {RuleShape::kCloud,   RuleShape::kClassBench, RuleShape::kNested,
                                 RuleShape::kOverlap, RuleShape::kOnePrefix,  RuleShape::kHosts};
constexpr RuleListKind kLists[] = {RuleListKind::kNacl, RuleListKind::kGroups};

RuleSet Make(RuleShape shape, RuleListKind list, uint32_t rules, uint64_t seed = 1) {
  return RuleSet({shape, list, rules, seed});
}

bool SameRule(const ClassifierRule& a, const ClassifierRule& b) {
  return std::equal(a.prefixes.begin(), a.prefixes.end(), b.prefixes.begin(), b.prefixes.end()) &&
         a.port.protocol == b.port.protocol && a.port.key_low == b.port.key_low &&
         a.port.key_high == b.port.key_high && a.port.value == b.port.value;
}

bool SameRules(const RuleSet& a, const RuleSet& b) {
  return std::equal(a.rules().begin(), a.rules().end(), b.rules().begin(), b.rules().end(),
                    SameRule);
}

double ShareOf(const RuleSet& set, bool (*is)(const ClassifierRule&)) {
  return static_cast<double>(std::count_if(set.rules().begin(), set.rules().end(), is)) /
         static_cast<double>(set.rules().size());
}

TEST(RuleSetTest, ASeedNamesOneList) {
  for (const RuleShape shape : kShapes) {
    for (const RuleListKind list : kLists) {
      SCOPED_TRACE(RuleShapeName(shape));
      const RuleSet one = Make(shape, list, 500);
      EXPECT_EQ(one.rules().size(), 500u);
      EXPECT_TRUE(SameRules(one, Make(shape, list, 500)));
      EXPECT_FALSE(SameRules(one, Make(shape, list, 500, 2)));
      const RulePackets packets = DrawRulePackets(one, 100, 1);
      EXPECT_EQ(packets.address, DrawRulePackets(one, 100, 1).address);
      EXPECT_NE(packets.address, DrawRulePackets(one, 100, 2).address);
    }
  }
}

TEST(RuleSetTest, TheClassifierTakesEveryListAndPacketsHitIt) {
  for (const RuleShape shape : kShapes) {
    for (const RuleListKind list : kLists) {
      for (const uint32_t rules : {1u, 10u, 3000u}) {
        SCOPED_TRACE(testing::Message() << RuleShapeName(shape) << " " << rules);
        const RuleSet set = Make(shape, list, rules);
        ClassifierBuilder builder(HeapMemory());
        const auto classifier = builder.Build(set.rules());
        ASSERT_TRUE(classifier.ok()) << classifier.status();
        const RulePackets packets = DrawRulePackets(set, 1000, 3);
        size_t matched = 0;
        for (size_t i = 0; i < packets.size(); ++i) {
          matched +=
              (*classifier)->Lookup(packets.address[i], packets.protocol[i], packets.key[i]) !=
                      kNoMatch
                  ? 1
                  : 0;
        }
        EXPECT_GE(matched, 590u);  // 60 % are drawn inside a rule
      }
    }
  }
}

TEST(RuleSetTest, NaclAnswersAreRuleNumbersAndGroupsAllowForEverybodyFirst) {
  const RuleSet nacl = Make(RuleShape::kCloud, RuleListKind::kNacl, 300);
  for (size_t i = 0; i < nacl.rules().size(); ++i) {
    EXPECT_EQ(nacl.rules()[i].port.value >> 1, i + 1);
  }
  const RuleSet groups = Make(RuleShape::kCloud, RuleListKind::kGroups, 300);
  const auto& rules = groups.rules();
  EXPECT_TRUE(std::is_sorted(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
    return a.port.value == kSgAllowAnyAddress && b.port.value == kSgAllow;
  }));
}

TEST(RuleSetTest, OnlyGroupsNamePrefixLists) {
  const auto is_list = [](const ClassifierRule& rule) { return rule.prefixes.size() > 1; };
  const RuleSet groups = Make(RuleShape::kCloud, RuleListKind::kGroups, 4000);
  EXPECT_NEAR(ShareOf(groups, is_list), 0.05, 0.02);
  EXPECT_GT(groups.expanded_count(), 8000u);
  EXPECT_EQ(ShareOf(Make(RuleShape::kCloud, RuleListKind::kNacl, 4000), is_list), 0);
}

TEST(RuleSetTest, ClassBenchHasItsClasses) {
  const RuleSet set = Make(RuleShape::kClassBench, RuleListKind::kNacl, 20'000);
  const auto length_is = [&set](uint8_t length) {
    size_t count = 0;
    for (const ClassifierRule& rule : set.rules()) {
      count += rule.prefixes[0].length == length ? 1 : 0;
    }
    return static_cast<double>(count) / static_cast<double>(set.rules().size());
  };
  EXPECT_NEAR(length_is(32), 0.38, 0.03);
  EXPECT_NEAR(length_is(24), 0.29, 0.03);
  EXPECT_NEAR(length_is(0), 0.04, 0.01);
  EXPECT_NEAR(
      ShareOf(set, [](const auto& rule) { return rule.port.key_low == rule.port.key_high; }), 0.40,
      0.05);
  EXPECT_NEAR(ShareOf(set, [](const auto& rule) { return rule.port.protocol == 6; }), 0.64, 0.05);
}

TEST(RuleSetTest, NestedLiesOnOneChainAndHostsOnNone) {
  std::set<Ipv4Prefix> nested;
  const RuleSet chain = Make(RuleShape::kNested, RuleListKind::kNacl, 330);
  for (const ClassifierRule& rule : chain.rules()) {
    nested.insert(rule.prefixes[0]);
    EXPECT_TRUE(rule.prefixes[0].Contains(Ipv4Address(0x0a0a0a0au)));
  }
  EXPECT_EQ(nested.size(), 33u);
  const RuleSet hosts = Make(RuleShape::kHosts, RuleListKind::kNacl, 330);
  for (const ClassifierRule& rule : hosts.rules()) {
    EXPECT_EQ(rule.prefixes[0].length, 32);
  }
}

}  // namespace
}  // namespace sluice
