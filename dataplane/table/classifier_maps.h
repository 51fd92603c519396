// The lines and records of a classifier as they are written: maps, chain lines and node records,
// equal ones once. Part of the classifier's builder; control thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/port_ranges.h"
#include "dataplane/table/range_map.h"

namespace sluice {

constexpr bool IsChain(RangeRef ref) {
  return (ref & kRangeKindMask) == kRangeKindUser;
}

// Ranges that have an answer.
size_t CountIntervals(const PortRanges& ranges);

// Out of room it writes nothing and returns kNoRef; full() then stays true until Clear.
class MapWriter {
 public:
  explicit MapWriter(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Line 0 of the pool is a chain line without intervals, which no ref names.
  void Clear();
  bool full() const { return full_; }

  RangeRef Map(const PortRanges& ranges);
  // A chain line. `own` has at most kChainIntervals intervals; with a `map` (else kNoRef) one less,
  // and then `rest` is a chain line.
  RangeRef Chain(const PortRanges& own, RangeRef rest, RangeRef map);
  // The number of the record.
  uint32_t Record(const NodeRecord& record);

  const std::vector<RangeLine>& pool() const { return pool_; }
  const std::vector<NodeRecord>& records() const { return records_; }
  size_t bytes() const {
    return pool_.size() * sizeof(RangeLine) + records_.size() * sizeof(NodeRecord);
  }

 private:
  bool TakeRoom(size_t bytes);
  RangeRef Share(RangeRef fresh, size_t lines, uint64_t hash);

  const size_t max_bytes_;
  bool full_ = false;
  std::vector<RangeLine> pool_;
  std::vector<NodeRecord> records_;
  absl::flat_hash_map<uint64_t, uint32_t> written_;  // refs and records by hash of their content
};

}  // namespace sluice
