// The rules of a list as the compiler walks them: every prefix once, ancestors before descendants,
// with the port ranges that its own rules cover. Part of the classifier's builder; control thread
// only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/port_ranges.h"

namespace sluice {

// A prefix of a rule or of a set of rules.
struct RuleItem {
  uint64_t prefix;  // address << 6 | length: sorts ancestors first
  uint32_t source;  // rank, or kRuleSetBit | index of a set

  Ipv4Prefix ToPrefix() const {
    return {Ipv4Address(static_cast<uint32_t>(prefix >> 6)), static_cast<uint8_t>(prefix & 63)};
  }
};

// An item's source is a set of rules that name one list of prefixes, not a rank.
inline constexpr uint32_t kRuleSetBit = 0x80000000u;

// What the maps of a list hold: a number that is least for the rule that comes first. Rule numbers
// of a NACL rise with precedence and answers of security groups fall, so mostly that is the value
// itself, or the value with all bits flipped; else it is the rank.
struct AnswerOrder {
  bool ranks = false;
  uint32_t flip = 0;  // answer = value ^ flip, unless ranks

  static AnswerOrder Of(std::span<const ClassifierRule> rules);
  uint32_t Answer(const ClassifierRule& rule, uint32_t rank) const {
    return ranks ? rank : rule.port.value ^ flip;
  }
  friend bool operator==(const AnswerOrder&, const AnswerOrder&) = default;
};

// A rule of one prefix, as kept from the list that was compiled before.
struct KeptRule {
  Ipv4Prefix prefix;
  PortRule port;
};

// Where two lists differ: `removed` rules from `first` on gave way to `inserted` ones.
struct RuleEdit {
  size_t first = 0;
  size_t removed = 0;
  size_t inserted = 0;
};

// False: a rule names not exactly one prefix.
bool KeepRules(std::span<const ClassifierRule> rules, std::vector<KeptRule>& out);
RuleEdit EditBetween(std::span<const KeptRule> before, std::span<const KeptRule> after);

class RuleItems {
 public:
  // InvalidArgument: a wrong rule. ResourceExhausted: more than `max_bytes` of items.
  absl::Status Collect(std::span<const ClassifierRule> rules, size_t max_bytes);

  // After Collect, for lists that KeepRules takes: goes over to the edited list `rules`. False,
  // with nothing done: it has another order of answers or a wrong rule.
  bool Edit(std::span<const ClassifierRule> rules, const RuleEdit& edit);
  // The first item at or behind the prefix.
  size_t Find(const Ipv4Prefix& prefix) const;

  const AnswerOrder& order() const { return order_; }
  std::span<const RuleItem> items() const { return items_; }
  // The first item after `first` with another prefix.
  size_t EndOfPrefix(size_t first) const;
  size_t CountPrefixes() const;  // different ones
  // The least answer of these items everywhere; they have one prefix.
  void OwnRanges(size_t first, size_t count, PortRanges& out);

 private:
  // Rules that name one list of prefixes.
  struct PrefixSet {
    std::span<const Ipv4Prefix> prefixes;
    std::vector<uint32_t> ranks;
    PortRanges ranges;
  };

  absl::Status AddRules(size_t max_bytes);
  void AddToSet(uint32_t rank);
  absl::Status CompileSets(size_t max_bytes);
  void Sort();
  void RangesOfRank(uint32_t rank, PortRanges& out) const;

  std::span<const ClassifierRule> rules_;
  AnswerOrder order_;
  std::vector<RuleItem> items_;
  std::vector<RuleItem> sorting_;
  std::vector<PrefixSet> sets_;
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> sets_by_hash_;
  PortRangeMerger merger_;
};

absl::Status ClassifierTooBig();

}  // namespace sluice
