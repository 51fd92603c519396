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

  // What a chain line answers itself. Bounds at or below the key are those below its successor; an
  // odd count is inside an interval.
  static uint32_t OwnAnswer(const uint32_t* line, uint32_t key) noexcept {
    constexpr uint32_t kBounds = (1u << kChainAnswerWord) - 1;
    const auto passed =
        static_cast<uint32_t>(__builtin_popcount(Simd::Below(line, key + 1) & kBounds));
    return line[kChainAnswerWord + passed / 2] | ((passed & 1) - 1);
  }

  // The chain lines of all lanes, those of `chained`; the others read line 0 of their pool, which
  // has no intervals. `ref` becomes what the line names.
  template <typename PoolOf>
  [[gnu::always_inline]] static inline void ChainLines(const PoolOf& pool, RangeRef* ref,
                                                       uint32_t chained, const uint32_t* key,
                                                       uint32_t* own, size_t n) noexcept {
    for (size_t i = 0; i < n; ++i) {
      const uint32_t mask = 0 - (chained >> i & 1);
      const uint32_t* line = pool(i)[ref[i] >> kRangeKindBits & mask].word;
      own[i] = std::min(own[i], OwnAnswer(line, key[i]));
      ref[i] ^= (ref[i] ^ line[kChainRestWord]) & mask;
    }
  }

  // The lanes of `chained` have chain lines that name other chain lines: all of those, and the maps
  // they name.
  template <typename PoolOf>
  static void LongChains(const PoolOf& pool, const RangeRef* ref, uint32_t chained,
                         const uint32_t* key, uint32_t* answer) noexcept {
    RangeRef at[kChunk];
    for (uint32_t left = chained; left != 0; left &= left - 1) {
      const auto i = static_cast<uint32_t>(__builtin_ctz(left));
      at[i] = ref[i];
      answer[i] = kNoMatch;
    }
    while (chained != 0) {
      uint32_t lane[kChunk];
      uint32_t lane_key[kChunk];
      alignas(kCacheLineBytes) RangeRef map[kChunk];
      uint32_t found[kChunk];
      size_t count = 0;
      for (uint32_t left = chained; left != 0; left &= left - 1) {
        const auto i = static_cast<uint32_t>(__builtin_ctz(left));
        const uint32_t* line = pool(i)[at[i] >> kRangeKindBits].word;
        answer[i] = std::min(answer[i], OwnAnswer(line, key[i]));
        at[i] = line[kChainRestWord];
        const bool goes_on = (at[i] & kRangeKindMask) == kRangeKindUser;
        lane[count] = i;
        lane_key[count] = key[i];
        map[count] = goes_on ? MapBeside(line) : at[i];
        count += map[count] != kNoRef ? 1 : 0;
        chained ^= uint32_t{!goes_on} << i;
      }
      Lanes::Maps([&](size_t i) { return pool(lane[i]); }, map, lane_key, found, count);
      for (size_t i = 0; i < count; ++i) {
        answer[lane[i]] = std::min(answer[lane[i]], found[i]);
      }
    }
  }

  // The map that a line names besides another chain line; kNoRef: none.
  static RangeRef MapBeside(const uint32_t* line) noexcept {
    return line[kChainAnswerWord - 1] == (0xffffffffu ^ kRangeBias) ? line[kChainMapWord] : kNoRef;
  }

  // `ref` of every lane is known: a map or a chain line. Biased keys. `own`: answers so far, of
  // which the least counts.
  template <typename PoolOf>
  [[gnu::always_inline]] static inline void Nodes(const PoolOf& pool, RangeRef* ref,
                                                  const uint32_t* key, uint32_t* own,
                                                  uint32_t* answer, size_t n) noexcept {
    const auto asked = static_cast<uint32_t>((uint64_t{1} << n) - 1);
    const uint32_t chained = Simd::LanesOfKind(ref, kRangeKindUser, kRangeKindUser) & asked;
    if (chained == 0) {
      Lanes::Maps(pool, ref, key, answer, n);
    } else {
      alignas(kCacheLineBytes) RangeRef named[kChunk];
      std::copy(ref, ref + kChunk, named);
      ChainLines(pool, named, chained, key, own, n);
      const uint32_t longer = Lanes::Maps(pool, named, key, answer, n);
      if (longer != 0) {
        LongChains(pool, ref, longer, key, answer);
      }
    }
    for (size_t i = 0; i < n; ++i) {
      answer[i] = std::min(answer[i], own[i]);
    }
  }

  // The record's own answer; `ref` becomes what it names. Keys are biased, lows are not.
  static uint32_t TakeRecord(const NodeRecord& record, uint32_t key, RangeRef& ref) noexcept {
    ref = record.rest;
    return (key ^ kRangeBias) - record.low <= record.span ? record.answer : kNoMatch;
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
    uint32_t own[kChunk];
    if (view.records == nullptr) {
      std::fill(own, own + kChunk, kNoMatch);
    } else {
      for (size_t i = 0; i < n; ++i) {
        own[i] = TakeRecord(view.records[ref[i]], key[i], ref[i]);
      }
      for (size_t i = 0; i < n; ++i) {
        PrefetchRead(maps + (ref[i] >> kRangeKindBits));
      }
    }
    Nodes([maps](size_t) { return maps; }, ref, key, own, value_out, n);
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
    uint32_t own[kChunk];
    for (size_t i = 0; i < n; ++i) {
      const NodeRecord* records = view[i]->records;
      own[i] = records != nullptr ? TakeRecord(records[ref[i]], key[i], ref[i]) : kNoMatch;
    }
    Nodes([view](size_t i) { return view[i]->maps; }, ref, key, own, value_out, n);
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
