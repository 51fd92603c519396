#include "dataplane/table/classifier_nodes.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

// Nodes of lists without records merge ancestors of up to kFreeRanges ranges while the maps are
// few: one lookup is all. Beyond that they merge while a map stays one leaf.
constexpr size_t kFreeRanges = 256;
constexpr size_t kLeafRanges = 16;
// Ranges that merging freely may write.
constexpr size_t kFreeBudget = 65'536;
constexpr size_t kFreeBudgetPerPrefix = 64;
// More of ClassifierLimits::merged_ranges for each prefix.
constexpr size_t kMergedPerPrefix = 8;

bool IsNothing(const PortRanges& ranges) {
  return ranges.size() == 1 && ranges[0].payload == kNoMatch;
}

// Some key from `low` to `high` has a greater answer in `ranges` than `answer`.
bool AddsTo(const PortRanges& ranges, uint32_t low, uint32_t high, uint32_t answer) {
  auto it = std::lower_bound(ranges.begin(), ranges.end(), low,
                             [](const KeyRange& range, uint32_t key) { return range.end < key; });
  for (; it->payload <= answer; ++it) {
    if (it->end >= high) {
      return false;
    }
  }
  return true;
}

// The only interval of `ranges`, or one without an answer.
NodeRecord OnlyInterval(const PortRanges& ranges) {
  NodeRecord record;
  uint32_t low = 0;
  for (const KeyRange& range : ranges) {
    if (range.payload != kNoMatch) {
      if (record.answer != kNoMatch) {
        return {};
      }
      record = {low, range.end - low, range.payload, 0};
    }
    low = range.end + 1;
  }
  return record;
}

}  // namespace

void NodeCompiler::Start(size_t prefix_count) {
  maps_.Clear();
  node_ranges_.clear();
  node_ranges_.reserve(2 * prefix_count + 1);
  max_steps_ = 1;
  records_ = prefix_count > limits_.records_above;
  const bool merges = limits_.merged_ranges != 0;
  free_left_ = merges && !records_ ? kFreeBudget + kFreeBudgetPerPrefix * prefix_count : 0;
  merged_left_ = merges ? limits_.merged_ranges + kMergedPerPrefix * prefix_count : 0;
  OpenWhole();
}

void NodeCompiler::OpenWhole() {
  OpenNode& whole = open_[0];
  whole.last = 0xffffffffu;
  whole.least = kNoMatch;
  whole.content = 0;
  whole.local.assign(1, {kPortKeyMax, kNoMatch});
  whole.whole_ref = kNoRef;
  whole.IsEverything();
  open_count_ = 1;
  Aim(whole, whole, {});
}

absl::Status NodeCompiler::Compile(RuleItems& rules) {
  Start(rules.CountPrefixes());
  RangeSweep sweep(open_[0].target, node_ranges_);
  for (size_t first = 0; first < rules.items().size();) {
    const absl::StatusOr<size_t> end = Enter(rules, first, sweep);
    if (!end.ok()) {
      return end.status();
    }
    first = *end;
  }
  sweep.Finish();
  compiled_bytes_ = maps_.bytes();
  return absl::OkStatus();
}

// Opens the prefix of item `first` and writes its node. Returns the first item of another prefix.
absl::StatusOr<size_t> NodeCompiler::Enter(RuleItems& rules, size_t first, RangeSweep& sweep) {
  const size_t end = rules.EndOfPrefix(first);
  const Ipv4Prefix prefix = rules.items()[first].ToPrefix();
  while (open_[open_count_ - 1].last < prefix.First().value) {
    --open_count_;
  }
  OpenNode& node = open_[open_count_];
  node.last = prefix.Last().value;
  OpenPrefix(rules, first, end, node);
  if (maps_.full()) {
    return ClassifierTooBig();
  }
  ++open_count_;
  sweep.Enter(prefix, node.target);
  return end;
}

