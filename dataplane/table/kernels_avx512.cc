// AVX-512: one compare a node, the count comes from the mask register. No gathers: they are slow on
// AMD parts.
#include <immintrin.h>

#include "dataplane/table/kernel_lanes.h"

namespace sluice {
namespace {

struct Avx512 {
  static uint32_t Below(const uint32_t* line, uint32_t biased_key) noexcept {
    const __m512i key = _mm512_set1_epi32(static_cast<int32_t>(biased_key));
    return _mm512_cmpgt_epi32_mask(key, _mm512_load_si512(line));
  }
};

}  // namespace

const TableKernels kAvx512Kernels = KernelLanes<Avx512>::Table();

}  // namespace sluice
