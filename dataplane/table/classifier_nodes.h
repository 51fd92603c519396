// The tree of a list's prefixes compiled to maps. Part of the classifier's builder; control thread
// only.
//
// The sorted items are the preorder of the tree; one walk over them keeps the open ancestors on a
// stack of at most 33. In a list of few prefixes a node's map has its own rules merged over its
// parent's, and the address leads to it. In a larger one the address leads to a record of 16 bytes:
// one interval of the node's own, and what the parent's addresses ask. What is long (many rules of
// one prefix) is merged with everything above it to one map, which all nodes below share; that
// merging has a budget, and beyond it a node is chained to as many maps as there are such prefixes
// above it. Rules that others above them hide leave nothing behind.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/classifier_items.h"
#include "dataplane/table/classifier_maps.h"
#include "dataplane/table/range_map.h"
#include "dataplane/table/range_sweep.h"

namespace sluice {

class NodeCompiler {
 public:
  explicit NodeCompiler(const ClassifierLimits& limits)
      : limits_(limits), maps_(limits.max_bytes) {}

  absl::Status Compile(RuleItems& rules);
  // After Compile and RuleItems::Edit: compiles anew what is inside `where`, which holds the
  // prefixes of all rules that came or went. Maps no longer used stay in the pool until the next
  // Compile. False, with nothing changed: Compile costs no more.
  absl::StatusOr<bool> Recompile(RuleItems& rules, const Ipv4Prefix& where);

  const MapWriter& maps() const { return maps_; }
  // Address ranges and what they lead to: records, or refs into the pool where there are none.
  const std::vector<KeyRange>& node_ranges() const { return node_ranges_; }
  uint32_t max_steps() const { return max_steps_; }

 private:
  static constexpr uint32_t kDepth = 34;  // everything, and one prefix of each length

  // A node whose subtree is being walked.
  struct OpenNode {
    uint32_t last = 0;    // last address
    uint32_t least = 0;   // answer of local and of everything above
    size_t content = 0;   // the open node whose content this one has: itself, or one above
    uint32_t target = 0;  // what its addresses lead to
    PortRanges local;     // since the last break
    // Everything above local: merged, of an open ancestor, or null when it is not; and as it is
    // asked, kNoRef when local is everything.
    const PortRanges* above = nullptr;
    RangeRef above_ref = kNoRef;
    uint32_t above_steps = 0;
    // All of it as others name it; kNoRef until somebody does.
    RangeRef whole_ref = kNoRef;
    uint32_t whole_steps = 0;

    void IsEverything() {
      above = nullptr;
      above_ref = kNoRef;
      above_steps = 0;
    }
  };

  void Start(size_t prefix_count);
  void OpenWhole();
  absl::StatusOr<size_t> Enter(RuleItems& rules, size_t first, RangeSweep& sweep);
  void Splice(const std::vector<KeyRange>& fresh, const Ipv4Prefix& where);
  void OpenPrefix(RuleItems& rules, size_t first, size_t end, OpenNode& node);
  void PruneOwn(const OpenNode& parent);
  bool TryMerge(const OpenNode& parent, OpenNode& node);
  void Join(OpenNode& parent, OpenNode& node);
  RangeRef WholeRef(OpenNode& node);
  void Aim(OpenNode& node, OpenNode& parent, const NodeRecord& own);

  const ClassifierLimits limits_;
  MapWriter maps_;
  std::array<OpenNode, kDepth> open_;
  size_t open_count_ = 0;
  PortRanges own_;
  PortRanges merged_;
  bool records_ = false;    // the list has them
  size_t free_left_ = 0;    // ranges that nodes of a small list may write beyond a leaf
  size_t merged_left_ = 0;  // ranges that maps of everything above may take
  std::vector<KeyRange> node_ranges_;
  size_t compiled_bytes_ = 0;  // of the maps, after Compile
  uint32_t max_steps_ = 1;
};

}  // namespace sluice