absl::StatusOr<bool> NodeCompiler::Recompile(RuleItems& rules, const Ipv4Prefix& where) {
  const std::span<const RuleItem> items = rules.items();
  const size_t first = rules.Find(where);
  size_t last = first;
  while (last < items.size() && where.Contains(items[last].ToPrefix())) {
    ++last;
  }
  if ((last - first) * 4 > items.size() || maps_.bytes() > 2 * compiled_bytes_ + 65'536) {
    return false;
  }
  OpenWhole();
  std::vector<KeyRange> fresh;
  RangeSweep sweep(open_[0].target, fresh);
  for (uint8_t length = 0; length < where.length; ++length) {
    const Ipv4Prefix ancestor = Ipv4Prefix{where.address, length}.Canonical();
    const size_t at = rules.Find(ancestor);
    if (at < items.size() && items[at].ToPrefix() == ancestor) {
      const absl::StatusOr<size_t> end = Enter(rules, at, sweep);
      if (!end.ok()) {
        return end.status();
      }
    }
  }
  for (size_t at = first; at < last;) {
    const absl::StatusOr<size_t> end = Enter(rules, at, sweep);
    if (!end.ok()) {
      return end.status();
    }
    at = *end;
  }
  sweep.Finish();
  Splice(fresh, where);
  return true;
}

// The ranges of `fresh` inside `where`, the known ones outside.
void NodeCompiler::Splice(const std::vector<KeyRange>& fresh, const Ipv4Prefix& where) {
  const uint32_t begin = where.First().value;
  const uint32_t last = where.Last().value;
  std::vector<KeyRange> spliced;
  spliced.reserve(node_ranges_.size() + fresh.size());
  const auto push = [&spliced](uint32_t end, uint32_t payload) {
    if (!spliced.empty() && spliced.back().payload == payload) {
      spliced.back().end = end;
    } else {
      spliced.push_back({end, payload});
    }
  };
  const auto ends_before = [](const KeyRange& range, uint32_t address) {
    return range.end < address;
  };
  auto known = std::lower_bound(node_ranges_.begin(), node_ranges_.end(), begin, ends_before);
  spliced.assign(node_ranges_.begin(), known);
  if (begin != 0) {
    push(begin - 1, known->payload);
  }
  auto inside = std::lower_bound(fresh.begin(), fresh.end(), begin, ends_before);
  for (; inside->end < last; ++inside) {
    push(inside->end, inside->payload);
  }
  push(last, inside->payload);
  if (last != 0xffffffffu) {
    known = std::lower_bound(known, node_ranges_.end(), last + 1, ends_before);
    push(known->end, known->payload);
    spliced.insert(spliced.end(), known + 1, node_ranges_.end());
  }
  node_ranges_.swap(spliced);
}

// Completes `node` (last is set) under the node that is open last.
void NodeCompiler::OpenPrefix(RuleItems& rules, size_t first, size_t end, OpenNode& node) {
  const OpenNode& below = open_[open_count_ - 1];
  OpenNode& parent = open_[below.content];
  rules.OwnRanges(first, end - first, own_);
  uint32_t own_greatest = 0;
  uint32_t own_least = kNoMatch;
  for (const KeyRange& range : own_) {
    own_greatest = std::max(own_greatest, range.payload);
    own_least = std::min(own_least, range.payload);
  }
  node.least = std::min(own_least, parent.least);
  node.content = open_count_;
  node.whole_ref = kNoRef;
  node.IsEverything();
  NodeRecord own;
  if (own_greatest < parent.least) {  // own rules cover everything and come first
    std::swap(node.local, own_);
  } else if (records_) {
    PruneOwn(parent);
    if (IsNothing(own_)) {
      node.content = below.content;
      node.target = below.target;
      return;
    }
    own = OnlyInterval(own_);
    Join(parent, node);
  } else if (!TryMerge(parent, node)) {
    Join(parent, node);
  }
  Aim(node, parent, own);
}

