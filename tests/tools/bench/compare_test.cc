// The statistics of `compare`, the reports it reads, and the programs it runs.
#include <gtest/gtest.h>

#include <numeric>

#include "perf/workload/key_stream.h"
#include "tools/bench/child_process.h"
#include "tools/bench/compare/comparison.h"
#include "tools/bench/compare/rank_test.h"
#include "tools/bench/figure.h"
#include "tools/bench/report_reader.h"

namespace sluice {
namespace {

std::vector<double> Sequence(double first, size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

// Numbers worked out by hand: of 252 interleavings of five and five, one has U = 0, and so on.
TEST(RankTestTest, ExactForFewValues) {
  EXPECT_NEAR(MannWhitneyP(Sequence(1, 5), Sequence(6, 5)), 2.0 / 252, 1e-12);
  EXPECT_NEAR(MannWhitneyP(Sequence(6, 5), Sequence(1, 5)), 2.0 / 252, 1e-12);
  EXPECT_NEAR(MannWhitneyP({1, 2, 4}, {3, 5, 6}), 4.0 / 20, 1e-12);
  EXPECT_NEAR(MannWhitneyP({1, 4}, {2, 3}), 1.0, 1e-12);
  EXPECT_EQ(MannWhitneyP({}, {1, 2}), 1);
}

TEST(RankTestTest, TheApproximationAgreesWithTheExactTest) {
  WorkloadRandom random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> a, b;
    for (int i = 0; i < 50; ++i) {
      a.push_back(static_cast<double>(random.Below(1u << 30)));
      b.push_back(static_cast<double>(random.Below(1u << 30)) * (1.2 + 0.02 * round));
    }
    const double exact = MannWhitneyP(a, b);
    a.push_back(a.back());  // a tie: approximately now
    EXPECT_NEAR(MannWhitneyP(a, b), exact, 0.1) << round;
  }
}

TEST(RankTestTest, EqualValuesSayNothing) {
  EXPECT_EQ(MannWhitneyP({1, 1, 1}, {1, 1, 1}), 1);
}

TEST(RankTestTest, AlikeSetsAreSeldomCalledDifferent) {
  WorkloadRandom random(6);
  int different = 0;
  for (int round = 0; round < 1000; ++round) {
    std::vector<double> a, b;
    for (int i = 0; i < 20; ++i) {
      a.push_back(static_cast<double>(random.Below(1u << 30)));
      b.push_back(static_cast<double>(random.Below(1u << 30)));
    }
    different += MannWhitneyP(a, b) < 0.05 ? 1 : 0;
  }
  EXPECT_GT(different, 20);
  EXPECT_LT(different, 80);
}

TEST(RankTestTest, IntervalsOfTheMedianAreThoseOfTheSignTest) {
  const Spread few = MedianInterval(Sequence(1, 5));
  EXPECT_EQ(few.low, 1);
  EXPECT_EQ(few.high, 5);
  const Spread twenty = MedianInterval(Sequence(1, 20));  // tables: the 6th and the 15th
  EXPECT_EQ(twenty.low, 6);
  EXPECT_EQ(twenty.high, 15);
  EXPECT_EQ(twenty.median, 10.5);
  const Spread many = MedianInterval(Sequence(1, 2001));
  EXPECT_NEAR(many.low, 957, 2);
  EXPECT_NEAR(many.high, 1045, 2);
}

MeasuredTwice Twice(double ratio, double noise, size_t count) {
  WorkloadRandom random(7);
  const auto wobble = [&] {
    return 1 + noise * (static_cast<double>(random.Below(2001)) / 1000 - 1);
  };
  MeasuredTwice measured{"a", {}, {}};
  for (size_t i = 0; i < count; ++i) {
    const double machine = 50 + 10 * static_cast<double>(i % 3);  // meets both of a pair alike
    measured.old_ns.push_back(machine * wobble());
    measured.new_ns.push_back(machine * ratio * wobble());
  }
  return measured;
}

TEST(ComparisonTest, VerdictsFollowRatioAndCertainty) {
  constexpr double kGate = 0.03;
  EXPECT_EQ(ComparePairs(Twice(1.0, 0.01, 20), kGate).verdict, CompareVerdict::kSame);
  const Comparison slow = ComparePairs(Twice(1.5, 0.01, 20), kGate);
  EXPECT_EQ(slow.verdict, CompareVerdict::kTooSlow);
  EXPECT_NEAR(slow.ratio.median, 1.5, 0.02);
  EXPECT_LT(slow.ratio.low, slow.ratio.median);
  EXPECT_TRUE(IsSuspicious(slow, kGate));
  EXPECT_EQ(ComparePairs(Twice(0.6, 0.01, 20), kGate).verdict, CompareVerdict::kFaster);
  EXPECT_FALSE(IsSuspicious(ComparePairs(Twice(0.6, 0.01, 20), kGate), kGate));
  // Certain, but allowed.
  MeasuredTwice little{"a", Sequence(1000, 20), Sequence(1021, 20)};
  EXPECT_EQ(ComparePairs(little, kGate).verdict, CompareVerdict::kSlower);
  // Above the gate, but it may be chance.
  const Comparison unclear = ComparePairs({"a", {100, 90, 140}, {120, 95, 130}}, kGate);
  EXPECT_EQ(unclear.verdict, CompareVerdict::kSame);
  EXPECT_TRUE(IsSuspicious(unclear, kGate));
}

TEST(ComparisonTest, ReportsAreComparedByTheirRounds) {
  const Comparison c = CompareUnpaired({"a", Sequence(1000, 20), Sequence(1100, 20)}, 0.03);
  EXPECT_EQ(c.verdict, CompareVerdict::kTooSlow);
  EXPECT_GT(c.ratio.low, 1.05);
}

TEST(ReportReaderTest, ReadsWhatAReportPrints) {
  Report report;
  report.machine.cpu = "a CPU";
  report.machine.tsc_hz = 2e9;
  report.settings = {{"keys", "zipf"}};
  Figure figure;
  figure.name = "forward";
  figure.ns = {50, 40, 60};
  figure.source_ns = {10, 9, 11};
  figure.rounds_ns = {60, 40, 50};
  figure.counters = {{"flows", 10}};
  report.figures = {figure};
  const auto read = ParseReport(ReportJson(report));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->cpu, "a CPU");
  EXPECT_EQ(read->settings.at("keys"), "zipf");
  const ReadFigure* found = read->Find("forward");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->ns.high, 60);
  EXPECT_EQ(found->rounds_ns, figure.rounds_ns);
  EXPECT_EQ(found->Number("ticks"), 100);
  EXPECT_EQ(found->Number("source_ns"), 10);
  EXPECT_EQ(found->Number("flows"), 10);
  EXPECT_EQ(found->Number("no such"), 0);
  EXPECT_EQ(read->Find("backward"), nullptr);
}

