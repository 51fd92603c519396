// Plain forwarding: the product's stages that route and rewrite, without sessions and without
// firewalls: parse, sender, route, next hop, rewrite. Main thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "tools/bench/contest_row.h"

namespace sluice {

struct PlainOptions {
  uint32_t destinations = 0;  // drawn uniformly; one packet each, in turn
  uint32_t round_packets = 0;
  uint32_t rounds = 0;
  uint32_t burst = 32;
  uint64_t seed = 1;
};

// One figure, "plain/destinations:N": the stages with the source taken off. Before, the frames of
// sampled packets are compared with what the whole pipeline makes of them.
absl::StatusOr<ContestRow> MeasurePlain(const PlainOptions& options);

}  // namespace sluice