// Takes out of own_ what the parent hides.
void NodeCompiler::PruneOwn(const OpenNode& parent) {
  uint32_t low = 0;
  size_t kept = 0;
  for (KeyRange range : own_) {
    const bool hidden =
        range.payload != kNoMatch &&
        (!AddsTo(parent.local, low, range.end, range.payload) ||
         (parent.above != nullptr && !AddsTo(*parent.above, low, range.end, range.payload)));
    low = range.end + 1;
    range.payload = hidden ? kNoMatch : range.payload;
    kept -= kept != 0 && own_[kept - 1].payload == range.payload ? 1 : 0;
    own_[kept++] = range;
  }
  own_.resize(kept);
}

// own_ over the parent's list into node.local, which is everything, unless that gets long.
bool NodeCompiler::TryMerge(const OpenNode& parent, OpenNode& node) {
  if (parent.above_ref != kNoRef || parent.local.size() > kFreeRanges) {
    return false;
  }
  const bool freely = parent.local.size() + own_.size() <= free_left_;
  if (!freely && parent.local.size() > kLeafRanges) {
    return false;
  }
  MergeRanges(parent.local, own_, node.local);
  if (node.local.size() > kLeafRanges) {
    free_left_ -= freely ? node.local.size() : 0;
    return freely;
  }
  return true;
}

// own_ joins the parent's list while they fit a chain line together. Where they do not, the node is
// merged with everything above it, or, beyond the budget, starts a list of its own.
void NodeCompiler::Join(OpenNode& parent, OpenNode& node) {
  const bool alone = parent.above_ref == kNoRef;
  const PortRanges* above = alone ? &parent.local : parent.above;
  if (!alone) {
    MergeRanges(parent.local, own_, node.local);
    std::swap(node.local, own_);  // own_ is the joint list now, node.local the node's own
  } else {
    node.local = own_;
  }
  if (CountIntervals(own_) > kChainIntervals) {
    const bool free = alone && IsNothing(parent.local);
    if (free || (above != nullptr && above->size() + own_.size() <= merged_left_)) {
      MergeRanges(*above, own_, node.local);
      merged_left_ -= free ? 0 : node.local.size();
      return;
    }
    node.above = alone ? above : nullptr;
    node.above_ref = WholeRef(parent);
    node.above_steps = parent.whole_steps;
    return;
  }
  std::swap(node.local, own_);
  node.above = above;
  node.above_ref = alone ? WholeRef(parent) : parent.above_ref;
  node.above_steps = alone ? parent.whole_steps : parent.above_steps;
}

// Everything that an address at the node asks, as one map or chain line.
RangeRef NodeCompiler::WholeRef(OpenNode& node) {
  if (node.whole_ref != kNoRef) {
    return node.whole_ref;
  }
  node.whole_steps = node.above_steps;
  if (node.above_ref == kNoRef) {
    node.whole_ref = maps_.Map(node.local);
    ++node.whole_steps;
  } else if (CountIntervals(node.local) <= kChainIntervals) {
    node.whole_ref = maps_.Chain(node.local, node.above_ref, kNoRef);
  } else {
    const PortRanges& none = open_[0].local;
    const RangeRef map = maps_.Map(node.local);
    const RangeRef above =
        IsChain(node.above_ref) ? node.above_ref : maps_.Chain(none, node.above_ref, kNoRef);
    node.whole_ref = maps_.Chain(none, above, map);
    ++node.whole_steps;
  }
  return node.whole_ref;
}

// What addresses at the node lead to. `own`: the only interval that the node adds to its parent; or
// one without an answer.
void NodeCompiler::Aim(OpenNode& node, OpenNode& parent, const NodeRecord& own) {
  OpenNode& asked = own.answer != kNoMatch ? parent : node;
  node.target = WholeRef(asked);
  max_steps_ = std::max(max_steps_, asked.whole_steps);
  if (records_) {
    NodeRecord record = own;
    record.rest = node.target;
    node.target = maps_.Record(record);
  }
}

}  // namespace sluice
