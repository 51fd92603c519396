// Packets that leave otherwise than the configuration asks for are found in a sample, and said.
#include "tools/bench/byte_check.h"

#include <gtest/gtest.h>

#include "perf/workload/sample_network.h"
#include "perf/workload/schedule.h"

namespace sluice {
namespace {

constexpr uint32_t kFlows = 64;

std::unique_ptr<Workbench> MakeBench() {
  WorkbenchOptions options;
  options.intent = LoadIntentText("test", SampleNetworkJson({}), {}).intent;
  options.flows = kFlows;
  auto bench = Workbench::Make(options);
  EXPECT_TRUE(bench.ok()) << bench.status();
  return bench.ok() ? *std::move(bench) : nullptr;
}

std::vector<Stamp> StampsOf(const Workbench& bench) {
  ScheduleOptions options;
  options.sizes = *FrameSizes::Parse("64");
  options.packets = 4096;
  return MakeSchedule(bench.flows(), bench.links(), options);
}

TEST(ByteCheckTest, EstablishedFlowsAreRightInBurstsOfEveryLength) {
  const auto bench = MakeBench();
  ASSERT_NE(bench, nullptr);
  const ByteCheck check = CheckEstablished(*bench, StampsOf(*bench), 33 * 16);
  EXPECT_EQ(check.sampled, 33u * 16);  // 1 + 2 + ... + 32
  EXPECT_EQ(check.wrong, 0u) << check.first_wrong;
  std::vector<std::string> broken;
  check.Judge("now", broken);
  EXPECT_TRUE(broken.empty());
}

TEST(ByteCheckTest, ASnapshotOfAnotherPolicyIsFound) {
  const auto bench = MakeBench();
  const auto other = MakeBench();
  ASSERT_TRUE(bench != nullptr && other != nullptr);
  constexpr const char* kDeny = R"({"RuleNumber": 50, "Protocol": "-1", "RuleAction": "deny",
      "Egress": true, "CidrBlock": "0.0.0.0/0"},)";
  const SampleNetwork edited = {.app_egress_entries = kDeny};
  ASSERT_TRUE(
      other->dataplane().Apply(LoadIntentText("test", SampleNetworkJson(edited), {}).intent).ok());
  bench->driver().Use(*other->config().snapshot);
  const ByteCheck check = CheckEstablished(*bench, StampsOf(*bench), 500);
  EXPECT_GT(check.wrong, 0u);
  std::vector<std::string> broken;
  check.Judge("after the changes", broken);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_NE(broken[0].find("wrong bytes after the changes: "), std::string::npos) << broken[0];
  EXPECT_NE(broken[0].find("expected forward, observed drop"), std::string::npos) << broken[0];
}

TEST(ByteCheckTest, NoSampleIsNoProof) {
  std::vector<std::string> broken;
  ByteCheck().Judge("before", broken);
  EXPECT_EQ(broken, std::vector<std::string>{"no packet was sampled before"});
}

}  // namespace
}  // namespace sluice
