// AVX2, the baseline of the build: two compares a node.
#include <immintrin.h>

#include "dataplane/table/kernel_lanes.h"

namespace sluice {
namespace {

struct Avx2 {
  static uint32_t Below(const uint32_t* line, uint32_t biased_key) noexcept {
    const __m256i key = _mm256_set1_epi32(static_cast<int32_t>(biased_key));
    const __m256i* half = reinterpret_cast<const __m256i*>(line);
    const __m256i low = _mm256_cmpgt_epi32(key, _mm256_load_si256(half));
    const __m256i high = _mm256_cmpgt_epi32(key, _mm256_load_si256(half + 1));
    const auto low_mask = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(low)));
    const auto high_mask = static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(high)));
    return low_mask | high_mask << 8;
  }
};

}  // namespace

const TableKernels kAvx2Kernels = KernelLanes<Avx2>::Table();

}  // namespace sluice
