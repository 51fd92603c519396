// What rules cost in the whole pipeline: flows through a generated VPC whose ENIs have the list,
// with the session cache and without it, where every packet walks all stages. Main thread.
#pragma once

#include "absl/status/statusor.h"
#include "perf/workload/rule_set.h"
#include "tools/bench/contest_row.h"
#include "tools/bench/forward_request.h"

namespace sluice {

// Bytes that a row takes at most: the generated configuration as text and loaded, and its tables
// twice; without flows.
uint64_t PipelineRuleBytes(const RuleSetOptions& set);

// Two figures: "rules/<shape>/pipeline:<rules>/cache:on", unless --session_cache is off, and
// "cache:off"; with "/acls:<lists>" before the last part where one network ACL cannot hold the
// rules. Empty, with the reason, where no configuration can. Flows, as many as `request` has, go to
// addresses and ports drawn over the rules; those of groups are not tracked.
absl::StatusOr<ContestRow> MeasurePipelineRules(const RuleSetOptions& set, ForwardRequest request);

}  // namespace sluice
