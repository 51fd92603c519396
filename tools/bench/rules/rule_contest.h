// The classifier alone: one list of rules beside rte_acl and a linear scan with the same rules and
// packets. Main thread.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "perf/workload/rule_set.h"
#include "tools/bench/contest_row.h"

namespace sluice {

struct RuleBenchOptions {
  RuleSetOptions set;
  uint32_t burst = 32;
  uint32_t packets = 0;  // drawn in advance, then repeated
  uint32_t round_packets = 0;
  uint32_t rounds = 0;
  uint64_t max_acl_rules = 0;  // rte_acl sits out above, counting a prefix each
};

// Bytes that a row takes at most, rivals included.
uint64_t RuleRowBytes(const RuleBenchOptions& options);
absl::StatusOr<ContestRow> MeasureRules(const RuleBenchOptions& options);

}  // namespace sluice
