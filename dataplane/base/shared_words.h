// Two 64-bit words that lie side by side, read or written at once although other threads write or
// read them: each word is whole, as an aligned vector move makes it (AMD64 Architecture
// Programmer's Manual 2, 7.3.2), the two need not be of one instant. Under ThreadSanitizer they are
// atomics. The compiler keeps the order of these moves; the processor does so by itself. Any
// thread.
#pragma once

#include <immintrin.h>

#include <atomic>
#include <cstdint>

namespace sluice {

namespace shared_words_internal {

inline std::atomic<uint64_t>* WordsAt(void* address) noexcept {
  return static_cast<std::atomic<uint64_t>*>(address);
}
inline const std::atomic<uint64_t>* WordsAt(const void* address) noexcept {
  return static_cast<const std::atomic<uint64_t>*>(address);
}

}  // namespace shared_words_internal

// Sixteen bytes at a multiple of sixteen. Loads acquire.
inline __m128i LoadShared(const void* words) noexcept {
#ifdef __SANITIZE_THREAD__
  const auto* both = shared_words_internal::WordsAt(words);
  return _mm_set_epi64x(static_cast<int64_t>(both[1].load(std::memory_order_acquire)),
                        static_cast<int64_t>(both[0].load(std::memory_order_acquire)));
#else
  const __m128i both = _mm_load_si128(static_cast<const __m128i*>(words));
  std::atomic_signal_fence(std::memory_order_acq_rel);
  return both;
#endif
}

// The lower or upper half of `pair` to a multiple of eight. Stores release.
inline void StoreSharedLow(void* word, __m128i pair) noexcept {
#ifdef __SANITIZE_THREAD__
  shared_words_internal::WordsAt(word)->store(static_cast<uint64_t>(_mm_cvtsi128_si64(pair)),
                                              std::memory_order_release);
#else
  std::atomic_signal_fence(std::memory_order_acq_rel);
  _mm_storel_epi64(static_cast<__m128i*>(word), pair);
#endif
}
inline void StoreSharedHigh(void* word, __m128i pair) noexcept {
#ifdef __SANITIZE_THREAD__
  StoreSharedLow(word, _mm_unpackhi_epi64(pair, pair));
#else
  std::atomic_signal_fence(std::memory_order_acq_rel);
  _mm_storeh_pd(static_cast<double*>(word), _mm_castsi128_pd(pair));
#endif
}

// Adds to both words at a multiple of sixteen. Of one writer: no read-modify-write.
inline void AddShared(void* words, __m128i more) noexcept {
#ifdef __SANITIZE_THREAD__
  const __m128i sum = _mm_add_epi64(LoadShared(words), more);
  StoreSharedLow(words, sum);
  StoreSharedHigh(shared_words_internal::WordsAt(words) + 1, sum);
#else
  auto* both = static_cast<__m128i*>(words);
  _mm_store_si128(both, _mm_add_epi64(_mm_load_si128(both), more));
#endif
}

}  // namespace sluice
