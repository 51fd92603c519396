#include "tools/bench/simd_flag.h"

#include "control/daemon/options.h"
#include "dataplane/table/simd.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"

namespace sluice {

bool TakeSimdFlag() {
  const absl::StatusOr<SimdLevel> level = ParseSimdLevel(FLAGS_simd);
  if (!level.ok()) {
    UsageError(std::string(level.status().message()));
    return false;
  }
  ForceSimdLevel(*level);
  return true;
}

HashKind HashOfSimdFlag() {
  return FLAGS_simd == "scalar" ? HashKind::kFold : HashKind::kAuto;
}

std::string SimdInUse() {
  return std::string(SimdLevelName(ActiveSimdLevel())) + (GathersInUse() ? " with gathers" : "") +
         (HashOfSimdFlag() == HashKind::kAuto && CpuHasAes() ? ", AES hash" : ", fold hash");
}

}  // namespace sluice
