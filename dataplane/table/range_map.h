// A map from a 32-bit key to a 32-bit payload that is constant on ranges of keys: the one search
// structure behind small route tables and behind the (protocol, port) maps of the classifier.
// Immutable lines of 64 bytes in a pool; a ref names one map. Written by the control thread, read
// by any thread.
//
// Theory: a static B+-tree with fan-out 17 in linear layout, one node a cache line (Slotin, "Static
// B-trees", Algorithmica 2022). A node holds the last keys of its children's ranges, so the child
// is the count of ends below the key, and padding with the greatest key is never counted. Keys are
// stored with the top bit flipped: a signed compare (all that AVX2 has) then orders unsigned keys.
//
//   kind 0  one line:  8 ends, 8 payloads
//   kind 1  leaf:      line of 16 ends, line of 16 payloads
//   kind 2  tree with one inner level: root, then leaves of two lines
//   kind 3..6  2..5 inner levels: header (u32 line offset of each level from the header, root
//   first), then the levels; leaves of one line as in kind 0, because large trees wait for memory
// Capacities 8, 16, 272, 2,312, 39,304, 668,168, 11,358,856 ranges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/base/cache_line.h"

namespace sluice {

// One node. `word` are biased ends (end ^ kRangeBias) or payloads.
struct alignas(kCacheLineBytes) RangeLine {
  uint32_t word[16];
};
static_assert(sizeof(RangeLine) == 64 && alignof(RangeLine) == 64);

inline constexpr uint32_t kRangeBias = 0x80000000u;
inline constexpr uint32_t kRangeKindBits = 3;
inline constexpr uint32_t kRangeKindMask = (1u << kRangeKindBits) - 1;
inline constexpr uint32_t kRangeKindLine = 0;
inline constexpr uint32_t kRangeKindLeaf = 1;
inline constexpr uint32_t kRangeKindMaxTree = 6;
inline constexpr uint32_t kRangeKindUser =
    7;  // never a map: the pool's owner may use it for records of its own
inline constexpr size_t kRangeMaxCount = 11'358'856;

// A ref: pool line in the upper bits, kind in the low three. Below 2^31, so that a DIR-24-8 entry
// can carry it.
using RangeRef = uint32_t;
constexpr RangeRef MakeRangeRef(uint32_t line_idx, uint32_t kind) {
  return line_idx << kRangeKindBits | kind;
}
inline constexpr size_t kRangeMaxPoolLines = size_t{1} << (31 - kRangeKindBits);

// One range of a map under construction: keys after the previous range's end up to `end`,
// inclusive.
struct KeyRange {
  uint32_t end;
  uint32_t payload;

  friend constexpr bool operator==(const KeyRange&, const KeyRange&) = default;
};

// Lines that AppendRanges will write for `range_count` ranges.
size_t RangeLinesFor(size_t range_count);

// Writes `ranges` (1..kRangeMaxCount, ascending ends, the last end at or above every key that will
// be looked up) at the end of `pool` and returns its ref. The caller keeps the pool below
// kRangeMaxPoolLines.
RangeRef AppendRanges(std::span<const KeyRange> ranges, std::vector<RangeLine>& pool);

// The payload of `key`. The plain form; batches go through the kernels.
uint32_t LookupRange(const RangeLine* pool, RangeRef ref, uint32_t key) noexcept;

}  // namespace sluice
