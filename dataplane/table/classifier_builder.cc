// Compiles ordered rules: items (classifier_items.h), maps of their tree (classifier_nodes.h), the
// address step over both, and sharing of equal results.
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "dataplane/base/check.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/classifier_items.h"
#include "dataplane/table/classifier_nodes.h"
#include "dataplane/table/content_hash.h"

namespace sluice {

namespace {

// Nothing is allocated for nothing. False: no memory.
template <typename T>
bool CopyTo(MemorySource& memory, const char* name, const std::vector<T>& from,
            AlignedArray<T>& to) {
  if (!from.empty()) {
    to = AlignedArray<T>::Make(memory, name, from.size());
    if (!to.ok()) {
      return false;
    }
    std::copy(from.begin(), from.end(), to.data());
  }
  return true;
}

}  // namespace

// What one compilation works in; kept, so that the next one finds its memory warm, or finds the
// list itself.
struct ClassifierBuilder::Scratch {
  explicit Scratch(const ClassifierLimits& limits) : nodes(limits) {}

  RuleItems items;
  NodeCompiler nodes;
  // Of kept lists.
  std::vector<KeptRule> rules;
  std::weak_ptr<const Classifier> built;
};

ClassifierBuilder::ClassifierBuilder(MemorySource& memory, ClassifierLimits limits)
    : memory_(memory), limits_(limits), scratch_(std::make_unique<Scratch>(limits)) {}

ClassifierBuilder::~ClassifierBuilder() = default;

absl::StatusOr<std::shared_ptr<const Classifier>> ClassifierBuilder::Build(
    std::span<const ClassifierRule> rules) {
  if (rules.size() >= kRuleSetBit) {
    return absl::ResourceExhaustedError("too many rules");
  }
  if (rules.size() >= kKeptLeast && rules.size() <= kKeptMost && KeepRules(rules, asked_)) {
    return BuildKept(rules);
  }
  auto built = BuildWith(rules, *scratch_);
  if (!built.ok() || rules.size() > kKeepScratchRules) {
    scratch_ = std::make_unique<Scratch>(limits_);  // gives its memory back
  }
  return built;
}

absl::StatusOr<std::shared_ptr<const Classifier>> ClassifierBuilder::BuildWith(
    std::span<const ClassifierRule> rules, Scratch& scratch) {
  absl::Status compiled = scratch.items.Collect(rules, limits_.max_bytes);
  if (compiled.ok()) {
    compiled = scratch.nodes.Compile(scratch.items);
  }
  if (!compiled.ok()) {
    return compiled;
  }
  absl::StatusOr<std::shared_ptr<Classifier>> built = Assemble(rules, scratch);
  if (!built.ok()) {
    return built.status();
  }
  const std::vector<KeyRange>& nodes = scratch.nodes.node_ranges();
  const std::vector<RangeLine>& pool = scratch.nodes.maps().pool();
  const uint64_t hash =
      HashWords(pool[0].word, 16 * pool.size(), HashWords(&nodes.front().end, 2 * nodes.size(), 0));
  return Intern(hash, *std::move(built));
}

// `rules` is what asked_ says: the same as a kept list, an edit of one, or a new list to keep.
absl::StatusOr<std::shared_ptr<const Classifier>> ClassifierBuilder::BuildKept(
    std::span<const ClassifierRule> rules) {
  std::unique_ptr<Scratch> scratch;
  absl::StatusOr<bool> patched = false;
  for (auto it = kept_.begin(); it != kept_.end() && scratch == nullptr; ++it) {
    const RuleEdit edit = EditBetween((*it)->rules, asked_);
    if (edit.removed + edit.inserted <= kEditedRules) {
      scratch = std::move(*it);
      kept_.erase(it);
      std::shared_ptr<const Classifier> same =
          edit.removed + edit.inserted == 0 ? scratch->built.lock() : nullptr;
      if (same != nullptr) {
        kept_.push_back(std::move(scratch));
        return same;
      }
      patched = Patch(rules, *scratch);
      break;
    }
  }
  if (scratch == nullptr) {
    scratch = std::make_unique<Scratch>(limits_);
  }
  using Built = absl::StatusOr<std::shared_ptr<const Classifier>>;
  Built built =
      patched.ok() && *patched ? Built(Assemble(rules, *scratch)) : BuildWith(rules, *scratch);
  if (!built.ok()) {
    return built;  // and the scratch gives its memory back
  }
  scratch->rules.swap(asked_);
  scratch->built = *built;
  if (kept_.size() == kKeptLists) {
    kept_.erase(kept_.begin());
  }
  kept_.push_back(std::move(scratch));
  return built;
}

// False: the list is to be compiled as a whole.
absl::StatusOr<bool> ClassifierBuilder::Patch(std::span<const ClassifierRule> rules,
                                              Scratch& kept) {
  const RuleEdit edit = EditBetween(kept.rules, asked_);
  std::vector<Ipv4Prefix> touched;
  for (size_t i = 0; i < edit.removed; ++i) {
    touched.push_back(kept.rules[edit.first + i].prefix);
  }
  for (size_t i = 0; i < edit.inserted; ++i) {
    touched.push_back(asked_[edit.first + i].prefix);
  }
  if (touched.empty() || !kept.items.Edit(rules, edit)) {
    return false;
  }
  for (const Ipv4Prefix& prefix : touched) {
    const absl::StatusOr<bool> done = kept.nodes.Recompile(kept.items, prefix);
    if (!done.ok() || !*done) {
      return false;
    }
  }
  return true;
}

// The equal one somebody still holds, or `built`.
std::shared_ptr<const Classifier> ClassifierBuilder::Intern(uint64_t hash,
                                                            std::shared_ptr<Classifier> built) {
  const auto [first, last] = interned_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    std::shared_ptr<const Classifier> shared = it->second.lock();
    if (shared != nullptr && shared->SameContent(*built)) {
      return shared;
    }
  }
  if (interned_.size() >= sweep_at_) {
    std::erase_if(interned_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * interned_.size() + 64;
  }
  interned_.emplace(hash, built);
  return built;
}

absl::StatusOr<std::shared_ptr<Classifier>> ClassifierBuilder::Assemble(
    std::span<const ClassifierRule> rules, const Scratch& scratch) {
  const std::vector<KeyRange>& nodes = scratch.nodes.node_ranges();
  const std::vector<RangeLine>& pool = scratch.nodes.maps().pool();
  const std::vector<NodeRecord>& records = scratch.nodes.maps().records();
  const AnswerOrder& order = scratch.items.order();
  const size_t value_bytes = order.ranks ? rules.size() * sizeof(uint32_t) : 0;
  const FibTier tier = nodes.size() <= 16 ? FibTier::kRanges : FibTier::kTree;
  if (scratch.nodes.maps().bytes() + value_bytes + Fib::BytesFor(nodes, tier) > limits_.max_bytes) {
    return ClassifierTooBig();
  }
  absl::StatusOr<Fib> node_table = Fib::FromRanges(nodes, tier, memory_);
  if (!node_table.ok()) {
    return node_table.status();
  }
  auto classifier = std::make_shared<Classifier>();
  classifier->max_steps_ = scratch.nodes.max_steps();
  SLUICE_CHECK(classifier->max_steps_ <= Classifier::kMaxSteps);
  classifier->flip_ = order.flip;
  classifier->nodes_ = *std::move(node_table);
  const bool stored = CopyTo(memory_, "classifier_maps", pool, classifier->maps_) &&
                      CopyTo(memory_, "classifier_records", records, classifier->records_);
  if (!stored) {
    return absl::ResourceExhaustedError("no memory for classifier maps");
  }
  if (order.ranks) {
    classifier->values_ = AlignedArray<uint32_t>::Make(memory_, "classifier_values", rules.size());
    if (!classifier->values_.ok()) {
      return absl::ResourceExhaustedError("no memory for classifier values");
    }
    std::transform(rules.begin(), rules.end(), classifier->values_.data(),
                   [](const ClassifierRule& rule) { return rule.port.value; });
  }
  return classifier;
}

}  // namespace sluice
