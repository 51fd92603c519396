// The pipeline against the reference world: random configurations x random packets (near-hit
// biased), answers, ICMP errors, time jumps and configuration changes. SLUICE_TEST_SEED and
// SLUICE_TEST_PACKETS choose the run.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "tests/property/scenario.h"

namespace sluice::testing {
namespace {

constexpr size_t kStepsAScenario = 400;
constexpr uint64_t kPackets = 1'000'000;
// Every scenario also runs under one of these.
constexpr PipelineOptions kVariants[] = {
    {1, false}, {7, true}, {32, true}, {200, true}, {200, false}};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void Report(const Scenario& scenario, const PipelineOptions& options, const Mismatch& first) {
  const Scenario small = Shrink(scenario, options);
  const Mismatch mismatch =
      RunScenario(small, options)
          .value_or(Mismatch{first.step, first.what + "\n  but not when it is run once more"});
  ADD_FAILURE() << "seed " << scenario.seed << ", batch " << options.batch_capacity
                << ", session cache " << options.session_cache << "\n"
                << Describe(small, RunPipeline(small, options)) << "step " << mismatch.step << ": "
                << mismatch.what;
  std::fflush(stdout);
}

TEST(DifferentialTest, PipelineAndReferenceWorldAgree) {
  const uint64_t first = FromEnvironment("SLUICE_TEST_SEED", 20'261'124) * 1'000'000;
  const uint64_t wanted = FromEnvironment("SLUICE_TEST_PACKETS", kPackets);
  const uint64_t failures = FromEnvironment("SLUICE_TEST_FAILURES", 1);
  std::printf("[ seed     ] scenarios from %llu on\n", static_cast<unsigned long long>(first));
  uint64_t packets = 0;
  uint64_t failed = 0;
  uint64_t seed = first;
  for (; packets < wanted && failed < failures; ++seed) {
    const Generated made = GenerateScenario(seed, kStepsAScenario);
    ASSERT_FALSE(made.scenario.steps.empty())
        << "seed " << seed << " made an invalid configuration";
    packets += made.scenario.steps.size();
    if (const auto mismatch = JudgeRun(made.scenario, made.run)) {
      Report(made.scenario, {}, *mismatch);
      ++failed;
      continue;
    }
    const PipelineOptions& variant = kVariants[seed % std::size(kVariants)];
    const PipelineRun run = RunPipeline(made.scenario, variant);
    if (const auto difference = CompareRuns(made.run, run)) {
      if (const auto mismatch = RunScenario(made.scenario, variant)) {
        Report(made.scenario, variant, *mismatch);
      } else {
        ADD_FAILURE() << "seed " << seed << ", batch " << variant.batch_capacity
                      << ", session cache " << variant.session_cache << ": step "
                      << difference->step << difference->what;
      }
      ++failed;
    }
  }
  std::printf("[ packets  ] %llu packets judged in %llu scenarios\n",
              static_cast<unsigned long long>(packets),
              static_cast<unsigned long long>(seed - first));
}

}  // namespace
}  // namespace sluice::testing
