#include "perf/workload/rule_set.h"

#include <algorithm>

#include "dataplane/base/check.h"
#include "dataplane/table/snapshot.h"
#include "perf/workload/rule_shapes.h"

namespace sluice {
namespace {

constexpr uint32_t kListedRules = 20;  // one rule of so many names a prefix list

uint32_t ValueOf(RuleListKind list, size_t rank, const Ipv4Prefix* prefix, WorkloadRandom& random) {
  if (list == RuleListKind::kNacl) {
    return NaclAnswer(static_cast<uint32_t>(rank + 1), random.Below(2) == 0);
  }
  return prefix != nullptr && prefix->length == 0 ? kSgAllowAnyAddress : kSgAllow;
}

}  // namespace

std::string_view RuleShapeName(RuleShape shape) {
  switch (shape) {
    case RuleShape::kCloud:
      return "cloud";
    case RuleShape::kClassBench:
      return "classbench";
    case RuleShape::kNested:
      return "nested";
    case RuleShape::kOverlap:
      return "overlap";
    case RuleShape::kOnePrefix:
      return "one_prefix";
    case RuleShape::kHosts:
      return "hosts";
  }
  return "?";
}

RuleSet::RuleSet(const RuleSetOptions& options) {
  SLUICE_CHECK(options.rules >= 1 && options.rules <= 4'000'000);
  RuleDraw draw(options);
  WorkloadRandom random(options.seed ^ 0x72756c65);
  const bool groups = options.list == RuleListKind::kGroups;
  const bool listed = groups && options.shape == RuleShape::kCloud;
  std::vector<DrawnRule> drawn;
  drawn.reserve(options.rules);
  for (uint32_t i = 0; i < options.rules; ++i) {
    drawn.push_back(draw.Next());
  }
  if (groups) {
    std::stable_partition(drawn.begin(), drawn.end(),
                          [](const DrawnRule& rule) { return rule.prefix.length == 0; });
  }
  for (uint32_t i = 0; listed && i < 1 + options.rules / 200; ++i) {
    std::vector<Ipv4Prefix> list(8 + random.Below(56));
    std::generate(list.begin(), list.end(), [&draw] { return draw.ListedPrefix(); });
    lists_.push_back(std::move(list));
  }
  for (const DrawnRule& rule : drawn) {
    prefixes_.push_back(rule.prefix);
  }
  for (size_t i = 0; i < drawn.size(); ++i) {
    const bool named = listed && prefixes_[i].length != 0 && random.Below(kListedRules) == 0;
    ClassifierRule rule;
    rule.prefixes = named ? std::span<const Ipv4Prefix>(lists_[random.Below(lists_.size())])
                          : std::span<const Ipv4Prefix>(&prefixes_[i], 1);
    rule.port = drawn[i].port;
    rule.port.value = ValueOf(options.list, i, named ? nullptr : &prefixes_[i], random);
    rules_.push_back(rule);
  }
}

uint64_t RuleSet::expanded_count() const {
  uint64_t count = 0;
  for (const ClassifierRule& rule : rules_) {
    count += rule.prefixes.size();
  }
  return count;
}

RulePackets DrawRulePackets(const RuleSet& set, uint32_t count, uint64_t seed) {
  WorkloadRandom random(seed ^ 0x70616b74);
  RulePackets packets;
  packets.address.reserve(count);
  packets.protocol.reserve(count);
  packets.key.reserve(count);
  const auto any_rule = [&]() -> const ClassifierRule& {
    return set.rules()[random.Below(set.rules().size())];
  };
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t roll = random.Below(100);
    const ClassifierRule& rule = any_rule();
    const Ipv4Prefix& prefix = rule.prefixes[random.Below(rule.prefixes.size())];
    const PortRule& port = roll < 60 ? rule.port : any_rule().port;
    const auto bits = static_cast<uint32_t>(random.Next());
    packets.address.push_back(roll < 85 ? prefix.address.value | (bits & ~prefix.Mask()) : bits);
    packets.protocol.push_back(
        static_cast<uint8_t>(port.protocol == kAnyProtocol ? random.Below(256) : port.protocol));
    packets.key.push_back(static_cast<uint16_t>(
        port.key_low + random.Below(uint64_t{port.key_high} - port.key_low + 1)));
  }
  return packets;
}

}  // namespace sluice
