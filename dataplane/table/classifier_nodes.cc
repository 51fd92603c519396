#include "dataplane/table/classifier_nodes.h"

#include <algorithm>
#include <utility>

#include "dataplane/table/content_hash.h"

namespace sluice {
namespace {

constexpr RangeRef kNoRef = 0xffffffffu;

// Nodes merge ancestors of up to kFreeRanges ranges while the list is not huge and the maps are
// few: one lookup is all. Beyond that they merge while a map stays one leaf.
constexpr size_t kFreeItems = 262'144;
constexpr size_t kFreeRanges = 256;
constexpr size_t kLeafRanges = 16;
// Ranges that merging freely may write.
constexpr size_t kFreeBudget = 65'536;
constexpr size_t kFreeBudgetPerItem = 64;
// More of ClassifierLimits::merged_ranges for each prefix.
constexpr size_t kMergedPerItem = 8;

}  // namespace

void NodeCompiler::Start(size_t item_count) {
  pool_.clear();
  node_ranges_.clear();
  node_ranges_.reserve(2 * item_count + 1);
  written_.clear();
  max_steps_ = 1;
  const size_t freely =
      item_count <= kFreeItems ? kFreeBudget + kFreeBudgetPerItem * item_count : 0;
  free_left_ = limits_.merged_ranges != 0 ? freely : 0;
  merged_left_ =
      limits_.merged_ranges != 0 ? limits_.merged_ranges + kMergedPerItem * item_count : 0;
  OpenWhole();
}

void NodeCompiler::OpenWhole() {
  OpenNode& whole = open_[0];
  whole.last = 0xffffffffu;
  whole.least = kNoMatch;
  whole.local.assign(1, {kPortKeyMax, kNoMatch});
  whole.local_ref = kNoRef;
  whole.above = nullptr;
  whole.chain_count = 0;
  whole.has_below = false;
  open_count_ = 1;
}

absl::Status NodeCompiler::Compile(RuleItems& rules) {
  Start(rules.items().size());
  const absl::StatusOr<RangeRef> nothing = EmitNode(open_[0]);
  if (!nothing.ok()) {
    return nothing.status();
  }
  RangeSweep sweep(*nothing, node_ranges_);
  for (size_t first = 0; first < rules.items().size();) {
    const absl::StatusOr<size_t> end = Enter(rules, first, sweep);
    if (!end.ok()) {
      return end.status();
    }
    first = *end;
  }
  sweep.Finish();
  compiled_lines_ = pool_.size();
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
  const absl::Status opened = OpenPrefix(rules, first, end, node);
  if (!opened.ok()) {
    return opened;
  }
  ++open_count_;
  const absl::StatusOr<RangeRef> ref = EmitNode(node);
  if (!ref.ok()) {
    return ref.status();
  }
  sweep.Enter(prefix, *ref);
  return end;
}

absl::StatusOr<bool> NodeCompiler::Recompile(RuleItems& rules, const Ipv4Prefix& where) {
  const std::span<const RuleItem> items = rules.items();
  const size_t first = rules.Find(where);
  size_t last = first;
  while (last < items.size() && where.Contains(items[last].ToPrefix())) {
    ++last;
  }
  if ((last - first) * 4 > items.size() || pool_.size() > 2 * compiled_lines_ + 1024) {
    return false;
  }
  OpenWhole();
  const absl::StatusOr<RangeRef> nothing = EmitNode(open_[0]);
  if (!nothing.ok()) {
    return nothing.status();
  }
  std::vector<KeyRange> fresh;
  RangeSweep sweep(*nothing, fresh);
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
absl::Status NodeCompiler::OpenPrefix(RuleItems& rules, size_t first, size_t end, OpenNode& node) {
  OpenNode& parent = open_[open_count_ - 1];
  rules.OwnRanges(first, end - first, own_);
  uint32_t own_greatest = 0;
  uint32_t own_least = kNoMatch;
  for (const KeyRange& range : own_) {
    own_greatest = std::max(own_greatest, range.payload);
    own_least = std::min(own_least, range.payload);
  }
  node.local_ref = kNoRef;
  node.has_below = false;
  node.least = std::min(own_least, parent.least);
  node.above = nullptr;
  node.chain_count = 0;
  if (own_greatest < parent.least) {  // own rules cover everything and come first
    std::swap(node.local, own_);
    return absl::OkStatus();
  }
  if (TryMerge(parent, node)) {
    node.above = parent.above;
    node.chain_count = parent.chain_count;
    std::copy_n(parent.chain.begin(), parent.chain_count, node.chain.begin());
    return absl::OkStatus();
  }
  const absl::Status made = MakeBelow(parent);
  std::swap(node.local, own_);
  node.above = parent.merged;
  node.chain_count = parent.below_count;
  std::copy_n(parent.below.begin(), parent.below_count, node.chain.begin());
  return made;
}

// own_ over the parent's list into node.local, unless that gets long.
bool NodeCompiler::TryMerge(const OpenNode& parent, OpenNode& node) {
  const size_t most = parent.local.size() + own_.size();
  const bool freely = most <= free_left_;
  if (parent.local.size() > (freely ? kFreeRanges : kLeafRanges)) {
    return false;
  }
  MergeRanges(parent.local, own_, node.local);
  if (node.local.size() <= kLeafRanges || own_.size() > kLeafRanges) {
    return true;
  }
  free_left_ -= freely ? node.local.size() : 0;
  return freely;
}

absl::Status NodeCompiler::MakeBelow(OpenNode& parent) {
  if (parent.has_below) {
    return absl::OkStatus();
  }
  parent.has_below = true;
  absl::StatusOr<RangeRef> ref = kNoRef;
  parent.below_count = 1;
  if (parent.chain_count == 0) {
    parent.merged = &parent.local;
    ref = LocalRef(parent);
  } else if (parent.above != nullptr &&
             parent.above->size() + parent.local.size() <= merged_left_) {
    MergeRanges(*parent.above, parent.local, parent.full);
    merged_left_ -= parent.full.size();
    parent.merged = &parent.full;
    ref = EmitMap(parent.full);
  } else {
    parent.merged = nullptr;
    ref = LocalRef(parent);
    std::copy_n(parent.chain.begin(), parent.chain_count, parent.below.begin() + 1);
    parent.below_count += parent.chain_count;
  }
  parent.below[0] = ref.value_or(kNoRef);
  return ref.status();
}

absl::StatusOr<RangeRef> NodeCompiler::LocalRef(OpenNode& node) {
  if (node.local_ref == kNoRef) {
    const absl::StatusOr<RangeRef> ref = EmitMap(node.local);
    if (!ref.ok()) {
      return ref;
    }
    node.local_ref = *ref;
  }
  return node.local_ref;
}

// What an address at the node refers to.
absl::StatusOr<RangeRef> NodeCompiler::EmitNode(OpenNode& node) {
  max_steps_ = std::max(max_steps_, 1 + node.chain_count);
  if (node.chain_count == 0) {
    return LocalRef(node);
  }
  if (node.local.size() <= kChainOwnRanges) {
    return EmitChain(node.local, {node.chain.data(), node.chain_count});
  }
  const absl::StatusOr<RangeRef> own = LocalRef(node);
  if (!own.ok()) {
    return own;
  }
  std::array<RangeRef, kDepth + 1> maps;
  maps[0] = *own;
  std::copy_n(node.chain.begin(), node.chain_count, maps.begin() + 1);
  return EmitChain(open_[0].local, {maps.data(), node.chain_count + size_t{1}});
}

bool NodeCompiler::HasRoom(size_t lines) const {
  return (pool_.size() + lines) * sizeof(RangeLine) <= limits_.max_bytes &&
         pool_.size() + lines <= kRangeMaxPoolLines;
}

absl::StatusOr<RangeRef> NodeCompiler::EmitMap(const PortRanges& ranges) {
  const size_t lines = RangeLinesFor(ranges.size());
  if (!HasRoom(lines)) {
    return ClassifierTooBig();
  }
  const RangeRef fresh = AppendRanges(ranges, pool_);
  return Share(fresh, lines, HashWords(&ranges.front().end, 2 * ranges.size(), 0));
}

absl::StatusOr<RangeRef> NodeCompiler::EmitChain(const PortRanges& own,
                                                 std::span<const RangeRef> maps) {
  const size_t lines = ChainLinesFor(maps.size());
  if (!HasRoom(lines)) {
    return ClassifierTooBig();
  }
  const size_t first = pool_.size();
  pool_.resize(first + lines);
  uint32_t* word = pool_[first].word;
  for (size_t i = 0; i < kChainOwnRanges; ++i) {
    word[i] = (i < own.size() ? own[i].end : 0xffffffffu) ^ kRangeBias;
    word[kChainOwnPayload + i] = i < own.size() ? own[i].payload : 0;
  }
  word[kChainCountWord] = static_cast<uint32_t>(maps.size());
  for (size_t i = 0; i < maps.size(); ++i) {
    pool_[first + ChainRefWord(i) / 16].word[ChainRefWord(i) % 16] = maps[i];
  }
  return Share(MakeRangeRef(static_cast<uint32_t>(first), kRangeKindUser), lines,
               HashWords(pool_[first].word, 16 * lines, 1));
}

// `fresh` is what was written last; gives back the equal one written before, if there is one.
RangeRef NodeCompiler::Share(RangeRef fresh, size_t lines, uint64_t hash) {
  const auto [it, added] = written_.try_emplace(hash, fresh);
  if (added) {
    return fresh;
  }
  const size_t known = it->second >> kRangeKindBits;
  const size_t first = fresh >> kRangeKindBits;
  const bool same =
      (it->second & kRangeKindMask) == (fresh & kRangeKindMask) && known + lines <= first &&
      std::equal(pool_[known].word, pool_[known].word + 16 * lines, pool_[first].word);
  if (same) {
    pool_.resize(first);
  }
  return same ? it->second : fresh;
}

}  // namespace sluice
