// Which instruction set the table kernels use. Detected once; main may lower it before the workers
// start (tests and instruction counting do). Reading is safe from any thread, ForceSimdLevel only
// before workers run.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

// Ordered: a machine that runs one level runs all below it. kAvx2 is the baseline of the build
// (x86-64-v3).
enum class SimdLevel : uint8_t { kScalar = 0, kAvx2 = 1, kAvx512 = 2 };

// The best level of this machine.
SimdLevel DetectSimdLevel();
// The level in use; DetectSimdLevel() until forced.
SimdLevel ActiveSimdLevel();
// Uses `level`, or the machine's best when that is lower; returns what is in use now. Not while
// workers run.
SimdLevel ForceSimdLevel(SimdLevel level);
// "scalar", "avx2", "avx512", or "auto" for the best of this machine; nothing for other words. A
// machine may not have the level.
std::optional<SimdLevel> SimdLevelNamed(std::string_view name);
// Whether direct maps are read with gathers; calibrated when kAvx512 is first chosen.
bool GathersInUse();

constexpr std::string_view SimdLevelName(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return "scalar";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kAvx512:
      return "avx512";
  }
  return "?";
}

}  // namespace sluice
