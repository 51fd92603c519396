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

// What one compilation works in; kept, so that the next one finds its memory warm.
struct ClassifierBuilder::Scratch {
  explicit Scratch(const ClassifierLimits& limits) : nodes(limits) {}

  RuleItems items;
  NodeCompiler nodes;
};

ClassifierBuilder::ClassifierBuilder(MemorySource& memory, ClassifierLimits limits)
    : memory_(memory), limits_(limits), scratch_(std::make_unique<Scratch>(limits)) {}

ClassifierBuilder::~ClassifierBuilder() = default;

absl::StatusOr<std::shared_ptr<const Classifier>> ClassifierBuilder::Build(
    std::span<const ClassifierRule> rules) {
  if (rules.size() >= kRuleSetBit) {
    return absl::ResourceExhaustedError("too many rules");
  }
  absl::Status compiled = scratch_->items.Collect(rules, limits_.max_bytes);
  if (compiled.ok()) {
    compiled = scratch_->nodes.Compile(scratch_->items);
  }
  if (!compiled.ok()) {
    scratch_ = std::make_unique<Scratch>(limits_);  // gives its memory back
    return compiled;
  }
  absl::StatusOr<std::shared_ptr<Classifier>> built = Assemble(rules);
  if (!built.ok()) {
    return built.status();
  }
  const std::vector<KeyRange>& nodes = scratch_->nodes.node_ranges();
  const std::vector<RangeLine>& pool = scratch_->nodes.pool();
  const uint64_t hash =
      HashWords(pool[0].word, 16 * pool.size(), HashWords(&nodes.front().end, 2 * nodes.size(), 0));
  if (rules.size() > kKeepScratchRules) {
    scratch_ = std::make_unique<Scratch>(limits_);
  }
  return Intern(hash, *std::move(built));
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
    std::span<const ClassifierRule> rules) {
  const std::vector<KeyRange>& nodes = scratch_->nodes.node_ranges();
  const std::vector<RangeLine>& pool = scratch_->nodes.pool();
  const AnswerOrder& order = scratch_->items.order();
  const size_t value_bytes = order.ranks ? rules.size() * sizeof(uint32_t) : 0;
  const size_t bytes = pool.size() * sizeof(RangeLine) + value_bytes;
  const FibTier tier = nodes.size() <= 16 ? FibTier::kRanges : FibTier::kTree;
  if (bytes + Fib::BytesFor(nodes, tier) > limits_.max_bytes) {
    return ClassifierTooBig();
  }
  absl::StatusOr<Fib> node_table = Fib::FromRanges(nodes, tier, memory_);
  if (!node_table.ok()) {
    return node_table.status();
  }
  auto classifier = std::make_shared<Classifier>();
  classifier->max_steps_ = scratch_->nodes.max_steps();
  SLUICE_CHECK(classifier->max_steps_ <= Classifier::kMaxSteps);
  classifier->flip_ = order.flip;
  classifier->nodes_ = *std::move(node_table);
  classifier->maps_ = AlignedArray<RangeLine>::Make(memory_, "classifier_maps", pool.size());
  if (!classifier->maps_.ok()) {
    return absl::ResourceExhaustedError("no memory for classifier maps");
  }
  std::copy(pool.begin(), pool.end(), classifier->maps_.data());
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
