// A benchmark proves that it measured what it names. These tests make it fail.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "perf/workload/output_check.h"
#include "perf/workload/sample_network.h"
#include "tests/support/sample_config.h"
#include "tools/bench/figure.h"
#include "tools/bench/forward_run.h"
#include "tools/bench/machine.h"

namespace sluice {
namespace {

std::unique_ptr<Workbench> MakeBench(const std::string& json, Traffic traffic, uint32_t flows) {
  WorkbenchOptions options;
  ValidationResult loaded = LoadIntentText("test", json, {});
  EXPECT_NE(loaded.intent, nullptr);
  options.intent = loaded.intent;
  options.traffic = traffic;
  options.flows = flows;
  auto bench = Workbench::Make(options);
  EXPECT_TRUE(bench.ok()) << bench.status();
  return bench.ok() ? *std::move(bench) : nullptr;
}

ForwardOptions Quick(const char* sizes) {
  ForwardOptions options;
  options.schedule.sizes = *FrameSizes::Parse(sizes);
  options.schedule.packets = 4096;
  options.rounds = 2;
  options.round_packets = 4096;
  options.warmup_packets = 4096;
  options.sampled_packets = 128;
  return options;
}

TEST(ForwardTest, EveryKindOfTrafficOfTheGeneratedNetworkHoldsItsClaims) {
  for (const Traffic traffic : {Traffic::kNat, Traffic::kVpc, Traffic::kMixed}) {
    for (const char* sizes : {"64", "1518", "imix"}) {
      const auto bench = MakeBench(SampleNetworkJson({}), traffic, 500);
      ASSERT_NE(bench, nullptr);
      const ForwardResult result = RunForward(*bench, Quick(sizes));
      for (const std::string& claim : BrokenClaims(result.totals, true)) {
        ADD_FAILURE() << claim;
      }
      EXPECT_EQ(result.totals.sessions, 500u);
      EXPECT_GE(result.totals.sampled, 64u);
    }
  }
}

// A full table: home buckets have overflowed, and keys share a tag with others of their bucket.
TEST(ForwardTest, EveryFlowOfAFullTableIsFound) {
  constexpr uint32_t kFlows = 60'000;
  const auto bench = MakeBench(SampleNetworkJson({.max_sessions = kFlows}), Traffic::kNat, kFlows);
  ASSERT_NE(bench, nullptr);
  EXPECT_GT(bench->dataplane().sessions().OverflowPartsPerMillion(), 0u);
  ForwardOptions options = Quick("64");
  options.schedule.packets = options.warmup_packets = 4 * kFlows;
  options.round_packets = 4 * kFlows;
  for (const std::string& claim : BrokenClaims(RunForward(*bench, options).totals, true)) {
    ADD_FAILURE() << claim;
  }
}

TEST(ForwardTest, AnyConfigurationWillDo) {
  const auto bench = MakeBench(std::string(testing::kSampleConfig), Traffic::kMixed, 100);
  ASSERT_NE(bench, nullptr);
  EXPECT_FALSE(bench->families().empty());
  EXPECT_TRUE(BrokenClaims(RunForward(*bench, Quick("64")).totals, true).empty());
}

TEST(ForwardTest, MoreFlowsThanAConfigurationHasRoomForAreRefused) {
  WorkbenchOptions options;
  options.intent = LoadIntentText("test", SampleNetworkJson({.senders = 1}), {}).intent;
  options.traffic = Traffic::kVpc;
  options.flows = 10'000'000;
  const auto bench = Workbench::Make(options);
  ASSERT_FALSE(bench.ok());
  EXPECT_NE(bench.status().message().find("lower --flows"), std::string::npos);
}

TEST(ForwardTest, WithoutTheSessionCacheThereAreNoHits) {
  WorkbenchOptions options;
  options.intent = LoadIntentText("test", SampleNetworkJson({}), {}).intent;
  options.flows = 50;
  options.session_cache = false;
  const auto bench = Workbench::Make(options);
  ASSERT_TRUE(bench.ok());
  const ForwardTotals totals = RunForward(**bench, Quick("64")).totals;
  EXPECT_EQ(totals.hits, 0u);
  EXPECT_TRUE(BrokenClaims(totals, false).empty());
  EXPECT_FALSE(BrokenClaims(totals, true).empty());
}

TEST(ForwardTest, EveryStageOfTheEstablishedPathIsTimed) {
  const auto bench = MakeBench(SampleNetworkJson({}), Traffic::kNat, 100);
  ASSERT_NE(bench, nullptr);
  std::vector<StageId> timed;
  for (const StageCost& stage : MeasureStages(*bench, Quick("64"))) {
    timed.push_back(stage.stage);
    EXPECT_EQ(stage.packets, 3u * 4096);
    EXPECT_GT(stage.ticks_per_packet, 0);
  }
  EXPECT_EQ(timed, (std::vector<StageId>{StageId::kExpress, StageId::kAccount}));
}

ForwardTotals Sound() {
  ForwardTotals totals;
  totals.packets = totals.received = totals.forwarded = totals.sent = totals.hits = 100;
  totals.sessions = totals.flows = 10;
  totals.sampled = 5;
  return totals;
}

TEST(BrokenClaimsTest, EveryClaimCanBreak) {
  EXPECT_TRUE(BrokenClaims(Sound(), true).empty());
  const auto breaks = [](auto change, const char* word) {
    ForwardTotals totals = Sound();
    change(totals);
    const std::vector<std::string> broken = BrokenClaims(totals, true);
    ASSERT_EQ(broken.size(), 1u) << word;
    EXPECT_NE(broken[0].find(word), std::string::npos) << broken[0];
  };
  breaks([](ForwardTotals& t) { t.received = 99; }, "received");
  breaks([](ForwardTotals& t) { t.forwarded = 99; }, "forwarded");
  breaks([](ForwardTotals& t) { t.sent = 99; }, "left");
  breaks([](ForwardTotals& t) { t.consumed = 1; }, "consumed");
  breaks([](ForwardTotals& t) { t.hits = 99; }, "hits");
  breaks([](ForwardTotals& t) { t.sessions = 9; }, "live sessions");
  breaks([](ForwardTotals& t) { t.wrong = 1; }, "wrong bytes");
  breaks([](ForwardTotals& t) { t.sampled = 0; }, "sampled");
  breaks(
      [](ForwardTotals& t) {
        t.dropped = 1;
        t.first_drop = "sg_ingress";
      },
      "sg_ingress");
}

// Sessions that vanish under the bench: the packets still flow for a walk, but not as named.
TEST(ForwardTest, LostSessionsAreNoticed) {
  const auto bench = MakeBench(SampleNetworkJson({}), Traffic::kNat, 100);
  ASSERT_NE(bench, nullptr);
  SessionTable& sessions = bench->dataplane().sessions();
  uint32_t lost = 0;
  for (uint32_t i = 0; i < sessions.pair_count() && lost < 20; ++i) {
    lost += sessions.IsLive(PairIdx(i)) && sessions.Unlink(PairIdx(i)) ? 1 : 0;
  }
  const std::vector<std::string> broken =
      BrokenClaims(RunForward(*bench, Quick("64")).totals, true);
  EXPECT_FALSE(broken.empty());
}

class OutputCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bench_ = MakeBench(SampleNetworkJson({}), Traffic::kMixed, 40);
    ASSERT_NE(bench_, nullptr);
    ScheduleOptions schedule;
    schedule.sizes = *FrameSizes::Parse("64");
    schedule.packets = 32;
    stamps_ = MakeSchedule(bench_->flows(), bench_->links(), schedule);
    bench_->driver().Load(stamps_.data(), 32);
    bench_->driver().Judge();
    sent_ = bench_->driver().Outputs(0);
    check_ = std::make_unique<OutputCheck>(bench_->config(), bench_->flows(), bench_->links());
  }
  std::string Complaint(const SentPacket& sent) {
    return check_->Complaint(stamps_[sent.stamp_idx], sent);
  }

