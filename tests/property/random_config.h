// Random configurations, small and dense, so that random packets meet every rule: few addresses,
// few ports, VPCs with overlapping CIDRs, every kind of gateway. Deterministic in the seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace sluice::testing {

using Random = std::mt19937_64;

// A number in [0, n); n > 0. True with `percent` in a hundred.
inline uint32_t Below(Random& random, uint32_t n) {
  return static_cast<uint32_t>(random() % n);
}
inline bool Chance(Random& random, uint32_t percent) {
  return Below(random, 100) < percent;
}

// A whole configuration as JSON text.
std::string RandomConfig(uint64_t seed);
// The same configuration with a few rules or routes changed; ids and addresses stay.
std::string ChangedConfig(const std::string& config, uint64_t seed);

}  // namespace sluice::testing
