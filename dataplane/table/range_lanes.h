// Range maps (range_map.h) asked by a chunk of lanes, for the shapes that matter most: one map that
// all lanes ask, and a small map a lane. Straight loops without prefetches: what a lane reads
// depends on no other lane, so the core overlaps the loads of a whole chunk by itself. Part of
// kernel_lanes.h; included by it only.
//
// `Simd` gives, besides kernel_lanes.h's Below:
//   static void Simd::RankAll(const uint32_t* ends, size_t end_count, const uint32_t* key,
//                             uint32_t* rank) -> rank[i] = count of ends below key[i], i < kLanes
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/table/range_map.h"

namespace sluice {

template <class Simd>
struct RangeLanes {
  static constexpr size_t kLanes = 32;

  static uint32_t Rank(const uint32_t* line, uint32_t biased_key) noexcept {
    return static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, biased_key)));
  }

  // payload[i] of the map `ref` for biased keys, i < n <= kLanes; all kLanes keys are readable. The
  // root is one for all lanes: its ends are compared with many keys at a time, not a key with many
  // ends.
  [[gnu::always_inline]] static inline void OneMap(const RangeLine* pool, RangeRef ref,
                                                   const uint32_t* key, uint32_t* payload,
                                                   size_t n) noexcept {
    const RangeLine* base = pool + (ref >> kRangeKindBits);
    const uint32_t kind = ref & kRangeKindMask;
    const RangeLine* root = kind > 2 ? base + 1 : base;
    // Padding is the greatest key, and so is the last end: neither is ever counted.
    const uint32_t width_mask = kind == kRangeKindLine ? 0xffu : 0xffffu;
    const auto end_count = static_cast<size_t>(
        __builtin_popcount(Simd::Below(root->word, 0xffffffffu ^ kRangeBias) & width_mask));
    alignas(kCacheLineBytes) uint32_t child[kLanes];
    Simd::RankAll(root->word, end_count, key, child);
    if (kind <= kRangeKindLeaf) {
      const uint32_t* payloads = kind == kRangeKindLine ? base->word + 8 : base[1].word;
      for (size_t i = 0; i < n; ++i) {
        payload[i] = payloads[child[i]];
      }
      return;
    }
    for (uint32_t level = 1; level + 1 < kind; ++level) {
      const RangeLine* nodes = base + base->word[level];
      for (size_t i = 0; i < n; ++i) {
        child[i] = child[i] * 17 + Rank(nodes[child[i]].word, key[i]);
      }
    }
    const RangeLine* leaves = base + (kind > 2 ? base->word[kind - 1] : 1);
    for (size_t i = 0; i < n; ++i) {
      const RangeLine* leaf = leaves + size_t{2} * child[i];
      payload[i] = leaf[1].word[Rank(leaf->word, key[i])];
    }
  }

  // payload[i] of the map ref[i] in pool(i), for kinds 0 to 2. Returns the lanes of other kinds,
  // whose payload is undefined.
  template <typename PoolOf>
  [[gnu::always_inline]] static inline uint32_t SmallMaps(const PoolOf& pool, const RangeRef* ref,
                                                          const uint32_t* key, uint32_t* payload,
                                                          size_t n) noexcept {
    // By kind: which words of the first line are ends, and where the payloads start. Other kinds
    // read the first word.
    static constexpr uint32_t kEnds[8] = {0xff, 0xffff, 0xffff, 0, 0, 0, 0, 0};
    static constexpr uint32_t kPayloads[8] = {8, 16, 0, 0, 0, 0, 0, 0};
    uint32_t child[kLanes];
    uint32_t two_levels = 0;
    uint32_t others = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint32_t kind = ref[i] & kRangeKindMask;
      const uint32_t* line = pool(i)[ref[i] >> kRangeKindBits].word;
      child[i] = static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, key[i]) & kEnds[kind]));
      payload[i] = line[kPayloads[kind] + child[i]];
      two_levels |= uint32_t{kind == 2} << i;
      others |= uint32_t{kind > 2} << i;
    }
    for (; two_levels != 0; two_levels &= two_levels - 1) {
      const auto i = static_cast<size_t>(__builtin_ctz(two_levels));
      const RangeLine* leaf = pool(i) + (ref[i] >> kRangeKindBits) + 1 + size_t{2} * child[i];
      payload[i] = leaf[1].word[Rank(leaf->word, key[i])];
    }
    return others;
  }
};

}  // namespace sluice
