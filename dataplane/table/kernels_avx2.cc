// AVX2, the baseline of the build: two compares a node.
#include <immintrin.h>

#include "dataplane/table/kernel_lanes.h"

namespace sluice {
namespace {

struct Avx2 {
  static constexpr bool kGathers = false;
  static uint32_t Below(const uint32_t* line, uint32_t biased_key) noexcept {
    const __m256i key = _mm256_set1_epi32(static_cast<int32_t>(biased_key));
    const __m256i* half = reinterpret_cast<const __m256i*>(line);
    const __m256i low = _mm256_cmpgt_epi32(key, _mm256_load_si256(half));
    const __m256i high = _mm256_cmpgt_epi32(key, _mm256_load_si256(half + 1));
    const auto low_mask = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(low)));
    const auto high_mask = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(high)));
    return low_mask | high_mask << 8;
  }

  static void RankAll(const uint32_t* ends, size_t end_count, const uint32_t* key, size_t n,
                      uint32_t* rank) noexcept {
    for (size_t eight = 0; eight < (n + 7) / 8; ++eight) {
      const __m256i keys = _mm256_load_si256(reinterpret_cast<const __m256i*>(key) + eight);
      __m256i ranks = _mm256_setzero_si256();
      for (size_t i = 0; i < end_count; ++i) {
        const __m256i end = _mm256_set1_epi32(static_cast<int32_t>(ends[i]));
        ranks = _mm256_sub_epi32(ranks, _mm256_cmpgt_epi32(keys, end));
      }
      _mm256_store_si256(reinterpret_cast<__m256i*>(rank) + eight, ranks);
    }
  }

  static uint32_t LanesOfKind(const RangeRef* ref, uint32_t least, uint32_t most) noexcept {
    const __m256i below = _mm256_set1_epi32(static_cast<int32_t>(least) - 1);
    const __m256i above = _mm256_set1_epi32(static_cast<int32_t>(most) + 1);
    uint32_t lanes = 0;
    for (size_t eight = 0; eight < 4; ++eight) {
      const __m256i kinds =
          _mm256_and_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(ref) + eight),
                           _mm256_set1_epi32(kRangeKindMask));
      const __m256i inside =
          _mm256_and_si256(_mm256_cmpgt_epi32(kinds, below), _mm256_cmpgt_epi32(above, kinds));
      lanes |= static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(inside))) << 8 * eight;
    }
    return lanes;
  }
};

}  // namespace

const TableKernels kAvx2Kernels = KernelLanes<Avx2>::Table();

}  // namespace sluice
