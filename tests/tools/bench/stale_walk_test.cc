// After a change of policy the lines of established flows are stale. Their packets are walked by
// the short walk, without the long way, wherever it can tell; and only there.
#include <gtest/gtest.h>

#include <algorithm>

#include "perf/workload/frame_sizes.h"
#include "perf/workload/sample_network.h"
#include "tools/bench/fates.h"
#include "tools/bench/stage_tally.h"
#include "tools/bench/workbench.h"

namespace sluice {
namespace {

constexpr uint32_t kFlows = 480;
constexpr const char* kDenyTcp = R"({"RuleNumber": 50, "Protocol": "6", "RuleAction": "deny",
    "Egress": true, "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 0, "To": 65535}},)";

std::shared_ptr<const ValidatedIntent> Load(const SampleNetwork& network) {
  ValidationResult loaded = LoadIntentText("test", SampleNetworkJson(network), {});
  EXPECT_NE(loaded.intent, nullptr);
  return loaded.intent;
}

// A dataplane with open flows whose every line is stale.
class StaleWalkTest : public ::testing::Test {
 protected:
  void Open(Traffic traffic, const SampleNetwork& then) {
    WorkbenchOptions options;
    options.intent = Load({});
    options.traffic = traffic;
    options.flows = kFlows;
    options.burst_ns = 1000;
    auto bench = Workbench::Make(options);
    ASSERT_TRUE(bench.ok()) << bench.status();
    bench_ = *std::move(bench);
    ASSERT_TRUE(bench_->dataplane().Apply(Load(then)).ok());
    bench_->driver().Use(*bench_->config().snapshot);
  }

  // One packet of each direction of each flow.
  Fates EachLineOnce() {
    std::vector<Stamp> stamps;
    for (uint32_t flow = 0; flow < kFlows; ++flow) {
      for (const bool reply : {false, true}) {
        const PacketHeads heads = Established(bench_->flows()[flow], reply);
        stamps.push_back(MakeStamp(heads, bench_->links()[heads.link], kMinFrameBytes - kFcsBytes,
                                   flow | (reply ? kReplyBit : 0)));
      }
    }
    StageTally tally(*bench_);
    const Fates before = CountFates(bench_->dataplane().counters());
    tally.Round(2 * kFlows, [&] {
      BurstDriver& driver = bench_->driver();
      for (size_t done = 0; done < stamps.size(); done += driver.burst()) {
        bench_->ReadClock();
        driver.Load(&stamps[done], driver.burst());
        driver.Judge();
        driver.Send();
      }
    });
    long_way_ = 0;
    for (const StageCost& stage : tally.Costs()) {
      long_way_ += stage.stage == StageId::kSession ? stage.packets : 0;
    }
    return CountFates(bench_->dataplane().counters()) - before;
  }

  std::unique_ptr<Workbench> bench_;
  uint64_t long_way_ = 0;  // packets that the session stage saw
};

TEST_F(StaleWalkTest, AnEditThatChangesNoWalkIsConfirmedWithoutTheLongWay) {
  for (const Traffic traffic : {Traffic::kNat, Traffic::kVpc, Traffic::kMixed}) {
    ASSERT_NO_FATAL_FAILURE(Open(traffic, {.app_edit_l4_port = 4242}));
    const Fates stale = EachLineOnce();
    EXPECT_EQ(stale.forwarded, 2 * kFlows);
    EXPECT_EQ(stale.walks, 2 * kFlows);
    EXPECT_EQ(stale.hits, 0u);
    EXPECT_EQ(long_way_, 0u);
    const Fates current = EachLineOnce();
    EXPECT_EQ(current.forwarded, 2 * kFlows);
    EXPECT_EQ(current.hits, 2 * kFlows);
  }
}

TEST_F(StaleWalkTest, AnAclThatRefusesNowIsLeftToTheLongWay) {
  ASSERT_NO_FATAL_FAILURE(Open(Traffic::kNat, {.app_egress_entries = kDenyTcp}));
  const auto denied = static_cast<uint64_t>(
      std::count_if(bench_->flows().begin(), bench_->flows().end(), [](const OpenFlow& flow) {
        return flow.initiator.protocol == kProtocolTcp && flow.initiator.src >> 12 == 0x0a001;
      }));  // of subnet-app, 10.0.16.0/20
  ASSERT_GT(denied, 0u);
  const Fates fates = EachLineOnce();
  EXPECT_EQ(fates.dropped, denied);  // what they send; their answers meet no egress list of the app
  EXPECT_EQ(fates.reasons[static_cast<size_t>(DropReason::kNaclEgress)], denied);
  EXPECT_EQ(fates.forwarded, 2 * kFlows - denied);
  EXPECT_GE(long_way_, denied);
  EXPECT_EQ(EachLineOnce().dropped, denied);
}

}  // namespace
}  // namespace sluice
