// The random numbers that keep tenants from choosing hash collisions and from guessing NAT ports
// and IP identifications. Main thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "dataplane/session/session_hash.h"

namespace sluice {

struct Secrets {
  HashSecret sessions;         // session table, fragment caches, accounting
  uint64_t tables = 0;         // CompileOptions::hash_seed
  uint64_t random_stream = 0;  // NAT ports and IP identifications
};

// From the system's random source (getrandom). Unavailable when it has none.
absl::StatusOr<Secrets> DrawSecrets();
// From a seed: the same every time, so not secret at all. For tests and measurements.
Secrets SecretsFromSeed(uint64_t seed);

}  // namespace sluice
