#include "dataplane/table/group_rule_map.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice {
namespace {

constexpr AddressHashKey kKey = {{11, 22}};

TEST(GroupRuleMapTest, FirstMatchOfThePairWins) {
  std::mt19937 random(8);
  std::vector<std::vector<PortRule>> lists(200);
  std::vector<GroupRules> pairs;
  for (uint32_t i = 0; i < lists.size(); ++i) {
    for (uint32_t r = 0; r < random() % 6; ++r) {
      const auto low = static_cast<uint16_t>(random() % 100);
      lists[i].push_back({static_cast<uint16_t>(random() % 5 == 0 ? kAnyProtocol : 6), low,
                          static_cast<uint16_t>(low + random() % 50), r});
    }
    pairs.push_back({i % 10, i / 10, lists[i]});
  }
  const auto map = GroupRuleMap::Build(pairs, kKey, HeapMemory());
  ASSERT_TRUE(map.ok()) << map.status();
  std::vector<uint32_t> policy, group_set, expected, got;
  std::vector<uint8_t> protocol;
  std::vector<uint16_t> key;
  for (int i = 0; i < 20'000; ++i) {
    policy.push_back(random() % 12);
    group_set.push_back(random() % 22);
    protocol.push_back(random() % 2 == 0 ? 6 : 17);
    key.push_back(static_cast<uint16_t>(random() % 160));
    expected.push_back(kNoMatch);
    if (policy.back() < 10 && group_set.back() < 20) {
      for (const PortRule& rule : lists[policy.back() + group_set.back() * 10]) {
        if ((rule.protocol == 256 || rule.protocol == protocol.back()) &&
            rule.key_low <= key.back() && key.back() <= rule.key_high) {
          expected.back() = rule.value;
          break;
        }
      }
    }
  }
  got.resize(policy.size());
  (*map)->LookupBatch(policy.data(), group_set.data(), protocol.data(), key.data(), got.data(),
                      got.size());
  EXPECT_EQ(got, expected);
  EXPECT_EQ((*map)->Lookup(policy[0], group_set[0], protocol[0], key[0]), expected[0]);
}

TEST(GroupRuleMapTest, EmptyMapMatchesNothing) {
  const auto map = GroupRuleMap::Build({}, kKey, HeapMemory());
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ((*map)->Lookup(0, 0, 6, 80), kNoMatch);
}

TEST(GroupRuleMapTest, WrongInputAndBudgetAreRefused) {
  const PortRule rule{6, 80, 80, 1};
  const PortRule wrong{6, 80, 79, 1};
  const GroupRules twice[] = {{1, 1, {&rule, 1}}, {1, 1, {&rule, 1}}};
  EXPECT_EQ(GroupRuleMap::Build(twice, kKey, HeapMemory()).status().code(),
            absl::StatusCode::kInvalidArgument);
  const GroupRules bad[] = {{1, 1, {&wrong, 1}}};
  EXPECT_EQ(GroupRuleMap::Build(bad, kKey, HeapMemory()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GroupRuleMap::Build({twice, 1}, kKey, HeapMemory(), 63).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace sluice
