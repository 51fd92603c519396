// What kernel_lanes.h asks of AVX-512, shared by its two variants. `Owner` is the variant, so that
// each file has code of its own. Included by kernels_*.cc only.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "dataplane/table/range_map.h"

namespace sluice {

template <class Owner>
struct Avx512Ranks {
  static uint32_t Below(const uint32_t* line, uint32_t biased_key) noexcept {
    const __m512i key = _mm512_set1_epi32(static_cast<int32_t>(biased_key));
    return _mm512_cmpgt_epi32_mask(key, _mm512_load_si512(line));
  }

  static void RankAll(const uint32_t* ends, size_t end_count, const uint32_t* key, size_t,
                      uint32_t* rank) noexcept {
    const __m512i low = _mm512_load_si512(key);
    const __m512i high = _mm512_load_si512(key + 16);
    const __m512i one = _mm512_set1_epi32(1);
    __m512i low_rank = _mm512_setzero_si512();
    __m512i high_rank = _mm512_setzero_si512();
    for (size_t i = 0; i < end_count; ++i) {
      const __m512i end = _mm512_set1_epi32(static_cast<int32_t>(ends[i]));
      low_rank = _mm512_mask_add_epi32(low_rank, _mm512_cmpgt_epi32_mask(low, end), low_rank, one);
      high_rank =
          _mm512_mask_add_epi32(high_rank, _mm512_cmpgt_epi32_mask(high, end), high_rank, one);
    }
    _mm512_store_si512(rank, low_rank);
    _mm512_store_si512(rank + 16, high_rank);
  }

  static uint32_t LanesOfKind(const uint32_t* ref, uint32_t least, uint32_t most) noexcept {
    const __m512i kinds = _mm512_set1_epi32(kRangeKindMask);
    const __m512i low = _mm512_and_si512(_mm512_load_si512(ref), kinds);
    const __m512i high = _mm512_and_si512(_mm512_load_si512(ref + 16), kinds);
    const __m512i first = _mm512_set1_epi32(static_cast<int32_t>(least));
    const __m512i last = _mm512_set1_epi32(static_cast<int32_t>(most));
    const uint32_t low_mask =
        _mm512_cmple_epi32_mask(low, last) & _mm512_cmpge_epi32_mask(low, first);
    const uint32_t high_mask =
        _mm512_cmple_epi32_mask(high, last) & _mm512_cmpge_epi32_mask(high, first);
    return low_mask | high_mask << 16;
  }
};

}  // namespace sluice
