// Small steps that the parts of the short walk share. Worker threads.
#pragma once

#include <bit>
#include <cstddef>

#include "dataplane/base/eight.h"
#include "dataplane/stage/short_walk.h"
#include "dataplane/table/address_map.h"

namespace sluice {

inline const InterfaceRow& RowOf(const Snapshot& snapshot, InterfaceIdx interface) noexcept {
  return snapshot.interfaces[interface.index()];
}

// Groups are asked at ENIs that have some.
inline bool HasGroups(const InterfaceRow& row) noexcept {
  return row.kind == InterfaceRowKind::kEni && row.group_set != kNoTable;
}

// The bits of those walks for which condition(at), of the eight from `at` on, holds.
template <typename Condition>
[[gnu::always_inline]] inline LaneBits WhereTrue(const ShortWalks& walks,
                                                 Condition condition) noexcept {
  LaneBits which = 0;
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    which |= MaskOf(condition(at)) << at;
  }
  return which & AllOf(walks.count);
}

// The condition whose bits of eight places stand in `which` from bit `at` on.
inline __m256i Places(LaneBits which, uint32_t at) noexcept {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return Equal(_mm256_and_si256(All(static_cast<uint32_t>(which >> at)), bits), bits);
}

inline __m256i EightOf(const ShortWalks::Words& words, uint32_t at) noexcept {
  return Load(&words[at]);
}
inline void SetEight(ShortWalks::Words& words, uint32_t at, __m256i values) noexcept {
  Store(&words[at], values);
}
// Of those places only where `condition` holds.
inline void SetEightWhere(ShortWalks::Words& words, uint32_t at, __m256i condition,
                          __m256i values) noexcept {
  Store(&words[at], Select(condition, values, Load(&words[at])));
}

// Columns of ports.
inline __m256i EightHalves(const std::array<uint16_t, kFindBatch>& column, uint32_t at) noexcept {
  return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(&column[at])));
}
inline void SetEightHalves(std::array<uint16_t, kFindBatch>& column, uint32_t at,
                           __m256i values) noexcept {
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(&column[at]),
      _mm_packus_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1)));
}

inline __m256i And(__m256i a, __m256i b) noexcept {
  return _mm256_and_si256(a, b);
}
inline __m256i Or(__m256i a, __m256i b) noexcept {
  return _mm256_or_si256(a, b);
}
// a, and not b.
inline __m256i Without(__m256i a, __m256i b) noexcept {
  return _mm256_andnot_si256(b, a);
}
// All ones where a bit of `mask` is set.
inline __m256i HasAny(__m256i words, uint32_t mask) noexcept {
  return Without(All(~0u), Equal(Bits(words, mask), All(0)));
}

// Numbers of elements of an array, made such that each may be read.
inline __m256i Within(__m256i numbers, size_t size) noexcept {
  return _mm256_min_epu32(numbers, All(static_cast<uint32_t>(size) - 1));
}

// What the rows of eight interfaces say.
[[gnu::always_inline]] inline void ReadSide(const Snapshot& snapshot, __m256i interfaces,
                                            uint32_t at, ShortWalks::Side& side) noexcept {
  static_assert(offsetof(InterfaceRow, flags) == 2 && offsetof(InterfaceRow, vpc) == 8 &&
                offsetof(InterfaceRow, subnet) == 12 && offsetof(InterfaceRow, group_set) == 36 &&
                offsetof(InterfaceRow, nat) == 40);
  const InterfaceRow* row[kEight];
  StoreAddresses(snapshot.interfaces.data(), Within(interfaces, snapshot.interfaces.size()), row);
  const auto load = [&](size_t offset) {
    return LoadFourWords([&](int i) {
      return _mm_loadu_si128(
          reinterpret_cast<const __m128i*>(reinterpret_cast<const uint8_t*>(row[i]) + offset));
    });
  };
  const FourWords front = load(0);
  const FourWords back = load(offsetof(InterfaceRow, group_egress));
  SetEight(side.kind, at, Bits(front.word[0], 0xff));
  SetEight(side.flags, at, _mm256_srli_epi32(front.word[0], 16));
  SetEight(side.vpc, at, front.word[2]);
  SetEight(side.subnet, at, front.word[3]);
  SetEight(side.fib, at, LoadWords([&](int i) { return row[i]->fib; }));
  SetEight(side.group_set, at, back.word[1]);
  SetEight(side.nat, at, back.word[2]);
}
inline __m256i IsKind(const ShortWalks::Side& side, uint32_t at, InterfaceRowKind kind) noexcept {
  return Equal(EightOf(side.kind, at), All(static_cast<uint32_t>(kind)));
}

// Asks a table for the walks of `which` and puts their answers into their places: ask(first, count)
// where they are neighbours; otherwise pack(place, i) makes them neighbours, ask_packed(count)
// asks, and unpack(i, place) brings the answers back.
template <typename Ask, typename Pack, typename AskPacked, typename Unpack>
[[gnu::always_inline]] inline void AskFor(LaneBits which, Ask ask, Pack pack, AskPacked ask_packed,
                                          Unpack unpack) noexcept {
  if (which == 0) {
    return;
  }
  const auto first = static_cast<uint32_t>(std::countr_zero(which));
  const auto count = static_cast<uint32_t>(std::popcount(which));
  if (which >> first == AllOf(count)) {
    ask(first, count);
    return;
  }
  uint32_t packed = 0;
  ForBits(which, [&](uint32_t place) { pack(place, packed++); });
  ask_packed(count);
  packed = 0;
  ForBits(which, [&](uint32_t place) { unpack(packed++, place); });
}

}  // namespace sluice
