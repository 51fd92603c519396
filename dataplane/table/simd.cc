#include "dataplane/table/simd.h"

#include "dataplane/table/kernels.h"
#include "dataplane/table/simd_calibration.h"

namespace sluice {
namespace {

const TableKernels* KernelsOf(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return &kScalarKernels;
    case SimdLevel::kAvx2:
      return &kAvx2Kernels;
    case SimdLevel::kAvx512: {
      static const bool gathers = GathersAreFaster();
      return gathers ? &kGatherKernels : &kAvx512Kernels;
    }
  }
  return &kAvx2Kernels;
}

// Written before workers start, read by all afterwards.
SimdLevel active_level = DetectSimdLevel();
const TableKernels* active_kernels = KernelsOf(active_level);

}  // namespace

SimdLevel DetectSimdLevel() {
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return avx512 ? SimdLevel::kAvx512 : SimdLevel::kAvx2;
}

SimdLevel ActiveSimdLevel() {
  return active_level;
}

SimdLevel ForceSimdLevel(SimdLevel level) {
  const SimdLevel best = DetectSimdLevel();
  active_level = level < best ? level : best;
  active_kernels = KernelsOf(active_level);
  return active_level;
}

std::optional<SimdLevel> SimdLevelNamed(std::string_view name) {
  for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (name == SimdLevelName(level)) {
      return level;
    }
  }
  return name == "auto" ? std::optional(DetectSimdLevel()) : std::nullopt;
}

bool GathersInUse() {
  return active_kernels == &kGatherKernels;
}

const TableKernels& ActiveKernels() noexcept {
  return *active_kernels;
}

}  // namespace sluice
