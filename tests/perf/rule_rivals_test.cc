// The classifier's rivals answer as the plainest first match does.
#include <gtest/gtest.h>

#include "perf/rivals/acl.h"
#include "perf/rivals/linear.h"
#include "perf/workload/rule_set.h"

namespace sluice {
namespace {

constexpr size_t kHeapBytes = size_t{64} << 20;
constexpr uint32_t kPackets = 640;

uint32_t FirstMatch(const RuleSet& set, uint32_t address, uint8_t protocol, uint16_t key) {
  for (const ClassifierRule& rule : set.rules()) {
    const PortRule& port = rule.port;
    if ((port.protocol != kAnyProtocol && port.protocol != protocol) || key < port.key_low ||
        key > port.key_high) {
      continue;
    }
    for (const Ipv4Prefix& prefix : rule.prefixes) {
      if (prefix.Contains(Ipv4Address(address))) {
        return port.value;
      }
    }
  }
  return kNoMatch;
}

class RuleRivalsTest : public testing::TestWithParam<RuleShape> {};

TEST_P(RuleRivalsTest, AnswerAsTheFirstMatch) {
  for (const RuleListKind list : {RuleListKind::kNacl, RuleListKind::kGroups}) {
    for (const uint32_t rules : {1u, 40u, 500u}) {
      SCOPED_TRACE(testing::Message() << RuleShapeName(GetParam()) << " " << rules);
      const RuleSet set({GetParam(), list, rules, 7});
      const RulePackets packets = DrawRulePackets(set, kPackets, 7);
      const auto acl = AclRival::Make(set.rules(), HeapMemory(), kHeapBytes);
      ASSERT_TRUE(acl.ok()) << acl.status();
      const LinearScan linear(set.rules());
      std::vector<AclKey> keys;
      for (size_t i = 0; i < packets.size(); ++i) {
        keys.push_back(MakeAclKey(packets.address[i], packets.protocol[i], packets.key[i]));
      }
      std::vector<const uint8_t*> pointers;
      for (const AclKey& key : keys) {
        pointers.push_back(reinterpret_cast<const uint8_t*>(&key));
      }
      for (const std::string_view variant : AclRival::Variants()) {
        (*acl)->Use(variant);
        std::vector<uint32_t> got(kPackets);
        (*acl)->Classify(pointers.data(), got.data(), kPackets);
        for (size_t i = 0; i < kPackets; ++i) {
          const uint32_t expected =
              FirstMatch(set, packets.address[i], packets.protocol[i], packets.key[i]);
          ASSERT_EQ(got[i], expected) << variant << " packet " << i;
          ASSERT_EQ(linear.Lookup(packets.address[i], packets.protocol[i], packets.key[i]),
                    expected)
              << "packet " << i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RuleRivalsTest,
                         testing::Values(RuleShape::kCloud, RuleShape::kClassBench,
                                         RuleShape::kNested, RuleShape::kOverlap,
                                         RuleShape::kOnePrefix, RuleShape::kHosts),
                         [](const auto& shape) { return std::string(RuleShapeName(shape.param)); });

TEST(AclRivalTest, TooLittleMemoryIsRefusedByName) {
  const RuleSet set({RuleShape::kHosts, RuleListKind::kNacl, 20'000, 1});
  const auto acl = AclRival::Make(set.rules(), HeapMemory(), size_t{2} << 20);
  ASSERT_FALSE(acl.ok());
  EXPECT_EQ(acl.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(acl.status().message().find("rte_acl"), std::string::npos);
}

}  // namespace
}  // namespace sluice
