// Eight packets at a time: AVX2 vectors that hold one 32-bit word of each, in the byte order of
// memory unless said. Every build has AVX2 (root meson.build).
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "dataplane/base/lane_bits.h"

namespace sluice {

inline constexpr uint32_t kEight = 8;

// Sixteen bytes of eight packets, as four words of each.
struct FourWords {
  __m256i word[4];
};

inline __m256i Pair(__m128i low, __m128i high) noexcept {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

// From rows of two packets each, i and i + 4, to one vector a word. Its own inverse.
inline FourWords Transpose(const __m256i (&row)[4]) noexcept {
  const __m256i a = _mm256_unpacklo_epi32(row[0], row[1]);
  const __m256i b = _mm256_unpacklo_epi32(row[2], row[3]);
  const __m256i c = _mm256_unpackhi_epi32(row[0], row[1]);
  const __m256i d = _mm256_unpackhi_epi32(row[2], row[3]);
  return {{_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b), _mm256_unpacklo_epi64(c, d),
           _mm256_unpackhi_epi64(c, d)}};
}

// load(i): sixteen bytes of the i-th packet.
template <typename Load>
[[gnu::always_inline]] inline FourWords LoadFourWords(Load load) noexcept {
  const __m256i row[4] = {Pair(load(0), load(4)), Pair(load(1), load(5)), Pair(load(2), load(6)),
                          Pair(load(3), load(7))};
  return Transpose(row);
}

// value(i): a word of the i-th packet.
template <typename Value>
[[gnu::always_inline]] inline __m256i LoadWords(Value value) noexcept {
  const auto word = [&](int i) { return static_cast<int>(value(i)); };
  return _mm256_setr_epi32(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7));
}

inline __m256i All(uint32_t value) noexcept {
  return _mm256_set1_epi32(static_cast<int>(value));
}

// Each word between host order and big-endian.
inline __m256i Swap(__m256i words) noexcept {
  const __m256i order = _mm256_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,  //
                                         3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  return _mm256_shuffle_epi8(words, order);
}

// Conditions are all ones or zero. Both sides below 2^31.
inline __m256i AtMost(__m256i a, __m256i b) noexcept {
  return _mm256_xor_si256(_mm256_cmpgt_epi32(a, b), All(~0u));
}
inline __m256i Equal(__m256i a, __m256i b) noexcept {
  return _mm256_cmpeq_epi32(a, b);
}
inline __m256i Bits(__m256i words, uint32_t mask) noexcept {
  return _mm256_and_si256(words, All(mask));
}
// All ones where the bit is set.
template <int kBit>
__m256i HasBit(__m256i words) noexcept {
  return _mm256_srai_epi32(_mm256_slli_epi32(words, 31 - kBit), 31);
}
inline __m256i Select(__m256i condition, __m256i yes, __m256i no) noexcept {
  return _mm256_blendv_epi8(no, yes, condition);
}
// Bit i: the i-th condition.
inline LaneBits MaskOf(__m256i condition) noexcept {
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(condition)));
}

// A one's complement sum of less than 2^32, folded once.
inline __m256i Fold(__m256i sums) noexcept {
  return _mm256_add_epi32(Bits(sums, 0xffff), _mm256_srli_epi32(sums, 16));
}

// `to` and `from` are aligned like any number; where they are to 32 bytes, it costs nothing.
inline void Store(uint32_t* to, __m256i words) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
}
template <typename T>
void StoreHalves(__m256i both, T* low, T* high) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(low), _mm256_castsi256_si128(both));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(high), _mm256_extracti128_si256(both, 1));
}
// The even words of two vectors, half by half.
inline __m256i EvenWords(__m256i a, __m256i b) noexcept {
  return _mm256_castps_si256(
      _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0b10001000));
}
// The first `count` of eight to where any number may stand.
inline void StoreFirst(uint32_t count, __m256i words, uint32_t* to) noexcept {
  if (count == kEight) [[likely]] {
    Store(to, words);
    return;
  }
  alignas(32) uint32_t all[kEight];
  Store(all, words);
  std::copy_n(all, count, to);
}
inline __m256i Load(const uint32_t* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// The addresses of eight elements of an array, by their numbers.
template <typename T>
void StoreAddresses(T* array, __m256i numbers, T* (&addresses)[kEight]) noexcept {
  static_assert(std::has_single_bit(sizeof(T)) && sizeof(T*) == sizeof(int64_t));
  constexpr int kShift = std::countr_zero(sizeof(T));
  const __m256i base = _mm256_set1_epi64x(reinterpret_cast<int64_t>(array));
  const auto store = [&](int at, __m128i four) {
    const __m256i offsets = _mm256_slli_epi64(_mm256_cvtepu32_epi64(four), kShift);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(addresses + at),
                        _mm256_add_epi64(base, offsets));
  };
  store(0, _mm256_castsi256_si128(numbers));
  store(4, _mm256_extracti128_si256(numbers, 1));
}

}  // namespace sluice
