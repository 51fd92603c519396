// The tree of a list's prefixes compiled to maps. Part of the classifier's builder; control thread
// only.
//
// The sorted items are the preorder of the tree; one walk over them keeps the open ancestors on a
// stack of at most 33. A node's map has its own rules merged over its parent's while the parent's
// is short and the budget lasts. Where it is not, the node starts a map of its own, and what is
// above it becomes one map, merged once and shared by all nodes below: two lookups. That merging
// has a budget; beyond it a node is chained to as many maps as there are such breaks above it.
// Equal maps are written once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/classifier_items.h"
#include "dataplane/table/range_map.h"
#include "dataplane/table/range_sweep.h"

namespace sluice {

class NodeCompiler {
 public:
  explicit NodeCompiler(const ClassifierLimits& limits) : limits_(limits) {}

  absl::Status Compile(RuleItems& rules);
  // After Compile and RuleItems::Edit: compiles anew what is inside `where`, which holds the
  // prefixes of all rules that came or went. Maps no longer used stay in the pool until the next
  // Compile. False, with nothing changed: Compile costs no more.
  absl::StatusOr<bool> Recompile(RuleItems& rules, const Ipv4Prefix& where);

  const std::vector<RangeLine>& pool() const { return pool_; }
  // Address ranges and their refs into the pool.
  const std::vector<KeyRange>& node_ranges() const { return node_ranges_; }
  uint32_t max_steps() const { return max_steps_; }

 private:
  static constexpr uint32_t kDepth = 34;  // everything, and one prefix of each length

  // A node whose subtree is being walked.
  struct OpenNode {
    uint32_t last = 0;                  // last address
    uint32_t least = 0;                 // answer of local and of everything above
    PortRanges local;                   // since the last break
    RangeRef local_ref = 0;             // kNoRef until it is written
    const PortRanges* above = nullptr;  // everything above local, if merged; of an open ancestor
    uint32_t chain_count = 0;
    std::array<RangeRef, kDepth> chain;  // maps above local, nearest first
    // The same for children that start a map of their own; made when the first one does.
    bool has_below = false;
    uint32_t below_count = 0;
    std::array<RangeRef, kDepth> below;
    const PortRanges* merged = nullptr;  // local and everything above
    PortRanges full;                     // where `merged` points when it is not local
  };

  void Start(size_t item_count);
  void OpenWhole();
  absl::StatusOr<size_t> Enter(RuleItems& rules, size_t first, RangeSweep& sweep);
  void Splice(const std::vector<KeyRange>& fresh, const Ipv4Prefix& where);
  absl::Status OpenPrefix(RuleItems& rules, size_t first, size_t end, OpenNode& node);
  bool TryMerge(const OpenNode& parent, OpenNode& node);
  absl::Status MakeBelow(OpenNode& parent);
  absl::StatusOr<RangeRef> LocalRef(OpenNode& node);
  absl::StatusOr<RangeRef> EmitNode(OpenNode& node);
  absl::StatusOr<RangeRef> EmitMap(const PortRanges& ranges);
  absl::StatusOr<RangeRef> EmitChain(const PortRanges& own, std::span<const RangeRef> maps);
  bool HasRoom(size_t lines) const;
  RangeRef Share(RangeRef fresh, size_t lines, uint64_t hash);

  const ClassifierLimits limits_;
  absl::flat_hash_map<uint64_t, RangeRef> written_;  // by hash of their content
  std::array<OpenNode, kDepth> open_;
  size_t open_count_ = 0;
  PortRanges own_;
  size_t free_left_ = 0;    // ranges that nodes may write beyond a leaf
  size_t merged_left_ = 0;  // ranges that `full` lists may take
  std::vector<RangeLine> pool_;
  std::vector<KeyRange> node_ranges_;
  size_t compiled_lines_ = 0;  // of the pool, after Compile
  uint32_t max_steps_ = 1;
};

}  // namespace sluice
