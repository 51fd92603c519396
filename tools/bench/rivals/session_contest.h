// The session table alone beside rte_hash and a layout with keys in the lines: the same keys, a
// lookup and one line touched. Main thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "tools/bench/contest_row.h"

namespace sluice {

struct SessionContestOptions {
  uint32_t sessions = 0;
  uint32_t keys = 0;  // looked up in turn, uniform over all directions
  uint32_t round_keys = 0;
  uint32_t rounds = 0;
  uint32_t burst = 32;  // 1..64
  uint64_t seed = 1;
};

uint64_t SessionContestBytes(uint32_t sessions);
absl::StatusOr<ContestRow> MeasureSessions(const SessionContestOptions& options);

}  // namespace sluice