  std::unique_ptr<Workbench> bench_;
  std::vector<Stamp> stamps_;
  std::vector<SentPacket> sent_;
  std::unique_ptr<OutputCheck> check_;
};

TEST_F(OutputCheckTest, RightPacketsPass) {
  for (const SentPacket& sent : sent_) {
    EXPECT_EQ(Complaint(sent), "");
  }
}

TEST_F(OutputCheckTest, OneWrongByteAnywhereIsACompaint) {
  for (size_t at = 0; at < sent_[0].bytes.size(); ++at) {
    SentPacket wrong = sent_[0];
    wrong.bytes[at] ^= 1;
    EXPECT_NE(Complaint(wrong).find("expected bytes"), std::string::npos) << at;
  }
}

TEST_F(OutputCheckTest, ADropAnotherPortAndAShortFrameAreComplaints) {
  SentPacket wrong = sent_[0];
  wrong.verdict = Verdict::kDrop;
  wrong.reason = DropReason::kSgIngress;
  EXPECT_NE(Complaint(wrong).find("sg_ingress"), std::string::npos);
  wrong = sent_[0];
  wrong.port = PortIdx(static_cast<uint16_t>(1 - wrong.port.value));
  EXPECT_NE(Complaint(wrong).find("expected on port"), std::string::npos);
  wrong = sent_[0];
  wrong.bytes.pop_back();
  EXPECT_NE(Complaint(wrong), "");
}