TEST(ReportReaderTest, ReadsGoogleBenchmark) {
  Report report;
  Figure figure;
  figure.name = "forward";
  figure.ns = {50, 40, 60};
  report.figures = {figure};
  const auto own = ParseReport(GoogleBenchmarkJson(report, "today"));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->Find("forward")->ns.median, 50);
  EXPECT_EQ(own->Find("forward")->ns.low, 40);
  const auto other = ParseReport(R"({"context": {}, "benchmarks": [
      {"name": "x/repeats:2", "run_name": "x", "run_type": "iteration", "cpu_time": 3, "time_unit": "us"},
      {"name": "x/repeats:2", "run_name": "x", "run_type": "iteration", "cpu_time": 5, "time_unit": "us"},
      {"name": "x_mean", "run_name": "x", "run_type": "aggregate", "aggregate_name": "mean",
       "cpu_time": 4, "time_unit": "us"}]})");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->Find("x")->ns.median, 4000);
  EXPECT_EQ(other->Find("x")->rounds_ns.size(), 2u);
}

TEST(ReportReaderTest, OtherTextIsRefused) {
  for (const char* text :
       {"", "{}", "[1]", "{\"figures\": [{}], \"machine\": {}, \"settings\": {}}",
        "{\"benchmarks\": 5}"}) {
    EXPECT_FALSE(ParseReport(text).ok()) << text;
  }
  EXPECT_NE(ReadReportFile("/nonexistent").status().message().find("/nonexistent"),
            std::string::npos);
}

TEST(ChildProcessTest, OutputAndExitCodeComeBack) {
  const ChildResult result = RunChild({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(RunChild({"sh", "-c", "kill -9 $$"}).exit_code, 137);
  EXPECT_EQ(RunChild({"no such program"}).exit_code, 127);
  EXPECT_EQ(RunChild({"cat"}).out, "");
  const ChildResult much =
      RunChild({"sh", "-c", "yes | head -c 1000000; yes | head -c 1000000 >&2"});
  EXPECT_EQ(much.out.size(), 1000000u);
  EXPECT_EQ(much.err.size(), 1000000u);
}

TEST(ChildProcessTest, LastLinesOfAText) {
  EXPECT_EQ(LastLines("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(LastLines("a\nb\nc", 1), "c");
  EXPECT_EQ(LastLines("a\nb\n", 5), "a\nb\n");
  EXPECT_EQ(LastLines("", 5), "");
  EXPECT_EQ(LastLines("\n\n\n", 1), "\n");
}

}  // namespace
}  // namespace sluice
