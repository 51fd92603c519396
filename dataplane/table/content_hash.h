// A fixed 64-bit hash of words, the same in every process, for sharing equal compiled objects.
// Never for tables that a tenant can flood (address_map.h has a keyed one); a collision here costs
// one comparison.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

__extension__ using Uint128 = unsigned __int128;

inline uint64_t HashStep(uint64_t state, uint64_t word) {
  const Uint128 product = static_cast<Uint128>(state ^ word) * 0x9e3779b97f4a7c15ull;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^
         (state << 23 | state >> 41);
}

// Two words a step, and two chains of steps that do not wait for each other.
inline uint64_t HashWords(const uint32_t* words, size_t count, uint64_t seed) {
  constexpr uint64_t kSalt = 0x632be59bd9b4e019;
  uint64_t even = HashStep(seed, count);
  uint64_t odd = kSalt;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    even = HashStep(even, (uint64_t{words[i]} << 32 | words[i + 1]) + kSalt);
    odd = HashStep(odd, (uint64_t{words[i + 2]} << 32 | words[i + 3]) + kSalt);
  }
  for (; i < count; ++i) {
    even = HashStep(even, words[i] + kSalt);
  }
  return HashStep(even, odd);
}

}  // namespace sluice