Report SampleReport() {
  Report report;
  report.machine = {"h", "a \"CPU\"", 2, 2.5e9, 1.5, "g++", "abc"};
  report.memory_mode = "no hugepages";
  report.settings = {{"keys", "zipf"}};
  Figure figure;
  figure.name = "forward/flows:10";
  figure.ns = {100, 90, 120};
  figure.source_ns = {10, 9, 11};
  figure.rounds = 5;
  figure.counters = {{"flows", 10}, {"hit_rate", 1}};
  report.figures = {figure};
  return report;
}

TEST(FigureTest, JsonHasStableKeysAndCarriesTheMachine) {
  const auto json = nlohmann::json::parse(ReportJson(SampleReport()));
  for (const char* key :
       {"host", "cpu", "cpus", "tsc_hz", "memory", "load", "compiler", "commit"}) {
    EXPECT_TRUE(json.at("machine").contains(key)) << key;
  }
  EXPECT_EQ(json.at("settings").at("keys"), "zipf");
  const auto& figure = json.at("figures").at(0);
  EXPECT_EQ(figure.at("ns").at("median"), 100);
  EXPECT_EQ(figure.at("ticks"), 250);
  EXPECT_EQ(figure.at("mpps"), 10);
  EXPECT_EQ(figure.at("source_ns").at("high"), 11);
  EXPECT_EQ(figure.at("hit_rate"), 1);
  EXPECT_TRUE(json.at("broken_claims").empty());
}

TEST(FigureTest, GoogleBenchmarkJsonIsWhatItsToolsRead) {
  const auto json =
      nlohmann::json::parse(GoogleBenchmarkJson(SampleReport(), "2026-01-01T00:00:00+00:00"));
  EXPECT_EQ(json.at("context").at("commit"), "abc");
  const auto& run = json.at("benchmarks").at(0);
  EXPECT_EQ(run.at("name"), "forward/flows:10_median");
  EXPECT_EQ(run.at("run_name"), "forward/flows:10");
  EXPECT_EQ(run.at("run_type"), "aggregate");
  EXPECT_EQ(run.at("aggregate_name"), "median");
  EXPECT_EQ(run.at("time_unit"), "ns");
  EXPECT_EQ(run.at("real_time"), 100);
  EXPECT_EQ(run.at("items_per_second"), 1e7);
}

TEST(MachineTest, MemoryModeIsReadFromTheKernel) {
  EXPECT_EQ(MemoryModeOf("Anonymous:        1000 kB\nAnonHugePages:     900 kB\n"),
            "2M transparent hugepages");
  EXPECT_EQ(MemoryModeOf("Anonymous:        1000 kB\nAnonHugePages:       0 kB\n"), "no hugepages");
  EXPECT_EQ(MemoryModeOf("Private_Hugetlb:    2048 kB\n"), "2M hugepages");
  EXPECT_EQ(MemoryModeOf(""), "no hugepages");
}

TEST(SamplesTest, QuartilesOfKnownNumbers) {
  const Spread spread = SpreadOf({5, 1, 3, 2, 4});
  EXPECT_EQ(spread.low, 2);
  EXPECT_EQ(spread.median, 3);
  EXPECT_EQ(spread.high, 4);
  EXPECT_EQ(Quantile({}, 0.5), 0);
  EXPECT_EQ(Quantile({1, 2}, 0.5), 1.5);
}

}  // namespace
}  // namespace sluice
