// Compiles ordered rules. The prefixes of all rules, sorted, are the preorder of their tree; one
// walk over it keeps the open ancestors on a stack of at most 33. Each node's list of port ranges
// (by rank) is its own rules merged over its parent's list while that is short; otherwise the
// parent is emitted once and the node chains to it. Ranks become values where nothing is chained,
// and equal maps are written once.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "dataplane/base/check.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/content_hash.h"
#include "dataplane/table/port_ranges.h"
#include "dataplane/table/range_sweep.h"

namespace sluice {
namespace {

constexpr uint32_t kSetBit = 0x80000000u;  // an item's source is a prefix set, not a rank
constexpr RangeRef kNoRef = 0xffffffffu;
constexpr uint32_t kDepth = 34;  // the whole address space, and one prefix of each length

// A prefix of a rule or of a set of rules.
struct Item {
  uint64_t prefix;  // address << 6 | length: sorts ancestors first
  uint32_t source;  // rank, or kSetBit | index of a set

  Ipv4Prefix ToPrefix() const {
    return {Ipv4Address(static_cast<uint32_t>(prefix >> 6)), static_cast<uint8_t>(prefix & 63)};
  }
};

// Rules that name one list of prefixes.
struct PrefixSet {
  std::span<const Ipv4Prefix> prefixes;
  std::vector<uint32_t> ranks;
  PortRanges ranges;
};

// A node whose subtree is being walked.
struct OpenNode {
  uint32_t last = 0;  // last address
  PortRanges local;   // by rank, since the last break of the chain
  RangeRef up = kNoRef;
  uint32_t up_min_rank = kNoMatch;
  uint32_t min_rank = kNoMatch;  // of local and everything above
  uint32_t steps = 1;
  RangeRef rank_ref = kNoRef;  // what a child chains to; emitted when first needed
};

absl::Status TooBig() {
  return absl::ResourceExhaustedError("classifier exceeds its memory budget");
}

bool SamePrefixes(std::span<const Ipv4Prefix> a, std::span<const Ipv4Prefix> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

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

}  // namespace

class ClassifierBuilder::Scratch {
 public:
  explicit Scratch(size_t max_bytes) : max_bytes_(max_bytes) {}

  absl::Status Compile(std::span<const ClassifierRule> rules);

  const std::vector<RangeLine>& pool() const { return pool_; }
  const std::vector<KeyRange>& node_ranges() const { return node_ranges_; }
  uint32_t max_steps() const { return max_steps_; }

 private:
  absl::Status Collect();
  void AddToSet(uint32_t rank);
  absl::Status CompileSets();
  void OwnRanges(size_t first_item, size_t count, PortRanges& out);
  absl::Status OpenChild(const OpenNode& parent, OpenNode& node);
  absl::StatusOr<RangeRef> EmitNode(OpenNode& node);
  absl::StatusOr<RangeRef> RankRef(OpenNode& node);
  absl::StatusOr<RangeRef> EmitChain(RangeRef own, const OpenNode& node);
  absl::StatusOr<RangeRef> EmitMap(const PortRanges& ranges);
  bool SameMap(RangeRef a, RangeRef b, size_t lines) const;

