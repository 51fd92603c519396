#include "tools/bench/simd_flag.h"

#include <optional>

#include "dataplane/table/simd.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"

namespace sluice {

bool TakeSimdFlag() {
  std::optional<SimdLevel> wanted;
  if (!OneOf<std::optional<SimdLevel>>("simd", FLAGS_simd,
                                       {{"auto", std::nullopt},
                                        {"scalar", SimdLevel::kScalar},
                                        {"avx2", SimdLevel::kAvx2},
                                        {"avx512", SimdLevel::kAvx512}},
                                       wanted)) {
    return false;
  }
  if (wanted > DetectSimdLevel()) {
    UsageError("--simd=" + FLAGS_simd + ": this CPU has no more than " +
               std::string(SimdLevelName(DetectSimdLevel())));
    return false;
  }
  if (wanted.has_value()) {
    ForceSimdLevel(*wanted);
  }
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
