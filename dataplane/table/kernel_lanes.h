// The batched lookups as one template over `Simd`, which counts the ends of a node below a key:
//   static uint32_t Simd::Below(const uint32_t* line, uint32_t biased_key)  -> bit i set: line[i] <
//   key, i < 16
// and what range_lanes.h asks of it.
// Included by kernels_*.cc only, each compiled for its own instruction set. Everything depends on
// Simd, so that no two of these files emit one symbol.
//
// A chunk that asks one table goes through a straight loop (range_lanes.h, direct_lanes.h). Others
// advance level by level in chunks of 32: every load of a level has been prefetched by the
// level before, for all lanes, so a chunk waits for memory once a level and not once a lane (Kalia
// et al., "Raising the bar for using GPUs in software packet processing", NSDI 2015).
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/classify_lanes.h"
#include "dataplane/table/direct_lanes.h"
#include "dataplane/table/kernels.h"
#include "dataplane/table/range_lanes.h"

namespace sluice {

template <class Simd>
struct KernelLanes {
  static constexpr size_t kChunk = 32;
  using Lanes = RangeLanes<Simd>;
  static_assert(kChunk == Lanes::kLanes);

  static uint32_t Rank(const uint32_t* line, uint32_t biased_key) noexcept {
    return static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, biased_key)));
  }

  // The payload of a key in the line or leaf at `words`. The width comes from a table: compilers
  // make a comparison into "sbb eax, eax", which on Intel's CPUs waits for the payload of the lane
  // before, and so for all of it.
  static uint32_t PayloadOf(const uint32_t* words, uint32_t kind, uint32_t biased_key) noexcept {
    static constexpr uint32_t kWidth[kRangeKindMask + 1] = {8, 16, 16, 8, 8, 8, 8, 8};
    const uint32_t width = kWidth[kind];
    const uint32_t below = Simd::Below(words, biased_key) & ((1u << width) - 1);
    return words[width + static_cast<uint32_t>(__builtin_popcount(below))];
  }

  // Range maps to look up, one a lane.
  struct Walk {
    const RangeLine* base[kChunk];  // the map's first line
    const RangeLine* node[kChunk];
    uint32_t key[kChunk];  // biased
    uint32_t kind[kChunk];
    uint32_t child[kChunk];
    uint32_t lane[kChunk];  // the caller's
    size_t count = 0;
    uint32_t deepest = 0;

    void Add(const RangeLine* pool, RangeRef ref, uint32_t plain_key, size_t caller_lane) noexcept {
      const RangeLine* line = pool + (ref >> kRangeKindBits);
      const uint32_t map_kind = ref & kRangeKindMask;
      PrefetchRead(line);
      PrefetchRead(line + (map_kind != kRangeKindLine));
      base[count] = line;
      node[count] = line;
      key[count] = plain_key ^ kRangeBias;
      kind[count] = map_kind;
      lane[count] = static_cast<uint32_t>(caller_lane);
      deepest = map_kind > deepest ? map_kind : deepest;
      ++count;
    }
  };

  static void DescendRoot(Walk& walk) noexcept {
    for (size_t i = 0; i < walk.count; ++i) {
      if (walk.kind[i] < 2) {
        continue;
      }
      const RangeLine* base = walk.base[i];
      const bool header = walk.kind[i] > 2;
      const uint32_t child = Rank(base[header ? 1 : 0].word, walk.key[i]);
      walk.child[i] = child;
      walk.node[i] = header ? base + base->word[1] + child : base + 1 + 2 * child;
      PrefetchRead(walk.node[i]);
      PrefetchRead(walk.node[i] + (header ? 0 : 1));
    }
  }

  static void DescendInner(Walk& walk, uint32_t level) noexcept {
    for (size_t i = 0; i < walk.count; ++i) {
      if (walk.kind[i] <= level + 1) {
        continue;
      }
      const RangeLine* base = walk.base[i];
      const uint32_t child = walk.child[i] * 17 + Rank(walk.node[i]->word, walk.key[i]);
      walk.child[i] = child;
      walk.node[i] = base + base->word[level + 1] + child;
      PrefetchRead(walk.node[i]);
    }
  }

  // out[walk.lane[i]] = payload.
  static void Finish(Walk& walk, uint32_t* out) noexcept {
    if (walk.deepest >= 2) {
      DescendRoot(walk);
      for (uint32_t level = 1; level + 1 < walk.deepest; ++level) {
        DescendInner(walk, level);
      }
    }
    for (size_t i = 0; i < walk.count; ++i) {
      const uint32_t* words = walk.node[i]->word;
      out[walk.lane[i]] = PayloadOf(words, walk.kind[i], walk.key[i]);
    }
  }

  // Lanes of direct maps, of any tables. Their nodes are on the way already.
  struct Direct {
    uint32_t lane[kChunk];
    size_t count = 0;
  };

  template <typename Entry>
  static uint32_t OneDirect(const FibView& view, uint32_t destination) noexcept {
    using Map = DirectLanes<Simd, Entry>;
    const auto* entries = static_cast<const Entry*>(view.entries);
    const auto& node = static_cast<const DirectNode<Entry>*>(view.nodes)[destination >> 12];
    return Map::NextHop(Map::EntryOf(node, entries, destination), entries, destination);
  }

  static void Finish(const Direct& direct, const FibView* const* views, const uint32_t* destination,
                     uint32_t* out) noexcept {
    for (size_t i = 0; i < direct.count; ++i) {
      const uint32_t lane = direct.lane[i];
      const FibView& view = *views[lane];
      out[lane] = view.entry_bytes == 2 ? OneDirect<uint16_t>(view, destination[lane])
                                        : OneDirect<uint32_t>(view, destination[lane]);
    }
  }

  // All lanes ask one table. False, with nothing done: it is a tree too deep for the plain form,
  // whose cold lines want prefetches.
  static bool OneTable(const FibView& view, const uint32_t* destination, uint32_t* out,
                       size_t n) noexcept {
    if (view.tier == FibTier::kDirect) {
      if (view.entry_bytes == 2) {
        DirectLanes<Simd, uint16_t>::Lookup(static_cast<const DirectNode<uint16_t>*>(view.nodes),
                                            static_cast<const uint16_t*>(view.entries), destination,
                                            out, n);
      } else {
        DirectLanes<Simd, uint32_t>::Lookup(static_cast<const DirectNode<uint32_t>*>(view.nodes),
                                            static_cast<const uint32_t*>(view.entries), destination,
                                            out, n);
      }
      return true;
    }
    if ((view.ref & kRangeKindMask) > kRangeKindLeaf + 3) {
      return false;
    }
    alignas(kCacheLineBytes) uint32_t key[kChunk];
    for (size_t i = 0; i < n; ++i) {
      key[i] = destination[i] ^ kRangeBias;
    }
    Lanes::OneMap(view.lines, view.ref, key, out, n);
    return true;
  }

  // In the form that compilers make vectors of.
  static bool AllSame(const uint32_t* values, size_t n) noexcept {
    uint32_t other_bits = 0;
    for (size_t i = 0; i < n; ++i) {
      other_bits |= values[i] ^ values[0];
    }
    return other_bits == 0;
  }
  static bool AllSame(const FibView* const* views, size_t n) noexcept {
    bool same = true;
    for (size_t i = 1; i < n; ++i) {
      same &= views[i] == views[0];
    }
    return same;
  }

  // Lanes of any tables of at most one inner level, which most are. False, with nothing done: one
  // is larger.
  static bool SmallTrees(const FibView* const* views, const uint32_t* destination, uint32_t* out,
                         size_t n) noexcept {
    const RangeLine* base[kChunk];
    uint32_t kind[kChunk];
    uint32_t deepest = 0;
    for (size_t i = 0; i < n; ++i) {
      const RangeRef ref = views[i]->ref;
      base[i] = views[i]->lines + (ref >> kRangeKindBits);
      kind[i] = ref & kRangeKindMask;
      deepest = kind[i] > deepest ? kind[i] : deepest;
      PrefetchRead(base[i]);
    }
    if (deepest > kRangeKindLeaf + 1) {
      return false;
    }
    for (size_t i = 0; i < n; ++i) {
      const RangeLine* root = base[i];
      const uint32_t child = Rank(root->word, destination[i] ^ kRangeBias);
      base[i] = kind[i] == kRangeKindLeaf + 1 ? root + 1 + 2 * child : root;
      PrefetchRead(base[i]);
      PrefetchRead(base[i] + 1);
    }
    for (size_t i = 0; i < n; ++i) {
      const uint32_t* words = base[i]->word;
      out[i] = PayloadOf(words, kind[i], destination[i] ^ kRangeBias);
    }
    return true;
  }

  static void FibChunk(const FibView* const* views, const uint32_t* destination, uint32_t* out,
                       size_t n) noexcept {
    if (AllSame(views, n) && OneTable(*views[0], destination, out, n)) {
      return;
    }
    if (SmallTrees(views, destination, out, n)) {
      return;
    }
    Walk walk;
    Direct direct;
    for (size_t i = 0; i < n; ++i) {
      if (views[i]->tier == FibTier::kDirect) {
        PrefetchRead(static_cast<const char*>(views[i]->nodes) +
                     size_t{destination[i] >> 12} * 4 * views[i]->entry_bytes);
        direct.lane[direct.count++] = static_cast<uint32_t>(i);
      } else {
        walk.Add(views[i]->lines, views[i]->ref, destination[i], i);
      }
    }
    // The inputs may be the output: direct lanes read theirs until the end.
    uint32_t walked[kChunk];
    if (walk.count != 0) {
      Finish(walk, walked);
    }
    if (direct.count != 0) {
      Finish(direct, views, destination, walked);
    }
    for (size_t i = 0; i < n; ++i) {
      out[i] = walked[i];
    }
  }

  static void Fib(const FibView* views, const uint32_t* fib_idx, const uint32_t* destination,
                  uint32_t* next_hop_out, size_t n) noexcept {
    for (size_t first = 0; first < n; first += kChunk) {
      const size_t count = n - first < kChunk ? n - first : kChunk;
      if (AllSame(fib_idx + first, count) &&
          OneTable(views[fib_idx[first]], destination + first, next_hop_out + first, count)) {
        continue;
      }
      const FibView* table[kChunk];
      for (size_t i = 0; i < count; ++i) {
        table[i] = views + fib_idx[first + i];
        PrefetchRead(table[i]);
      }
      FibChunk(table, destination + first, next_hop_out + first, count);
    }
  }

  static void PortMaps(const RangeLine* pool, const uint32_t* ref, const uint8_t* protocol,
                       const uint16_t* key, uint32_t* value_out, size_t n) noexcept {
    for (size_t first = 0; first < n; first += kChunk) {
      const size_t count = n - first < kChunk ? n - first : kChunk;
      Walk walk;
      for (size_t i = first; i < first + count; ++i) {
        if (ref[i] != kNoAddress) {
          walk.Add(pool, ref[i], uint32_t{protocol[i]} << 16 | key[i], i);
        } else {
          value_out[i] = kNoMatch;
        }
      }
      Finish(walk, value_out);
    }
  }

  static constexpr TableKernels Table() {
    return {&Fib, &ClassifyLanes<Simd, KernelLanes>::Classify, &PortMaps};
  }
};

}  // namespace sluice
