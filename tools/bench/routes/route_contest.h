// Route tables against their size: one table beside the rivals with the same routes and keys, many
// small tables, and the addresses of VPCs. Main thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "tools/bench/contest_row.h"

namespace sluice {

struct RouteBenchOptions {
  uint32_t keys = 0;  // looked up in turn
  uint32_t round_keys = 0;
  uint32_t rounds = 0;
  uint32_t burst = 32;
  uint64_t seed = 1;
  uint32_t max_lpm_routes = 0;  // rte_lpm sits out above
};

// Bytes that a row with so many routes takes, rivals included.
uint64_t RouteRowBytes(uint32_t routes, const RouteBenchOptions& options);
absl::StatusOr<ContestRow> MeasureRoutes(uint32_t routes, const RouteBenchOptions& options);

// `tables` tables of `routes` routes each; every key asks another one.
absl::StatusOr<ContestRow> MeasureTables(uint32_t tables, uint32_t routes,
                                         const RouteBenchOptions& options);
// `addresses` of as many VPCs as have 100 each: who has this address?
absl::StatusOr<ContestRow> MeasureAddresses(uint32_t addresses, const RouteBenchOptions& options);

}  // namespace sluice
