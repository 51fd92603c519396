#include "dataplane/table/classifier_items.h"

#include <algorithm>
#include <array>

#include "dataplane/table/content_hash.h"

namespace sluice {
namespace {

// Shorter lists are sorted by comparing.
constexpr size_t kRadixFrom = 512;
constexpr uint32_t kDigitBits = 11;
constexpr uint32_t kPrefixBits = 38;

absl::Status CheckRule(const ClassifierRule& rule) {
  const PortRule& port = rule.port;
  if (port.protocol > kAnyProtocol || port.key_low > port.key_high || port.value == kNoMatch) {
    return absl::InvalidArgumentError("rule with a wrong protocol, port range or value");
  }
  for (const Ipv4Prefix& prefix : rule.prefixes) {
    if (prefix.length > 32 || !prefix.IsCanonical()) {
      return absl::InvalidArgumentError("prefix not canonical: " + ToString(prefix));
    }
  }
  return absl::OkStatus();
}

uint64_t SortKey(const Ipv4Prefix& prefix) {
  return uint64_t{prefix.address.value} << 6 | prefix.length;
}

bool SameRule(const KeptRule& a, const KeptRule& b) {
  return a.prefix == b.prefix && a.port.protocol == b.port.protocol &&
         a.port.key_low == b.port.key_low && a.port.key_high == b.port.key_high &&
         a.port.value == b.port.value;
}

bool SamePrefixes(std::span<const Ipv4Prefix> a, std::span<const Ipv4Prefix> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

absl::Status ClassifierTooBig() {
  return absl::ResourceExhaustedError("classifier exceeds its memory budget");
}

AnswerOrder AnswerOrder::Of(std::span<const ClassifierRule> rules) {
  bool rises = true;
  bool falls = true;
  for (size_t i = 0; i < rules.size(); ++i) {
    const uint32_t value = rules[i].port.value;
    falls = falls && value != 0;  // flipped it would be kNoMatch
    if (i != 0) {
      const uint32_t before = rules[i - 1].port.value;
      rises = rises && before <= value;
      falls = falls && before >= value;
    }
  }
  return {!rises && !falls, rises ? 0u : ~0u};
}

bool KeepRules(std::span<const ClassifierRule> rules, std::vector<KeptRule>& out) {
  out.clear();
  out.reserve(rules.size());
  for (const ClassifierRule& rule : rules) {
    if (rule.prefixes.size() != 1) {
      return false;
    }
    out.push_back({rule.prefixes[0], rule.port});
  }
  return true;
}

RuleEdit EditBetween(std::span<const KeptRule> before, std::span<const KeptRule> after) {
  const size_t most = std::min(before.size(), after.size());
  RuleEdit edit;
  while (edit.first < most && SameRule(before[edit.first], after[edit.first])) {
    ++edit.first;
  }
  size_t behind = 0;
  while (behind < most - edit.first &&
         SameRule(before[before.size() - 1 - behind], after[after.size() - 1 - behind])) {
    ++behind;
  }
  edit.removed = before.size() - edit.first - behind;
  edit.inserted = after.size() - edit.first - behind;
  return edit;
}

bool RuleItems::Edit(std::span<const ClassifierRule> rules, const RuleEdit& edit) {
  const std::span<const ClassifierRule> fresh = rules.subspan(edit.first, edit.inserted);
  if (order_.ranks || AnswerOrder::Of(rules) != order_ ||
      !std::all_of(fresh.begin(), fresh.end(),
                   [](const ClassifierRule& rule) { return CheckRule(rule).ok(); })) {
    return false;
  }
  rules_ = rules;
  std::erase_if(items_, [&edit](const RuleItem& item) {
    return item.source >= edit.first && item.source < edit.first + edit.removed;
  });
  for (RuleItem& item : items_) {
    const bool behind = item.source >= edit.first;
    item.source += behind ? static_cast<uint32_t>(edit.inserted - edit.removed) : 0;
  }
  for (size_t i = 0; i < fresh.size(); ++i) {
    const RuleItem item = {SortKey(fresh[i].prefixes[0]), static_cast<uint32_t>(edit.first + i)};
    items_.insert(std::upper_bound(items_.begin(), items_.end(), item,
                                   [](const RuleItem& a, const RuleItem& b) {
                                     return a.prefix != b.prefix ? a.prefix < b.prefix
                                                                 : a.source < b.source;
                                   }),
                  item);
  }
  return true;
}

size_t RuleItems::Find(const Ipv4Prefix& prefix) const {
  const uint64_t key = SortKey(prefix);
  return static_cast<size_t>(
      std::lower_bound(items_.begin(), items_.end(), key,
                       [](const RuleItem& item, uint64_t wanted) { return item.prefix < wanted; }) -
      items_.begin());
}

absl::Status RuleItems::Collect(std::span<const ClassifierRule> rules, size_t max_bytes) {
  rules_ = rules;
  order_ = AnswerOrder::Of(rules);
  items_.clear();
  sets_.clear();
  sets_by_hash_.clear();
  absl::Status status = AddRules(max_bytes);
  if (status.ok()) {
    status = CompileSets(max_bytes);
  }
  if (status.ok()) {
    Sort();
  }
  return status;
}

absl::Status RuleItems::AddRules(size_t max_bytes) {
  items_.reserve(rules_.size());
  for (uint32_t rank = 0; rank < rules_.size(); ++rank) {
    const absl::Status status = CheckRule(rules_[rank]);
    if (!status.ok()) {
      return status;
    }
    const std::span<const Ipv4Prefix> prefixes = rules_[rank].prefixes;
    if (prefixes.size() == 1) {
      items_.push_back({SortKey(prefixes[0]), rank});
    } else if (!prefixes.empty()) {
      AddToSet(rank);
    }
  }
  for (uint32_t set_idx = 0; set_idx < sets_.size(); ++set_idx) {
    for (const Ipv4Prefix& prefix : sets_[set_idx].prefixes) {
      items_.push_back({SortKey(prefix), kRuleSetBit | set_idx});
    }
    if (items_.size() * sizeof(RuleItem) > max_bytes) {
      return ClassifierTooBig();
    }
  }
  return absl::OkStatus();
}

void RuleItems::AddToSet(uint32_t rank) {
  const std::span<const Ipv4Prefix> prefixes = rules_[rank].prefixes;
  uint64_t hash = prefixes.size();
  for (const Ipv4Prefix& prefix : prefixes) {
    hash = HashStep(hash, SortKey(prefix));
  }
  std::vector<uint32_t>& candidates = sets_by_hash_[hash];
  for (const uint32_t set_idx : candidates) {
    if (SamePrefixes(sets_[set_idx].prefixes, prefixes)) {
      sets_[set_idx].ranks.push_back(rank);
      return;
    }
  }
  candidates.push_back(static_cast<uint32_t>(sets_.size()));
  sets_.push_back({prefixes, {rank}, {}});
}

absl::Status RuleItems::CompileSets(size_t max_bytes) {
  size_t bytes = 0;
  for (PrefixSet& set : sets_) {
    merger_.Merge(
        0, set.ranks.size(),
        [this, &set](size_t i, PortRanges& out) { RangesOfRank(set.ranks[i], out); }, set.ranges);
    bytes += set.ranges.size() * sizeof(KeyRange);
    if (bytes > max_bytes) {
      return ClassifierTooBig();
    }
  }
  return absl::OkStatus();
}

// By prefix; items of one prefix stay in the order they came. Least significant digit first.
void RuleItems::Sort() {
  if (items_.size() < kRadixFrom) {
    std::stable_sort(items_.begin(), items_.end(),
                     [](const RuleItem& a, const RuleItem& b) { return a.prefix < b.prefix; });
    return;
  }
  constexpr size_t kDigits = size_t{1} << kDigitBits;
  sorting_.resize(items_.size());
  for (uint32_t shift = 0; shift < kPrefixBits; shift += kDigitBits) {
    std::array<uint32_t, kDigits> place = {};
    for (const RuleItem& item : items_) {
      ++place[item.prefix >> shift & (kDigits - 1)];
    }
    uint32_t next = 0;
    for (uint32_t& count : place) {
      next += std::exchange(count, next);
    }
    for (const RuleItem& item : items_) {
      sorting_[place[item.prefix >> shift & (kDigits - 1)]++] = item;
    }
    items_.swap(sorting_);
  }
}

size_t RuleItems::EndOfPrefix(size_t first) const {
  size_t end = first + 1;
  while (end < items_.size() && items_[end].prefix == items_[first].prefix) {
    ++end;
  }
  return end;
}

size_t RuleItems::CountPrefixes() const {
  size_t count = items_.empty() ? 0 : 1;
  for (size_t i = 1; i < items_.size(); ++i) {
    count += items_[i].prefix != items_[i - 1].prefix ? 1 : 0;
  }
  return count;
}

void RuleItems::RangesOfRank(uint32_t rank, PortRanges& out) const {
  RangesOfRule(rules_[rank].port, order_.Answer(rules_[rank], rank), out);
}

void RuleItems::OwnRanges(size_t first, size_t count, PortRanges& out) {
  const auto source = [this](size_t i, PortRanges& list) {
    const uint32_t from = items_[i].source;
    if ((from & kRuleSetBit) != 0) {
      list = sets_[from & ~kRuleSetBit].ranges;
    } else {
      RangesOfRank(from, list);
    }
  };
  merger_.Merge(first, count, source, out);
}

}  // namespace sluice
