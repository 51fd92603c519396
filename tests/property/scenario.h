// A scenario: configurations, and steps of time, frames and configuration changes. It is run
// through the real pipeline and through the reference world, which share no code; any difference in
// verdict, reason, rule or bytes is a defect of one of them. Scenarios are generated from a seed
// and shrink to a small counterexample, or are written by hand with what must come out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/intent/validated_intent.h"
#include "tests/property/frame_maker.h"
#include "tests/property/packet_class.h"
#include "tests/property/pipeline_run.h"

namespace sluice::testing {

struct Config {
  std::string json;
  std::shared_ptr<const ValidatedIntent> intent;
};

struct Step {
  int64_t time_ns = 0;
  int apply = -1;  // >= 0: replace the configuration by Scenario::configs[apply]; else a frame
  std::string port;
  Frame frame;
  PacketClass kind = PacketClass::kFresh;
  std::string
      expected;  // by hand: "forward", "consume arp_reply", "drop no_route"; empty: anything
};

struct Scenario {
  std::vector<Config> configs;  // the first is the one it starts with
  std::vector<Step> steps;
  uint64_t seed = 0;
};

// False, and nothing added, when the configuration is not valid.
bool AddConfig(Scenario& scenario, const std::string& json);

struct Mismatch {
  size_t step = 0;
  std::string what;  // expected and observed
};

// A generated scenario, and what the pipeline made of it packet by packet.
struct Generated {
  Scenario scenario;
  PipelineRun run;
};

// Steps generated against the running pipeline, so that answers to what it sent are among them. No
// steps when the seed's configuration is not valid.
Generated GenerateScenario(uint64_t seed, size_t step_count);

PipelineRun RunPipeline(const Scenario& scenario, const PipelineOptions& options);

// The reference world's judgement of a whole run. nullopt: it agrees on every step, and the
// invariants hold.
std::optional<Mismatch> JudgeRun(const Scenario& scenario, const PipelineRun& run);
inline std::optional<Mismatch> RunScenario(const Scenario& scenario,
                                           const PipelineOptions& options) {
  return JudgeRun(scenario, RunPipeline(scenario, options));
}

// What two runs of the same scenario tell differently, or remember differently at the end. Without
// its session cache a pipeline remembers more: a hit does not ask whether it acknowledges a FIN.
std::optional<Mismatch> CompareRuns(const PipelineRun& expected, const PipelineRun& observed);

// A smaller scenario that still disagrees.
Scenario Shrink(Scenario scenario, const PipelineOptions& options);

// Configuration, frames and what the pipeline made of them as text for a person.
std::string Describe(const Scenario& scenario, const PipelineRun& run);

}  // namespace sluice::testing
