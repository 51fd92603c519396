// What large lists are compiled to: records, chain lines, and nothing for hidden rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "dataplane/table/classifier.h"
#include "tests/dataplane/table/naive_match.h"

namespace sluice {
namespace {

constexpr uint16_t kTcp = 6;
constexpr uint32_t kHosts = 3000;

std::shared_ptr<const Classifier> Compiled(const RuleList& list,
                                           const ClassifierLimits& limits = {}) {
  auto built = ClassifierBuilder(HeapMemory(), limits).Build(list.rules);
  return built.ok() ? *built : nullptr;
}

// Hosts apart from each other with a port each, in front of them 20 ports for everybody.
RuleList HostsUnderWideRules(uint16_t first_host_port) {
  RuleList list;
  for (uint32_t i = 0; i < 20; ++i) {
    const auto l4_port = static_cast<uint16_t>(1000 + 10 * i);
    list.Add({{Ipv4Address(0u), 0}}, kTcp, l4_port, l4_port, i);
  }
  for (uint32_t i = 0; i < kHosts; ++i) {
    list.Add({{Ipv4Address(0x0a000000u + 8 * i), 32}}, kTcp, first_host_port, first_host_port,
             100 + i);
  }
  return list;
}

// 16 bytes of record and two ranges of addresses; a map of its own would take seven lines.
TEST(ClassifierRecordsTest, AHostOfALargeListTakesARecordAndNoMap) {
  const RuleList list = HostsUnderWideRules(80);
  const auto classifier = Compiled(list);
  ASSERT_NE(classifier, nullptr);
  EXPECT_LE(classifier->bytes(), 2048 + kHosts * (sizeof(NodeRecord) + 2 * 9));
  EXPECT_EQ(classifier->max_steps(), 1u);
  std::mt19937 random(21);
  ExpectFirstMatchWith(list, PacketsFor(list, 2000, random), {});
}

TEST(ClassifierRecordsTest, RulesThatOthersHideLeaveNothingBehind) {
  const RuleList list = HostsUnderWideRules(1010);
  const auto classifier = Compiled(list);
  ASSERT_NE(classifier, nullptr);
  EXPECT_EQ(classifier->node_range_count(), 1u);
  EXPECT_LE(classifier->bytes(), 1024u);
  std::mt19937 random(22);
  ExpectFirstMatchWith(list, PacketsFor(list, 2000, random), {});
}

// Networks of `intervals` ports each, hosts inside with one; every packet at an edge of an
// interval.
RuleList NetworksWithHosts(uint32_t intervals) {
  RuleList list;
  uint32_t value = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    list.Add({{Ipv4Address(0u), 0}}, 17, static_cast<uint16_t>(10 * i),
             static_cast<uint16_t>(10 * i + 5), 1'000'000 + i);
  }
  for (uint32_t net = 0; net < 40; ++net) {
    const uint32_t address = 0x0a000000u | net << 8;
    for (uint32_t i = 0; i < intervals; ++i) {
      // The ends of the key space, neighbours that touch, and single keys.
      const uint16_t protocol = i == 0 ? 0 : i == 1 ? 255 : kTcp;
      const auto low = static_cast<uint16_t>(i == 0 ? 0 : i == 1 ? 65535 : 100 * (i / 2) + i % 2);
      list.Add({{Ipv4Address(address), 24}}, protocol, low, low, ++value);
    }
    list.Add({{Ipv4Address(address | 7), 32}}, kTcp, 40000, 50000, ++value);
  }
  std::stable_sort(list.rules.begin(), list.rules.end(),
                   [](const auto& a, const auto& b) { return a.port.value < b.port.value; });
  return list;
}

std::vector<Packet> EdgePackets(const RuleList& list) {
  std::vector<Packet> packets;
  for (uint32_t net = 0; net < 40; ++net) {
    for (const uint32_t host : {0u, 6u, 7u, 8u, 255u}) {
      for (const ClassifierRule& rule : list.rules) {
        for (const uint32_t key : {rule.port.key_low - 1u, uint32_t{rule.port.key_low},
                                   uint32_t{rule.port.key_high}, rule.port.key_high + 1u}) {
          packets.push_back({0x0a000000u | net << 8 | host,
                             static_cast<uint8_t>(rule.port.protocol), static_cast<uint16_t>(key)});
        }
      }
    }
  }
  std::shuffle(packets.begin(), packets.end(), std::mt19937(5));
  packets.resize(std::min<size_t>(packets.size(), 20'000));
  return packets;
}

// One interval to one more than a chain line holds: chain lines, then maps.
TEST(ClassifierRecordsTest, ChainLinesAnswerAtTheEdgesOfTheirIntervals) {
  ClassifierLimits limits;
  limits.records_above = 0;
  for (uint32_t intervals = 1; intervals <= kChainIntervals + 2; ++intervals) {
    SCOPED_TRACE(testing::Message() << intervals << " intervals");
    const RuleList list = NetworksWithHosts(intervals);
    for (const size_t merged_ranges : {size_t{0}, size_t{262'144}}) {
      limits.merged_ranges = merged_ranges;
      ExpectFirstMatchWith(list, EdgePackets(list), limits);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

// Equal records are one: two answers only, as security groups have.
TEST(ClassifierRecordsTest, EqualRecordsAreShared) {
  RuleList list;
  for (uint32_t i = 0; i < kHosts; ++i) {
    list.Add({{Ipv4Address(0x0a000000u + 8 * i), 32}}, kTcp, 443, 443, 3);
  }
  const auto classifier = Compiled(list);
  ASSERT_NE(classifier, nullptr);
  EXPECT_LE(classifier->bytes(), 512 + kHosts * 2 * 9);
}

}  // namespace
}  // namespace sluice
