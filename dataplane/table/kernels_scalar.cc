// Without intrinsics: for instruction counting and as the plainest form of the batch.
#include "dataplane/table/kernel_lanes.h"

namespace sluice {
namespace {

struct Scalar {
  static constexpr bool kGathers = false;
  static uint32_t Below(const uint32_t* line, uint32_t biased_key) noexcept {
    uint32_t mask = 0;
    for (uint32_t i = 0; i < 16; ++i) {
      mask |= uint32_t{static_cast<int32_t>(line[i]) < static_cast<int32_t>(biased_key)} << i;
    }
    return mask;
  }

  static void RankAll(const uint32_t* ends, size_t end_count, const uint32_t* key, size_t n,
                      uint32_t* rank) noexcept {
    for (size_t lane = 0; lane < n; ++lane) {
      rank[lane] = 0;
      for (size_t i = 0; i < end_count; ++i) {
        rank[lane] += static_cast<int32_t>(ends[i]) < static_cast<int32_t>(key[lane]) ? 1 : 0;
      }
    }
  }

  static uint32_t LanesOfKind(const RangeRef* ref, uint32_t least, uint32_t most) noexcept {
    uint32_t lanes = 0;
    for (size_t i = 0; i < 32; ++i) {
      const uint32_t kind = ref[i] & kRangeKindMask;
      lanes |= uint32_t{kind >= least && kind <= most} << i;
    }
    return lanes;
  }
};

}  // namespace

const TableKernels kScalarKernels = KernelLanes<Scalar>::Table();

}  // namespace sluice
