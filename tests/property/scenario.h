// A scenario: configurations, and steps of time, frames and configuration changes. It is run
// through the real pipeline and through the reference world, which share no code; any difference in
// verdict, reason, rule or bytes is a defect of one of them. Scenarios are generated from a seed
// and shrink to a small counterexample.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/property/frame_maker.h"

namespace sluice::testing {

struct Step {
  int64_t time_ns = 0;
  int apply = -1;  // >= 0: replace the configuration by Scenario::configs[apply]; else a frame
  std::string port;
  Frame frame;
};

struct Scenario {
  std::vector<std::string> configs;  // JSON; the first is the one it starts with
  std::vector<Step> steps;
  uint64_t seed = 0;
};

struct RunOptions {
  uint32_t batch_capacity = 1;
  bool session_cache = true;
};

struct Mismatch {
  size_t step = 0;
  std::string what;  // expected and observed
};

// Steps generated against the running pipeline, so that answers to what it sent are among them.
Scenario GenerateScenario(uint64_t seed, size_t step_count);

// nullopt: pipeline and reference world agree on every step, and the invariants hold.
std::optional<Mismatch> RunScenario(const Scenario& scenario, const RunOptions& options);

// A smaller scenario that still disagrees.
Scenario Shrink(Scenario scenario, const RunOptions& options);

// Configuration and frames as text for a person.
std::string Describe(const Scenario& scenario);

}  // namespace sluice::testing
