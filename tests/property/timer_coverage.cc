#include "tests/property/timer_coverage.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace sluice::testing {
namespace {

constexpr const char* kTimers = "ConnectionTrackingConfiguration";

// No steps: no interface has timers of its own.
Scenario WithDefaultTimers(const Scenario& scenario) {
  Scenario plain;
  plain.seed = scenario.seed;
  bool has_timers = false;
  for (const Config& config : scenario.configs) {
    nlohmann::json json = nlohmann::json::parse(config.json);
    for (nlohmann::json& eni : json["NetworkInterfaces"]) {
      has_timers = eni.erase(kTimers) != 0 || has_timers;
    }
    if (!AddConfig(plain, json.dump())) {
      return plain;
    }
  }
  if (has_timers) {
    plain.steps = scenario.steps;
  }
  return plain;
}

}  // namespace

void TimerCoverage::Count(const Scenario& scenario, const PipelineRun& run) {
  const Scenario plain = WithDefaultTimers(scenario);
  if (plain.steps.empty()) {
    return;
  }
  ++scenarios_;
  const PipelineRun other = RunPipeline(plain, {});
  for (size_t i = 0; i < plain.steps.size(); ++i) {
    if (run.told[i] == other.told[i]) {
      continue;
    }
    const bool passes = run.told[i].verdict == Verdict::kForward;
    const bool passes_otherwise = other.told[i].verdict == Verdict::kForward;
    kept_ += passes && !passes_otherwise ? 1 : 0;
    ended_ += !passes && passes_otherwise ? 1 : 0;
    otherwise_ += passes == passes_otherwise ? 1 : 0;
    return;  // what follows can differ because of it
  }
}

void TimerCoverage::Print() const {
  std::printf(
      "[ timers   ] of %llu scenarios with timers of interfaces: %llu decided to keep a"
      " flow, %llu to end one, %llu otherwise\n",
      static_cast<unsigned long long>(scenarios_), static_cast<unsigned long long>(kept_),
      static_cast<unsigned long long>(ended_), static_cast<unsigned long long>(otherwise_));
}

std::vector<std::string> TimerCoverage::Missing() const {
  std::vector<std::string> missing;
  if (kept_ == 0) {
    missing.emplace_back("timers of an interface: a flow remembered for longer");
  }
  if (ended_ == 0) {
    missing.emplace_back("timers of an interface: a flow forgotten sooner");
  }
  return missing;
}

}  // namespace sluice::testing
