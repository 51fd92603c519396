// P5 of reliability.md B.0: a dropped packet changes no state. The same scenario without the
// packets that were dropped must tell the same of all the others.
//
// Fragments stay: the fragment cache may remember a dropped one (decision 13). Free to differ are
// the IP identification of what the router itself sends and answers that a rate limit may withhold.
#pragma once

#include <optional>

#include "tests/property/scenario.h"

namespace sluice::testing {

// `run` is what the pipeline told of the scenario. nullopt: P5 holds.
std::optional<Mismatch> FindStateOfDropped(const Scenario& scenario, const PipelineRun& run,
                                           const PipelineOptions& options);

}  // namespace sluice::testing
