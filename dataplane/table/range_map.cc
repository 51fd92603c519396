#include "dataplane/table/range_map.h"

#include "dataplane/base/check.h"

namespace sluice {
namespace {

constexpr size_t kNodeKeys = 16;
constexpr size_t kLineKeys = 8;                     // of a leaf of one line
constexpr size_t kMostWideLeaves = 17 * kNodeKeys;  // ranges of the largest map with wide leaves
constexpr size_t kFanout = 17;
constexpr uint32_t kPaddingEnd = 0xffffffffu ^ kRangeBias;

// Node counts of a tree, root first, leaves last.
struct TreeShape {
  uint32_t nodes[kRangeKindMaxTree + 1];
  uint32_t level_count;  // inner levels and the leaves
  size_t leaf_keys;

  explicit TreeShape(size_t range_count)
      : leaf_keys(range_count <= kMostWideLeaves ? kNodeKeys : kLineKeys) {
    uint32_t upward[kRangeKindMaxTree + 1];
    size_t count = (range_count + leaf_keys - 1) / leaf_keys;
    uint32_t levels = 0;
    upward[levels++] = static_cast<uint32_t>(count);
    while (count > 1) {
      SLUICE_CHECK(levels <= kRangeKindMaxTree);
      count = (count + kFanout - 1) / kFanout;
      upward[levels++] = static_cast<uint32_t>(count);
    }
    level_count = levels;
    for (uint32_t i = 0; i < levels; ++i) {
      nodes[i] = upward[levels - 1 - i];
    }
  }
  uint32_t inner_count() const { return level_count - 1; }
  bool has_header() const { return inner_count() >= 2; }
  size_t leaf_lines() const { return leaf_keys == kNodeKeys ? 2 : 1; }
};

template <size_t kKeys>
void CopyLeaf(std::span<const KeyRange> ranges, uint32_t* ends, uint32_t* payloads) {
  for (size_t i = 0; i < kKeys; ++i) {
    ends[i] = ranges[i].end ^ kRangeBias;
    payloads[i] = ranges[i].payload;
  }
}

void WriteLeaf(std::span<const KeyRange> ranges, size_t width, uint32_t* ends, uint32_t* payloads) {
  if (ranges.size() == kNodeKeys) {  // frequent lengths, in a form that becomes vectors
    CopyLeaf<kNodeKeys>(ranges, ends, payloads);
    return;
  }
  if (width == kLineKeys && ranges.size() == kLineKeys) {
    CopyLeaf<kLineKeys>(ranges, ends, payloads);
    return;
  }
  for (size_t i = 0; i < width; ++i) {
    ends[i] = i < ranges.size() ? ranges[i].end ^ kRangeBias : kPaddingEnd;
    payloads[i] = i < ranges.size() ? ranges[i].payload : 0;
  }
}

std::span<const KeyRange> LeafRanges(std::span<const KeyRange> ranges, size_t leaf_idx,
                                     size_t leaf_keys) {
  const size_t first = leaf_idx * leaf_keys;
  const size_t left = ranges.size() - first;
  return ranges.subspan(first, left < leaf_keys ? left : leaf_keys);
}

// Fills one inner level. `span` is the number of leaves under a full child of it.
void WriteInnerLevel(std::span<const KeyRange> ranges, const TreeShape& shape, size_t span,
                     std::span<RangeLine> level) {
  const size_t leaf_count = shape.nodes[shape.inner_count()];
  for (size_t node = 0; node < level.size(); ++node) {
    for (size_t child = 0; child < kNodeKeys; ++child) {
      // The separator is the last end under the child; none when the child is the last one or
      // missing.
      const size_t last_leaf = (node * kFanout + child + 1) * span - 1;
      level[node].word[child] = last_leaf + 1 < leaf_count
                                    ? ranges[(last_leaf + 1) * shape.leaf_keys - 1].end ^ kRangeBias
                                    : kPaddingEnd;
    }
  }
}

RangeRef AppendTree(std::span<const KeyRange> ranges, std::vector<RangeLine>& pool) {
  const TreeShape shape(ranges.size());
  const size_t base = pool.size();
  pool.resize(base + RangeLinesFor(ranges.size()));
  size_t offset = shape.has_header() ? 1 : 0;
  const size_t leaf_count = shape.nodes[shape.inner_count()];
  size_t span = 1;
  for (uint32_t i = 1; i < shape.inner_count(); ++i) {
    span *= kFanout;
  }
  for (uint32_t level = 0; level < shape.inner_count(); ++level) {
    if (shape.has_header()) {
      pool[base].word[level] = static_cast<uint32_t>(offset);
    }
    WriteInnerLevel(ranges, shape, span, {&pool[base + offset], shape.nodes[level]});
    offset += shape.nodes[level];
    span /= kFanout;
  }
  if (shape.has_header()) {
    pool[base].word[shape.inner_count()] = static_cast<uint32_t>(offset);
  }
  for (size_t leaf = 0; leaf < leaf_count; ++leaf) {
    uint32_t* words = pool[base + offset + shape.leaf_lines() * leaf].word;
    WriteLeaf(LeafRanges(ranges, leaf, shape.leaf_keys), shape.leaf_keys, words,
              words + shape.leaf_keys);
  }
  return MakeRangeRef(static_cast<uint32_t>(base), kRangeKindLeaf + shape.inner_count());
}

uint32_t CountBelow(const uint32_t* ends, size_t width, uint32_t key) noexcept {
  uint32_t count = 0;
  for (size_t i = 0; i < width; ++i) {
    count += (ends[i] ^ kRangeBias) < key ? 1 : 0;
  }
  return count;
}

}  // namespace

size_t RangeLinesFor(size_t range_count) {
  if (range_count <= 8) {
    return 1;
  }
  const TreeShape shape(range_count);
  size_t lines =
      (shape.has_header() ? 1 : 0) + shape.leaf_lines() * shape.nodes[shape.inner_count()];
  for (uint32_t level = 0; level < shape.inner_count(); ++level) {
    lines += shape.nodes[level];
  }
  return lines;
}

RangeRef AppendRanges(std::span<const KeyRange> ranges, std::vector<RangeLine>& pool) {
  SLUICE_CHECK(!ranges.empty() && ranges.size() <= kRangeMaxCount);
  const size_t base = pool.size();
  SLUICE_CHECK(base + RangeLinesFor(ranges.size()) <= kRangeMaxPoolLines);
  if (ranges.size() <= 8) {
    RangeLine& line = pool.emplace_back();
    WriteLeaf(ranges, 8, line.word, line.word + 8);
    return MakeRangeRef(static_cast<uint32_t>(base), kRangeKindLine);
  }
  return AppendTree(ranges, pool);
}

uint32_t LookupRange(const RangeLine* pool, RangeRef ref, uint32_t key) noexcept {
  const RangeLine* base = pool + (ref >> kRangeKindBits);
  const uint32_t kind = ref & kRangeKindMask;
  if (kind == kRangeKindLine) {
    return base->word[8 + CountBelow(base->word, 8, key)];
  }
  const uint32_t inner_count = kind - kRangeKindLeaf;
  uint32_t node = 0;
  for (uint32_t level = 0; level < inner_count; ++level) {
    const uint32_t offset = inner_count == 1 ? 0 : base->word[level];
    node = node * kFanout + CountBelow(base[offset + node].word, kNodeKeys, key);
  }
  const uint32_t leaves = inner_count == 0 ? 0 : inner_count == 1 ? 1 : base->word[inner_count];
  const size_t width = inner_count >= 2 ? kLineKeys : kNodeKeys;
  const uint32_t* leaf = base[leaves + size_t{node} * (width == kLineKeys ? 1 : 2)].word;
  return leaf[width + CountBelow(leaf, width, key)];
}

}  // namespace sluice