  const size_t max_bytes_;
  std::span<const ClassifierRule> rules_;
  std::vector<Item> items_;
  std::vector<PrefixSet> sets_;
  absl::flat_hash_map<uint64_t, std::vector<uint32_t>> sets_by_hash_;
  absl::flat_hash_map<uint64_t, RangeRef> maps_by_hash_;
  std::array<OpenNode, kDepth> open_;
  size_t open_count_ = 0;
  PortRanges own_;
  PortRanges by_value_;
  PortRangeMerger merger_;
  size_t merge_limit_ = 0;
  std::vector<RangeLine> pool_;
  std::vector<KeyRange> node_ranges_;
  uint32_t max_steps_ = 1;
};

void ClassifierBuilder::Scratch::AddToSet(uint32_t rank) {
  const std::span<const Ipv4Prefix> prefixes = rules_[rank].prefixes;
  uint64_t hash = prefixes.size();
  for (const Ipv4Prefix& prefix : prefixes) {
    hash = HashStep(hash, uint64_t{prefix.address.value} << 6 | prefix.length);
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

absl::Status ClassifierBuilder::Scratch::Collect() {
  items_.clear();
  sets_.clear();
  sets_by_hash_.clear();
  items_.reserve(rules_.size());
  for (uint32_t rank = 0; rank < rules_.size(); ++rank) {
    const absl::Status status = CheckRule(rules_[rank]);
    if (!status.ok()) {
      return status;
    }
    const std::span<const Ipv4Prefix> prefixes = rules_[rank].prefixes;
    if (prefixes.size() == 1) {
      items_.push_back({uint64_t{prefixes[0].address.value} << 6 | prefixes[0].length, rank});
    } else if (!prefixes.empty()) {
      AddToSet(rank);
    }
  }
  for (uint32_t set_idx = 0; set_idx < sets_.size(); ++set_idx) {
    for (const Ipv4Prefix& prefix : sets_[set_idx].prefixes) {
      items_.push_back({uint64_t{prefix.address.value} << 6 | prefix.length, kSetBit | set_idx});
    }
    if (items_.size() * sizeof(Item) > max_bytes_) {
      return TooBig();
    }
  }
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.source < b.source;
  });
  return absl::OkStatus();
}

absl::Status ClassifierBuilder::Scratch::CompileSets() {
  size_t bytes = 0;
  for (PrefixSet& set : sets_) {
    const auto source = [this, &set](size_t i, PortRanges& out) {
      RangesOfRule(rules_[set.ranks[i]].port, set.ranks[i], out);
    };
    merger_.Merge(0, set.ranks.size(), source, set.ranges);
    bytes += set.ranges.size() * sizeof(KeyRange);
    if (bytes > max_bytes_) {
      return TooBig();
    }
  }
  return absl::OkStatus();
}

void ClassifierBuilder::Scratch::OwnRanges(size_t first_item, size_t count, PortRanges& out) {
  const auto source = [this](size_t i, PortRanges& list) {
    const uint32_t from = items_[i].source;
    if ((from & kSetBit) != 0) {
      list = sets_[from & ~kSetBit].ranges;
    } else {
      RangesOfRule(rules_[from].port, from, list);
    }
  };
  merger_.Merge(first_item, count, source, out);
}

bool ClassifierBuilder::Scratch::SameMap(RangeRef a, RangeRef b, size_t lines) const {
  const size_t first_a = a >> kRangeKindBits;
  const size_t first_b = b >> kRangeKindBits;
  if ((a & kRangeKindMask) != (b & kRangeKindMask) || first_a + lines > first_b) {
    return false;
  }
  return std::equal(pool_[first_a].word, pool_[first_a].word + 16 * lines, pool_[first_b].word);
}

// Writes the map, or finds the equal one written before.
absl::StatusOr<RangeRef> ClassifierBuilder::Scratch::EmitMap(const PortRanges& ranges) {
  const size_t first_line = pool_.size();
  const size_t lines = RangeLinesFor(ranges.size());
  if ((first_line + lines) * sizeof(RangeLine) > max_bytes_ ||
      first_line + lines > kRangeMaxPoolLines) {
    return TooBig();
  }
  const RangeRef ref = AppendRanges(ranges, pool_);
  const uint64_t hash = HashWords(&ranges.front().end, 2 * ranges.size(), 0);
  const auto [it, fresh] = maps_by_hash_.try_emplace(hash, ref);
  if (!fresh && SameMap(it->second, ref, lines)) {
    pool_.resize(first_line);
    return it->second;
  }
  return ref;
}

absl::StatusOr<RangeRef> ClassifierBuilder::Scratch::EmitChain(RangeRef own, const OpenNode& node) {
  if ((pool_.size() + 1) * sizeof(RangeLine) > max_bytes_ ||
      pool_.size() + 1 > kRangeMaxPoolLines) {
    return TooBig();
  }
  RangeLine& line = pool_.emplace_back();
  line = {};
  line.word[0] = own;
  line.word[1] = node.up;
  line.word[2] = node.up_min_rank;
  return MakeRangeRef(static_cast<uint32_t>(pool_.size() - 1), kRangeKindUser);
}

// The node as ranks, for a child or for a chain record.
absl::StatusOr<RangeRef> ClassifierBuilder::Scratch::RankRef(OpenNode& node) {
  if (node.rank_ref == kNoRef) {
    absl::StatusOr<RangeRef> ref = EmitMap(node.local);
    if (ref.ok() && node.up != kNoRef) {
      ref = EmitChain(*ref, node);
    }
    if (!ref.ok()) {
      return ref;
    }
    node.rank_ref = *ref;
  }
  return node.rank_ref;
}

// What an address at the node refers to: values when the whole answer is local, a chain record when
// not.
absl::StatusOr<RangeRef> ClassifierBuilder::Scratch::EmitNode(OpenNode& node) {
  if (node.up != kNoRef) {
    return RankRef(node);
  }
  by_value_.clear();
  for (const KeyRange& range : node.local) {
    const uint32_t value = range.payload == kNoMatch ? kNoMatch : rules_[range.payload].port.value;
    if (!by_value_.empty() && by_value_.back().payload == value) {
      by_value_.back().end = range.end;
    } else {
      by_value_.push_back({range.end, value});
    }
  }
  return EmitMap(by_value_);
}

// Completes `node` (last, and own_ as its own rules) under its parent.
absl::Status ClassifierBuilder::Scratch::OpenChild(const OpenNode& parent, OpenNode& node) {
  uint32_t own_max = 0;
  uint32_t own_min = kNoMatch;
  for (const KeyRange& range : own_) {
    own_max = std::max(own_max, range.payload);
    own_min = std::min(own_min, range.payload);
  }
  node.rank_ref = kNoRef;
  node.min_rank = std::min(own_min, parent.min_rank);
  node.up = kNoRef;
  node.up_min_rank = kNoMatch;
  node.steps = 1;
  if (own_max < parent.min_rank) {  // own rules cover everything and come first
    std::swap(node.local, own_);
  } else if (parent.local.size() <= merge_limit_) {
    MergeRanges(parent.local, own_, node.local);
    node.up = parent.up;
    node.up_min_rank = parent.up_min_rank;
    node.steps = parent.steps;
  } else {
    std::swap(node.local, own_);
    const absl::StatusOr<RangeRef> up = RankRef(const_cast<OpenNode&>(parent));
    if (!up.ok()) {
      return up.status();
    }
    node.up = *up;
    node.up_min_rank = parent.min_rank;
    node.steps = parent.steps + 1;
  }
  max_steps_ = std::max(max_steps_, node.steps);
  return absl::OkStatus();
}

absl::Status ClassifierBuilder::Scratch::Compile(std::span<const ClassifierRule> rules) {
  rules_ = rules;
  pool_.clear();
  node_ranges_.clear();
  maps_by_hash_.clear();
  max_steps_ = 1;
  absl::Status status = Collect();
  if (status.ok()) {
    status = CompileSets();
  }
  if (!status.ok()) {
    return status;
  }
  // Merging copies the parent's list into every child: long lists only where there are few nodes.
  merge_limit_ = items_.size() <= 1024 ? 256 : items_.size() <= 65'536 ? 64 : 16;
  OpenNode& whole = open_[0];
  whole.last = 0xffffffffu;
  whole.local.assign(1, {kPortKeyMax, kNoMatch});
  whole.up = whole.rank_ref = kNoRef;
  whole.min_rank = whole.up_min_rank = kNoMatch;
  whole.steps = 1;
  open_count_ = 1;
  const absl::StatusOr<RangeRef> nothing = EmitNode(whole);
  if (!nothing.ok()) {
    return nothing.status();
  }
  node_ranges_.reserve(2 * items_.size() + 1);
  RangeSweep sweep(*nothing, node_ranges_);
  for (size_t first = 0; first < items_.size();) {
    size_t end = first + 1;
    while (end < items_.size() && items_[end].prefix == items_[first].prefix) {
      ++end;
    }
    const Ipv4Prefix prefix = items_[first].ToPrefix();
    while (open_[open_count_ - 1].last < prefix.First().value) {
      --open_count_;
    }
    OwnRanges(first, end - first, own_);
    OpenNode& node = open_[open_count_];
    node.last = prefix.Last().value;
    status = OpenChild(open_[open_count_ - 1], node);
    if (!status.ok()) {
      return status;
    }
    ++open_count_;
    const absl::StatusOr<RangeRef> ref = EmitNode(node);
    if (!ref.ok()) {
      return ref.status();
    }
    sweep.Enter(prefix, *ref);
    first = end;
  }
  sweep.Finish();
  return absl::OkStatus();
}

ClassifierBuilder::ClassifierBuilder(MemorySource& memory, ClassifierLimits limits)
    : memory_(memory), limits_(limits), scratch_(std::make_unique<Scratch>(limits.max_bytes)) {}

ClassifierBuilder::~ClassifierBuilder() = default;

absl::StatusOr<std::shared_ptr<const Classifier>> ClassifierBuilder::Build(
    std::span<const ClassifierRule> rules) {
  if (rules.size() >= kSetBit) {
    return absl::ResourceExhaustedError("too many rules");
  }
  const absl::Status compiled = scratch_->Compile(rules);
  if (!compiled.ok()) {
    scratch_ = std::make_unique<Scratch>(limits_.max_bytes);  // gives its memory back
    return compiled;
  }
  absl::StatusOr<std::shared_ptr<Classifier>> built = Assemble(rules);
  if (!built.ok()) {
    return built.status();
  }
  const std::vector<KeyRange>& nodes = scratch_->node_ranges();
  const std::vector<RangeLine>& pool = scratch_->pool();
  const uint64_t hash =
      HashWords(pool[0].word, 16 * pool.size(), HashWords(&nodes.front().end, 2 * nodes.size(), 0));
  if (rules.size() > kKeepScratchRules) {
    scratch_ = std::make_unique<Scratch>(limits_.max_bytes);
  }
  const auto [first, last] = interned_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    std::shared_ptr<const Classifier> shared = it->second.lock();
    if (shared != nullptr && shared->SameContent(**built)) {
      return shared;
    }
  }
  if (interned_.size() >= sweep_at_) {
    std::erase_if(interned_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * interned_.size() + 64;
  }
  interned_.emplace(hash, *built);
  return std::shared_ptr<const Classifier>(*std::move(built));
}

size_t ClassifierBuilder::LiveDirectLists() const {
  size_t count = 0;
  for (const auto& [hash, weak] : interned_) {
    const std::shared_ptr<const Classifier> classifier = weak.lock();
    count += classifier != nullptr && classifier->node_tier() == FibTier::kDirect ? 1 : 0;
  }
  return count;
}

absl::StatusOr<std::shared_ptr<Classifier>> ClassifierBuilder::Assemble(
    std::span<const ClassifierRule> rules) {
  const std::vector<KeyRange>& nodes = scratch_->node_ranges();
  const std::vector<RangeLine>& pool = scratch_->pool();
  FibTier tier = nodes.size() <= 16 ? FibTier::kRanges : FibTier::kTree;
  const size_t value_bytes = scratch_->max_steps() > 1 ? rules.size() * sizeof(uint32_t) : 0;
  const size_t bytes = pool.size() * sizeof(RangeLine) + value_bytes;
  if (nodes.size() > limits_.direct_above_ranges &&
      bytes + Fib::BytesFor(nodes, FibTier::kDirect) <= limits_.max_bytes &&
      LiveDirectLists() < limits_.max_direct_lists) {
    tier = FibTier::kDirect;
  }
  if (bytes + Fib::BytesFor(nodes, tier) > limits_.max_bytes) {
    return TooBig();
  }
  absl::StatusOr<Fib> node_table = Fib::FromRanges(nodes, tier, memory_);
  if (!node_table.ok()) {
    return node_table.status();
  }
  auto classifier = std::make_shared<Classifier>();
  classifier->max_steps_ = scratch_->max_steps();
  SLUICE_CHECK(classifier->max_steps_ <= Classifier::kMaxSteps);
  classifier->nodes_ = *std::move(node_table);
  classifier->maps_ = AlignedArray<RangeLine>::Make(memory_, "classifier_maps", pool.size());
  if (!classifier->maps_.ok()) {
    return absl::ResourceExhaustedError("no memory for classifier maps");
  }
  std::copy(pool.begin(), pool.end(), classifier->maps_.data());
  if (value_bytes != 0) {
    classifier->values_ = AlignedArray<uint32_t>::Make(memory_, "classifier_values", rules.size());
    if (!classifier->values_.ok()) {
      return absl::ResourceExhaustedError("no memory for classifier values");
    }
    for (size_t rank = 0; rank < rules.size(); ++rank) {
      classifier->values_[rank] = rules[rank].port.value;
    }
  }
  return classifier;
}

}  // namespace sluice
