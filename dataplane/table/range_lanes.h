// Range maps (range_map.h) asked by a chunk of lanes, for the shapes that matter most: one map that
// all lanes ask, and a small map a lane. Straight loops without prefetches: what a lane reads
// depends on no other lane, so the core overlaps the loads of a whole chunk by itself. Part of
// kernel_lanes.h; included by it only.
//
// `Simd` gives, besides kernel_lanes.h's Below:
//   static void Simd::RankAll(const uint32_t* ends, size_t end_count, const uint32_t* key,
//                             size_t n, uint32_t* rank) -> rank[i] = count of ends below key[i],
//                             i < n; what stands behind the n-th is read, and set to anything
//   static uint32_t Simd::LanesOfKind(const RangeRef* ref, uint32_t least, uint32_t most) -> bit i
//                             set: least <= kind of ref[i] <= most, i < kLanes
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/table/range_map.h"

namespace sluice {

template <class Simd>
struct RangeLanes {
  static constexpr size_t kLanes = 32;
  // Trees from this kind on have leaves that the near caches do not hold.
  static constexpr uint32_t kColdKind = 5;
  // So few lanes are ranked one by one, each against all ends of the root.
  static constexpr size_t kFew = 8;

  static uint32_t Rank(const uint32_t* line, uint32_t biased_key) noexcept {
    return static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, biased_key)));
  }

  // child[i] = which of the root's intervals key[i] is in, i < n <= kLanes. The root is one for all
  // lanes: many keys at a time are compared with each of its ends, unless there are few.
  [[gnu::always_inline]] static inline void RootChildren(const RangeLine* root, uint32_t kind,
                                                         const uint32_t* key, uint32_t* child,
                                                         size_t n) noexcept {
    // Padding is the greatest key, and so is the last end: neither is ever counted.
    const uint32_t width_mask = kind == kRangeKindLine ? 0xffu : 0xffffu;
    if (n <= kFew) {
      for (size_t i = 0; i < n; ++i) {
        child[i] =
            static_cast<uint32_t>(__builtin_popcount(Simd::Below(root->word, key[i]) & width_mask));
      }
      return;
    }
    const auto end_count = static_cast<size_t>(
        __builtin_popcount(Simd::Below(root->word, 0xffffffffu ^ kRangeBias) & width_mask));
    Simd::RankAll(root->word, end_count, key, n, child);
  }

  // payload[i] of the map `ref` for biased keys, i < n <= kLanes; all kLanes keys are readable.
  [[gnu::always_inline]] static inline void OneMap(const RangeLine* pool, RangeRef ref,
                                                   const uint32_t* key, uint32_t* payload,
                                                   size_t n) noexcept {
    const RangeLine* base = pool + (ref >> kRangeKindBits);
    const uint32_t kind = ref & kRangeKindMask;
    const RangeLine* root = kind > 2 ? base + 1 : base;
    alignas(kCacheLineBytes) uint32_t child[kLanes];
    RootChildren(root, kind, key, child, n);
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
    if (kind == 2) {
      for (size_t i = 0; i < n; ++i) {
        const RangeLine* leaf = base + 1 + size_t{2} * child[i];
        payload[i] = leaf[1].word[Rank(leaf->word, key[i])];
      }
      return;
    }
    const RangeLine* leaves = base + base->word[kind - 1];
    if (kind >= kColdKind) {
      for (size_t i = 0; i < n; ++i) {
        PrefetchRead(leaves + child[i]);
      }
    }
    for (size_t i = 0; i < n; ++i) {
      payload[i] = PayloadOfLine(leaves[child[i]].word, key[i]);
    }
  }

  // A line of 8 ends and 8 payloads.
  static uint32_t PayloadOfLine(const uint32_t* line, uint32_t biased_key) noexcept {
    return line[8 +
                static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, biased_key) & 0xff))];
  }

  // The payload of a map of kind 3 and above.
  static uint32_t DeepMap(const RangeLine* base, uint32_t kind, uint32_t key) noexcept {
    uint32_t child = Rank(base[1].word, key);
    for (uint32_t level = 1; level + 1 < kind; ++level) {
      child = child * 17 + Rank(base[base->word[level] + child].word, key);
    }
    return PayloadOfLine(base[base->word[kind - 1] + child].word, key);
  }

  // payload[i] of the map ref[i] in pool(i), i < n <= kLanes; refs and keys (biased) of all kLanes
  // are readable. Lanes with a ref of kRangeKindUser are returned; their payload is anything.
  template <typename PoolOf>
  [[gnu::always_inline]] static inline uint32_t Maps(const PoolOf& pool, const RangeRef* ref,
                                                     const uint32_t* key, uint32_t* payload,
                                                     size_t n) noexcept {
    // By kind: which words of the first line are ends, and where the payloads start. A kind with
    // more levels reads any word of its line.
    static constexpr uint32_t kEnds[8] = {0xff, 0xffff, 0xffff, 0, 0, 0, 0, 0};
    static constexpr uint32_t kPayloads[8] = {8, 16, 0, 0, 0, 0, 0, 0};
    uint32_t child[kLanes];
    const auto asked = static_cast<uint32_t>((uint64_t{1} << n) - 1);
    uint32_t two_levels = Simd::LanesOfKind(ref, 2, 2) & asked;
    if (two_levels == asked) {
      for (size_t i = 0; i < n; ++i) {
        child[i] = Rank(pool(i)[ref[i] >> kRangeKindBits].word, key[i]);
      }
      for (size_t i = 0; i < n; ++i) {
        const RangeLine* leaf = pool(i) + (ref[i] >> kRangeKindBits) + 1 + size_t{2} * child[i];
        payload[i] = leaf[1].word[Rank(leaf->word, key[i])];
      }
      return 0;
    }
    for (size_t i = 0; i < n; ++i) {
      const uint32_t kind = ref[i] & kRangeKindMask;
      const uint32_t* line = pool(i)[ref[i] >> kRangeKindBits].word;
      child[i] = static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, key[i]) & kEnds[kind]));
      payload[i] = line[kPayloads[kind] + child[i]];
    }
    for (; two_levels != 0; two_levels &= two_levels - 1) {
      const auto i = static_cast<size_t>(__builtin_ctz(two_levels));
      const RangeLine* leaf = pool(i) + (ref[i] >> kRangeKindBits) + 1 + size_t{2} * child[i];
      payload[i] = leaf[1].word[Rank(leaf->word, key[i])];
    }
    uint32_t deep = Simd::LanesOfKind(ref, 3, kRangeKindMaxTree) & asked;
    for (; deep != 0; deep &= deep - 1) {
      const auto i = static_cast<size_t>(__builtin_ctz(deep));
      payload[i] = DeepMap(pool(i) + (ref[i] >> kRangeKindBits), ref[i] & kRangeKindMask, key[i]);
    }
    return Simd::LanesOfKind(ref, kRangeKindUser, kRangeKindUser) & asked;
  }
};

}  // namespace sluice
