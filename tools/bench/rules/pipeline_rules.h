// What rules cost in the whole pipeline: flows through a generated VPC whose ENIs have the list,
// with the session cache and without it, where every packet walks all stages. Main thread.
#pragma once

#include "absl/status/statusor.h"
#include "perf/workload/rule_set.h"
#include "tools/bench/contest_row.h"

namespace sluice {

// Two figures: "rules/<shape>/pipeline:<rules>/cache:on", unless --session_cache is off, and
// "cache:off". Empty, with the reason,
// where no configuration can hold the list. Flows and rounds as the flags of `forward` say.
absl::StatusOr<ContestRow> MeasurePipelineRules(const RuleSetOptions& set);

}  // namespace sluice
