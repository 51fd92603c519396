// Decision 15: a packet's fate depends on the order of packets, never on where bursts begin and
// end. Random configurations x generated traffic (answers, ICMP errors, NAT gateways), some of it
// in fragments out of order, most or all of it at one instant; run with bursts of 1, 2, 7, 32, 65
// (a run and one) and 256 and compared byte for byte. SLUICE_TEST_SEED and SLUICE_TEST_SCENARIOS
// choose the run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/property/random_config.h"
#include "tests/property/scenario.h"

namespace sluice::testing {
namespace {

constexpr size_t kStepsAScenario = 400;
constexpr uint32_t kCapacities[] = {2, 7, 32, 65, 256};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

bool IsWholeIpv4(const Frame& frame) {
  return frame.size() > 60 && frame[12] == 0x08 && frame[13] == 0 && (frame[20] & 0x3f) == 0 &&
         frame[21] == 0;
}

// The step's packet in pieces, the first not always first, now and then one missing.
std::vector<Step> CutUp(const Step& step, Random& random) {
  std::vector<Step> steps;
  for (const Frame& piece : InPieces(step.frame, 24)) {
    steps.push_back(step);
    steps.back().frame = piece;
  }
  std::shuffle(steps.begin(), steps.end(), random);
  if (steps.size() > 1 && Chance(random, 10)) {
    steps.pop_back();
  }
  return steps;
}

// What was generated, denser: an instant takes in all that follow until one is `apart_percent` of
// the time allowed to begin; 0: everything happens at once. `configuration_changes`: they stay in.
Scenario Condensed(const Scenario& generated, uint64_t seed, uint32_t apart_percent,
                   bool configuration_changes) {
  Random random(seed);
  Scenario dense;
  dense.configs = generated.configs;
  dense.seed = generated.seed;
  int64_t now_ns = generated.steps.front().time_ns;
  for (const Step& step : generated.steps) {
    now_ns = Chance(random, apart_percent) ? step.time_ns : now_ns;
    if (step.apply >= 0 && !configuration_changes) {
      continue;
    }
    std::vector<Step> now = {step};
    if (step.apply < 0 && IsWholeIpv4(step.frame) && Chance(random, 15)) {
      now = CutUp(step, random);
    }
    for (Step& each : now) {
      each.time_ns = now_ns;
      dense.steps.push_back(std::move(each));
    }
    if (step.apply < 0 && Chance(random, 10)) {  // once more, at once
      dense.steps.push_back(dense.steps.back());
    }
  }
  return dense;
}

// The first difference between bursts of one packet and longer ones.
std::optional<Mismatch> FindDifference(const Scenario& scenario, bool session_cache,
                                       uint32_t& capacity) {
  const PipelineRun singly = RunPipeline(scenario, {1, session_cache});
  for (const uint32_t longer : kCapacities) {
    const PipelineRun run = RunPipeline(scenario, {longer, session_cache});
    std::optional<Mismatch> found = CompareRuns(singly, run);
    if (found.has_value() || singly.live_sessions != run.live_sessions) {
      capacity = longer;
      return found.value_or(Mismatch{scenario.steps.size() - 1, "other sessions live at the end"});
    }
  }
  return std::nullopt;
}

// Without all that the difference does not need.
Scenario Shrunk(Scenario scenario, bool session_cache) {
  uint32_t capacity = 0;
  for (size_t chunk = std::max<size_t>(scenario.steps.size() / 2, 1); chunk > 0; chunk /= 2) {
    for (size_t begin = 0; begin < scenario.steps.size();) {
      Scenario smaller = scenario;
      const size_t end = std::min(begin + chunk, smaller.steps.size());
      smaller.steps.erase(smaller.steps.begin() + static_cast<ptrdiff_t>(begin),
                          smaller.steps.begin() + static_cast<ptrdiff_t>(end));
      if (!smaller.steps.empty() && FindDifference(smaller, session_cache, capacity)) {
        scenario = std::move(smaller);
      } else {
        begin += chunk;
      }
    }
  }
  return scenario;
}

void ExpectTheSame(const Scenario& scenario, bool session_cache) {
  uint32_t capacity = 0;
  if (!FindDifference(scenario, session_cache, capacity)) {
    return;
  }
  const Scenario small = Shrunk(scenario, session_cache);
  const std::optional<Mismatch> mismatch = FindDifference(small, session_cache, capacity);
  ADD_FAILURE() << "seed " << scenario.seed << ", bursts of " << capacity << ", session cache "
                << session_cache << "\n"
                << Describe(small, RunPipeline(small, {1, session_cache})) << "step "
                << mismatch->step << ": " << mismatch->what;
}

TEST(BurstTest, ResultsDoNotDependOnWhereBurstsEnd) {
  const uint64_t first = FromEnvironment("SLUICE_TEST_SEED", 20'261'125) * 1'000'000;
  const uint64_t scenarios = FromEnvironment("SLUICE_TEST_SCENARIOS", 60);
  std::printf("[ seed     ] scenarios from %llu on\n", static_cast<unsigned long long>(first));
  uint64_t packets = 0;
  for (uint64_t seed = first; seed < first + scenarios && !HasFailure(); ++seed) {
    const Scenario generated = GenerateScenario(seed, kStepsAScenario).scenario;
    ASSERT_FALSE(generated.steps.empty()) << "seed " << seed << " made no valid configuration";
    const Scenario at_once = Condensed(generated, seed, 0, false);
    ExpectTheSame(at_once, true);
    ExpectTheSame(at_once, false);
    const Scenario dense = Condensed(generated, seed + 1, 3, true);
    ExpectTheSame(dense, true);
    packets += 2 * at_once.steps.size() + dense.steps.size();
  }
  std::printf("[ packets  ] %llu packets compared in %llu scenarios\n",
              static_cast<unsigned long long>(packets), static_cast<unsigned long long>(scenarios));
}

}  // namespace
}  // namespace sluice::testing
