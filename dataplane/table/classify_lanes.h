// The classifier's lookup, by chunks of lanes. Part of kernel_lanes.h; included by it only.
//
// `Fibs` finds the nodes where lanes ask different lists: Fibs::FibChunk of kernel_lanes.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/range_lanes.h"

namespace sluice {

template <class Simd, class Fibs>
struct ClassifyLanes {
  using Lanes = RangeLanes<Simd>;
  static constexpr size_t kChunk = Lanes::kLanes;

  // The maps that chain records name, one of each lane a step. `chained`: the lanes that have some.
  template <typename PoolOf>
  static void NamedMaps(const PoolOf& pool, const RangeRef* ref, uint32_t chained,
                        const uint32_t* key, uint32_t* answer) noexcept {
    for (uint32_t step = 0; chained != 0; ++step) {
      uint32_t lane[kChunk];
      uint32_t lane_key[kChunk];
      alignas(kCacheLineBytes) RangeRef map[kChunk];
      uint32_t found[kChunk];
      size_t count = 0;
      for (uint32_t left = chained; left != 0; left &= left - 1) {
        const auto i = static_cast<uint32_t>(__builtin_ctz(left));
        const uint32_t* record = pool(i)[ref[i] >> kRangeKindBits].word;
        lane[count] = i;
        lane_key[count] = key[i];
        map[count++] = record[ChainRefWord(step)];
        chained ^= uint32_t{record[kChainCountWord] == step + 1} << i;
      }
      Lanes::Maps([&](size_t i) { return pool(lane[i]); }, map, lane_key, found, count);
      for (size_t i = 0; i < count; ++i) {
        answer[lane[i]] = std::min(answer[lane[i]], found[i]);
      }
    }
  }

  // `ref` of every lane is known: its map, or its chain, which starts with a map in its own line.
  // Biased keys.
  template <typename PoolOf>
  [[gnu::always_inline]] static inline void Nodes(const PoolOf& pool, const RangeRef* ref,
                                                  const uint32_t* key, uint32_t* answer,
                                                  size_t n) noexcept {
    const uint32_t chained = Lanes::Maps(pool, ref, key, answer, n);
    if (chained != 0) {
      NamedMaps(pool, ref, chained, key, answer);
    }
  }

  static uint32_t ValueOf(const ClassifierView& view, uint32_t answer) noexcept {
    if (answer == kNoMatch) {
      return kNoMatch;
    }
    return view.values != nullptr ? view.values[answer] : answer ^ view.flip;
  }

  // A chunk that asks one classifier.
  [[gnu::always_inline]] static inline void One(const ClassifierView& view, const uint32_t* address,
                                                const uint32_t* key, uint32_t* value_out,
                                                size_t n) noexcept {
    alignas(kCacheLineBytes) RangeRef ref[kChunk];
    alignas(kCacheLineBytes) uint32_t biased[kChunk];
    for (size_t i = 0; i < n; ++i) {
      biased[i] = address[i] ^ kRangeBias;
    }
    std::fill(biased + n, biased + kChunk, 0u);
    Lanes::OneMap(view.nodes.lines, view.nodes.ref, biased, ref, n);
    const RangeLine* maps = view.maps;
    Nodes([maps](size_t) { return maps; }, ref, key, value_out, n);
    if (view.values != nullptr) {
      for (size_t i = 0; i < n; ++i) {
        value_out[i] = ValueOf(view, value_out[i]);
      }
    } else if (view.flip != 0) {
      for (size_t i = 0; i < n; ++i) {
        value_out[i] = value_out[i] == kNoMatch ? kNoMatch : value_out[i] ^ view.flip;
      }
    }
  }

  static void Many(const ClassifierView* const* view, const uint32_t* address, const uint32_t* key,
                   uint32_t* value_out, size_t n) noexcept {
    const FibView* nodes[kChunk];
    alignas(kCacheLineBytes) RangeRef ref[kChunk];
    nodes[0] = &view[0]->nodes;  // n is not 0, which g++ 12 does not see
    for (size_t i = 0; i < n; ++i) {
      nodes[i] = &view[i]->nodes;
      PrefetchRead(view[i]);
    }
    Fibs::FibChunk(nodes, address, ref, n);
    Nodes([view](size_t i) { return view[i]->maps; }, ref, key, value_out, n);
    for (size_t i = 0; i < n; ++i) {
      value_out[i] = ValueOf(*view[i], value_out[i]);
    }
  }

  [[gnu::always_inline]] static inline void Chunk(const ClassifierView* views,
                                                  const uint32_t* classifier_idx,
                                                  const uint32_t* address, const uint8_t* protocol,
                                                  const uint16_t* key, uint32_t* value_out,
                                                  size_t n) noexcept {
    uint32_t port_key[kChunk];
    uint32_t differs = 0;
    for (size_t i = 0; i < n; ++i) {
      port_key[i] = (uint32_t{protocol[i]} << 16 | key[i]) ^ kRangeBias;
      differs |= classifier_idx[i] ^ classifier_idx[0];
    }
    if (differs == 0) {
      One(views[classifier_idx[0]], address, port_key, value_out, n);
      return;
    }
    const ClassifierView* view[kChunk];
    for (size_t i = 0; i < n; ++i) {
      view[i] = views + classifier_idx[i];
    }
    Many(view, address, port_key, value_out, n);
  }

  static void Classify(const ClassifierView* views, const uint32_t* classifier_idx,
                       const uint32_t* address, const uint8_t* protocol, const uint16_t* key,
                       uint32_t* value_out, size_t n) noexcept {
    for (; n >= kChunk; n -= kChunk) {
      Chunk(views, classifier_idx, address, protocol, key, value_out, kChunk);
      classifier_idx += kChunk;
      address += kChunk;
      protocol += kChunk;
      key += kChunk;
      value_out += kChunk;
    }
    if (n != 0) {
      Chunk(views, classifier_idx, address, protocol, key, value_out, n);
    }
  }
};

}  // namespace sluice
