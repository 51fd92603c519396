// Sets of the packets of a run, one bit each: what the eight-lane kernels say and pass on.
#pragma once

#include <bit>
#include <cstdint>

namespace sluice {

inline constexpr uint32_t kMaxRun = 64;  // packets of a run at most, one bit each

using LaneBits = uint64_t;

// i < kMaxRun.
constexpr LaneBits BitOf(uint32_t i) noexcept {
  return LaneBits{1} << i;
}

// The lowest `count` bits; count <= kMaxRun.
constexpr LaneBits AllOf(uint32_t count) noexcept {
  return count == kMaxRun ? ~LaneBits{0} : BitOf(count) - 1;
}

// Calls visit(i) for the bits of `which`, rising.
template <typename Visit>
void ForBits(LaneBits which, Visit visit) noexcept {
  for (; which != 0; which &= which - 1) {
    visit(static_cast<uint32_t>(std::countr_zero(which)));
  }
}

}  // namespace sluice
