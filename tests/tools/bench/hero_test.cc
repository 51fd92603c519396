// The hero test finds packets that leave with wrong bytes while everything goes on, and says so.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "perf/workload/sample_network.h"
#include "tools/bench/hero/hero_run.h"

namespace sluice {
namespace {

constexpr uint32_t kFlows = 1000;

HeroOptions Small() {
  HeroOptions options;
  options.seconds = 1;
  options.connections_per_second = 1000;
  options.active = 1000;
  options.changes_per_second = 0;
  options.background_period_s = 0.5;
  options.sampled = 100;
  options.ring = 1 << 20;
  return options;
}

// In the configuration: the NAT gateway's public address, and the MAC of one of two senders.
constexpr const char* kAddress = "198.51.100.200";
constexpr const char* kMac = "02:0a:00:10:04:01";

// The sample network with `now` where it has `usual`.
std::shared_ptr<const ValidatedIntent> Network(const std::string& usual, const std::string& now) {
  std::string json = SampleNetworkJson({.senders = 2, .rules = 2});
  const size_t at = json.find("\"" + usual + "\"");
  EXPECT_NE(at, std::string::npos);
  json.replace(at + 1, usual.size(), now);
  ValidationResult loaded = LoadIntentText("test", json, {});
  EXPECT_NE(loaded.intent, nullptr);
  return loaded.intent;
}

// Flows are opened, and packets judged, with the usual one; the run is with the other.
absl::StatusOr<HeroResult> RunWith(const std::string& usual, const std::string& now) {
  WorkbenchOptions options;
  options.intent = Network(usual, usual);
  options.flows = kFlows;
  options.flow_account = true;
  auto bench = Workbench::Make(options);
  if (!bench.ok()) {
    return bench.status();
  }
  return RunHero(**bench, {Network(usual, now)}, 1, Small());
}

TEST(HeroTest, PacketsOfTheConfigurationAreRight) {
  const auto result = RunWith(kAddress, kAddress);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->flow_bytes.sampled, 50u);
  EXPECT_GT(result->connection_bytes.sampled, 50u);
  EXPECT_EQ(BrokenHeroClaims(*result, Small()), std::vector<std::string>());
}

size_t CountOf(const std::string& what, const std::vector<std::string>& broken) {
  return static_cast<size_t>(std::count_if(broken.begin(), broken.end(), [&](const auto& claim) {
    return claim.find(what) != std::string::npos;
  }));
}

// Open flows keep the address that they have.
TEST(HeroTest, NewConnectionsFromAnotherAddressHaveWrongBytes) {
  const auto result = RunWith(kAddress, "198.51.100.201");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->connection_bytes.wrong, 0u);
  const std::vector<std::string> broken = BrokenHeroClaims(*result, Small());
  EXPECT_EQ(CountOf("wrong bytes of new connections", broken), 1u)
      << ::testing::PrintToString(broken);
}

TEST(HeroTest, FlowsToAnotherMacHaveWrongBytes) {
  const auto result = RunWith(kMac, "02:0a:00:10:04:02");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->flow_bytes.wrong, 0u);
  const std::vector<std::string> broken = BrokenHeroClaims(*result, Small());
  EXPECT_EQ(CountOf("wrong bytes of background flows", broken), 1u)
      << ::testing::PrintToString(broken);
}

TEST(HeroTest, NoSampleIsNoProof) {
  HeroResult result;
  result.connections = 1000;
  result.fates.misses = 1000;
  const std::vector<std::string> broken = BrokenHeroClaims(result, Small());
  EXPECT_EQ(broken, (std::vector<std::string>{"no packet was sampled of background flows",
                                              "no packet was sampled of new connections"}));
}

}  // namespace
}  // namespace sluice
