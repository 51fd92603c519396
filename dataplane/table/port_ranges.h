// Lists of (protocol, port) rules as disjoint ranges of protocol << 16 | key with the least
// matching rank each: what the classifier merges and writes as range maps. Control thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/table/classifier.h"
#include "dataplane/table/range_map.h"

namespace sluice {

// Ascending ends, the last is kPortKeyMax; payload = rank, kNoMatch where nothing matches.
using PortRanges = std::vector<KeyRange>;
inline constexpr uint32_t kPortKeyMax = 0xffffffu;

// The ranges of one rule. At most 2 * 256 + 1 of them, 3 unless it spans all protocols but not all
// keys.
void RangesOfRule(const PortRule& rule, uint32_t rank, PortRanges& out);

// The lesser rank everywhere. `out` is neither input.
void MergeRanges(const PortRanges& a, const PortRanges& b, PortRanges& out);

// The least of many lists, by halves. `Source` writes list i: void(size_t i, PortRanges& out).
// Keeps its intermediate lists between calls.
class PortRangeMerger {
 public:
  template <typename Source>
  void Merge(size_t first, size_t count, const Source& source, PortRanges& out, size_t depth = 0) {
    if (count == 1) {
      source(first, out);
      return;
    }
    while (lists_.size() < 2 * depth + 2) {
      lists_.push_back(std::make_unique<PortRanges>());
    }
    PortRanges& left = *lists_[2 * depth];
    PortRanges& right = *lists_[2 * depth + 1];
    Merge(first, count / 2, source, left, depth + 1);
    Merge(first + count / 2, count - count / 2, source, right, depth + 1);
    MergeRanges(left, right, out);
  }

 private:
  std::vector<std::unique_ptr<PortRanges>> lists_;
};

}  // namespace sluice
