// Lists of rules that own their prefixes, packets at their edges, and the plainest first match, for
// tests of the classifier.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

#include "dataplane/table/classifier.h"
#include "dataplane/table/kernels.h"

namespace sluice {

// A list that owns its prefixes.
struct RuleList {
  std::deque<std::vector<Ipv4Prefix>> prefixes;
  std::vector<ClassifierRule> rules;

  void Add(std::vector<Ipv4Prefix> where, uint16_t protocol, uint16_t low, uint16_t high,
           uint32_t value) {
    for (Ipv4Prefix& prefix : where) {
      prefix = prefix.Canonical();
    }
    prefixes.push_back(std::move(where));
    rules.push_back({prefixes.back(), {protocol, low, high, value}});
  }
};

struct Packet {
  uint32_t address;
  uint8_t protocol;
  uint16_t key;
};

// The plainest first match.
inline uint32_t NaiveMatch(const RuleList& list, const Packet& packet) {
  for (const ClassifierRule& rule : list.rules) {
    bool inside = false;
    for (const Ipv4Prefix& prefix : rule.prefixes) {
      const uint32_t shift = 32u - prefix.length;
      inside = inside || shift == 32 || packet.address >> shift == prefix.address.value >> shift;
    }
    const PortRule& port = rule.port;
    if (inside && (port.protocol == 256 || port.protocol == packet.protocol) &&
        port.key_low <= packet.key && packet.key <= port.key_high) {
      return port.value;
    }
  }
  return kNoMatch;
}

inline uint32_t AddressNear(const RuleList& list, std::mt19937& random) {
  const auto& prefixes = list.prefixes[random() % list.prefixes.size()];
  if (prefixes.empty() || random() % 8 == 0) {
    return static_cast<uint32_t>(random());
  }
  const Ipv4Prefix& prefix = prefixes[random() % prefixes.size()];
  switch (random() % 4) {
    case 0:
      return prefix.First().value - random() % 2;
    case 1:
      return prefix.Last().value + random() % 2;
    default:
      return prefix.First().value | (static_cast<uint32_t>(random()) & ~prefix.Mask());
  }
}

inline std::vector<Packet> PacketsFor(const RuleList& list, size_t count, std::mt19937& random) {
  std::vector<Packet> packets;
  for (size_t i = 0; i < count; ++i) {
    Packet packet{static_cast<uint32_t>(random()), static_cast<uint8_t>(random()),
                  static_cast<uint16_t>(random())};
    if (!list.rules.empty()) {
      const PortRule& port = list.rules[random() % list.rules.size()].port;
      packet.address = AddressNear(list, random);
      if (random() % 8 != 0 && port.protocol != kAnyProtocol) {
        packet.protocol = static_cast<uint8_t>(port.protocol);
      }
      const uint32_t edge = random() % 5;
      packet.key = edge == 0   ? port.key_low
                   : edge == 1 ? port.key_high
                   : edge == 2 ? static_cast<uint16_t>(port.key_low - 1)
                   : edge == 3 ? static_cast<uint16_t>(port.key_high + 1)
                               : packet.key;
    }
    packets.push_back(packet);
  }
  return packets;
}

// As NaiveMatch, in every variant.
inline void ExpectFirstMatchWith(const RuleList& list, const std::vector<Packet>& packets,
                                 const ClassifierLimits& limits, uint32_t* max_steps = nullptr) {
  ClassifierBuilder builder(HeapMemory(), limits);
  const auto classifier = builder.Build(list.rules);
  ASSERT_TRUE(classifier.ok()) << classifier.status();
  EXPECT_LE((*classifier)->max_steps(), Classifier::kMaxSteps);
  if (max_steps != nullptr) {
    *max_steps = (*classifier)->max_steps();
  }
  const auto set = ClassifierSet::Make({*classifier}, HeapMemory());
  ASSERT_TRUE(set.ok());
  std::vector<uint32_t> idx(packets.size(), 0), address, expected, got(packets.size());
  std::vector<uint8_t> protocol;
  std::vector<uint16_t> key;
  for (const Packet& packet : packets) {
    address.push_back(packet.address);
    protocol.push_back(packet.protocol);
    key.push_back(packet.key);
    expected.push_back(NaiveMatch(list, packet));
  }
  for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    ForceSimdLevel(level);
    set->LookupBatch(idx.data(), address.data(), protocol.data(), key.data(), got.data(),
                     got.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i], expected[i])
          << ToString(Ipv4Address(address[i])) << " protocol " << int{protocol[i]} << " key "
          << key[i] << " rules " << list.rules.size() << " " << SimdLevelName(level);
    }
  }
  ForceSimdLevel(DetectSimdLevel());
}

}  // namespace sluice
