#include "tools/bench/simd_flag.h"

#include <optional>

#include "dataplane/table/simd.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"

namespace sluice {

bool TakeSimdFlag() {
  const std::optional<SimdLevel> wanted = SimdLevelNamed(FLAGS_simd);
  if (!wanted.has_value()) {
    UsageError("--simd=" + FLAGS_simd + " is none of auto, scalar, avx2, avx512");
    return false;
  }
  if (*wanted > DetectSimdLevel()) {
    UsageError("--simd=" + FLAGS_simd + ": this CPU has no more than " +
               std::string(SimdLevelName(DetectSimdLevel())));
    return false;
  }
  ForceSimdLevel(*wanted);
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
