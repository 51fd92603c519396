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

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void Report(const Scenario& scenario, const RunOptions& options) {
  const Scenario small = Shrink(scenario, options);
  const std::optional<Mismatch> mismatch = RunScenario(small, options);
  FAIL() << "seed " << scenario.seed << ", batch " << options.batch_capacity << ", session cache "
         << options.session_cache << "\n"
         << Describe(small) << "step " << mismatch->step << ": " << mismatch->what;
}

// `percent` of the packets of the whole campaign, under `options`.
void RunCampaign(uint64_t salt, uint64_t packets, const RunOptions& options) {
  const uint64_t first =
      FromEnvironment("SLUICE_TEST_SEED", 20'261'124) * 1000 + salt * 100'000'000;
  const uint64_t wanted = FromEnvironment("SLUICE_TEST_PACKETS", packets);
  std::printf("[ seed     ] scenarios from %llu on\n", static_cast<unsigned long long>(first));
  uint64_t steps = 0;
  for (uint64_t seed = first; steps < wanted; ++seed) {
    const Scenario scenario = GenerateScenario(seed, kStepsAScenario);
    ASSERT_FALSE(scenario.steps.empty()) << "seed " << seed << " made an invalid configuration";
    steps += scenario.steps.size();
    if (RunScenario(scenario, options)) {
      Report(scenario, options);
      return;
    }
  }
  std::printf("[ packets  ] %llu compared, 0 different\n", static_cast<unsigned long long>(steps));
}

TEST(DifferentialTest, PacketByPacket) {
  RunCampaign(0, 600'000, {1, true});
}
TEST(DifferentialTest, WithoutSessionCache) {
  RunCampaign(1, 200'000, {1, false});
}
TEST(DifferentialTest, BurstsOfSeven) {
  RunCampaign(2, 100'000, {7, true});
}
TEST(DifferentialTest, FullBursts) {
  RunCampaign(3, 100'000, {200, true});
}

}  // namespace
}  // namespace sluice::testing
