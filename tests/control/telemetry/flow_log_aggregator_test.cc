#include "control/telemetry/flow_log_aggregator.h"

#include <gtest/gtest.h>

#include "tests/control/telemetry/flow_log_world.h"

namespace sluice {
namespace {

constexpr auto kIn = FlowDirection::kIngress;
constexpr auto kOut = FlowDirection::kEgress;
constexpr auto kAccept = FlowAction::kAccept;
constexpr auto kReject = FlowAction::kReject;
constexpr const char* kShort =
    "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} "
    "${start} ${end} ${action} ${log-status}";

class FlowLogAggregatorTest : public ::testing::Test {
 protected:
  void Configure(std::vector<FlowLog> logs, int64_t second) {
    intent_.flow_logs = std::move(logs);
    aggregator_.Configure(BuildFlowLogPlan(intent_, WorldIdentities()), At(second));
  }
  FlowLogAggregator::Sink Collect() {
    return [this](const ClosedWindow& window) {
      for (const FlowLogRecord& record : window.records) {
        std::string line = window.log.config.id + " ";
        window.log.format.AppendLine(window.interface, record, &line);
        lines_ += line;
      }
    };
  }
  std::string Through(int64_t second) {
    aggregator_.CloseThrough(At(second), Collect());
    return std::exchange(lines_, {});
  }
  std::string Finish(int64_t second) {
    aggregator_.CloseAll(At(second), Collect());
    return std::exchange(lines_, {});
  }

  Intent intent_ = FlowLogWorld();
  FlowLogAggregator aggregator_;
  std::string lines_;
};

// "@12" in an expectation stands for the test's epoch plus 12 seconds.
std::string Text(std::string_view pattern) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '@') {
      text.push_back(pattern[i]);
      continue;
    }
    int64_t seconds = 0;
    for (++i; i < pattern.size() && pattern[i] >= '0' && pattern[i] <= '9'; ++i) {
      seconds = seconds * 10 + (pattern[i] - '0');
    }
    --i;
    text += std::to_string(kEpochSeconds + seconds);
  }
  return text;
}

TEST_F(FlowLogAggregatorTest, AWS_FL_03_AWS_FL_16_OneRecordADirectionAndWindow) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, kShort)}, 0);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 40000, "10.0.2.20", 80, 6, 5, 20, 3));
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 40000, "10.0.2.20", 80, 6, 2, 9, 2));
  aggregator_.Observe(Seen(kAIdx, kIn, kAccept, "10.0.2.20", 80, "10.0.1.10", 40000, 6, 6, 59, 1));
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 40000, "10.0.2.20", 80, 6, 60, 61));
  EXPECT_EQ(Through(59), "");
  EXPECT_EQ(Through(60),
            Text("fl-1 eni-a 10.0.1.10 10.0.2.20 40000 80 6 5 500 @2 @20 ACCEPT OK\n"
                 "fl-1 eni-a 10.0.2.20 10.0.1.10 80 40000 6 1 100 @6 @59 ACCEPT OK\n"));
  EXPECT_EQ(aggregator_.open_flow_count(), 1u);
  EXPECT_EQ(Through(120),
            Text("fl-1 eni-a 10.0.1.10 10.0.2.20 40000 80 6 1 100 @60 @61 ACCEPT OK\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_03_SixHundredSecondsSumSixties) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 600, kShort)}, 0);
  for (int64_t minute = 0; minute < 10; ++minute) {
    aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17,
                             60 * minute + 1, 60 * minute + 30, 4));
  }
  EXPECT_EQ(Through(599), "");
  EXPECT_EQ(Through(600),
            Text("fl-1 eni-a 10.0.1.10 10.0.2.20 1 2 17 40 4000 @1 @570 ACCEPT OK\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_01_Filters) {
  Configure({MakeLog("fl-acc", "eni-a", TrafficType::kAccept, 60, kShort),
             MakeLog("fl-all", "eni-a", TrafficType::kAll, 60, kShort),
             MakeLog("fl-rej", "eni-a", TrafficType::kReject, 60, kShort)},
            0);
  aggregator_.Observe(Seen(kAIdx, kIn, kReject, "10.0.2.20", 1, "10.0.1.10", 2, 17, 1, 1));
  aggregator_.Observe(Seen(kAIdx, kIn, kAccept, "10.0.2.20", 3, "10.0.1.10", 4, 17, 2, 2));
  EXPECT_EQ(Through(60), Text("fl-acc eni-a 10.0.2.20 10.0.1.10 3 4 17 1 100 @2 @2 ACCEPT OK\n"
                              "fl-all eni-a 10.0.2.20 10.0.1.10 1 2 17 1 100 @1 @1 REJECT OK\n"
                              "fl-all eni-a 10.0.2.20 10.0.1.10 3 4 17 1 100 @2 @2 ACCEPT OK\n"
                              "fl-rej eni-a 10.0.2.20 10.0.1.10 1 2 17 1 100 @1 @1 REJECT OK\n"));
  // Traffic that the filter leaves out is traffic: no NODATA.
  aggregator_.Observe(Seen(kAIdx, kIn, kAccept, "10.0.2.20", 3, "10.0.1.10", 4, 17, 62, 62));
  EXPECT_EQ(Through(120),
            Text("fl-acc eni-a 10.0.2.20 10.0.1.10 3 4 17 1 100 @62 @62 ACCEPT OK\n"
                 "fl-all eni-a 10.0.2.20 10.0.1.10 3 4 17 1 100 @62 @62 ACCEPT OK\n"));
}

// AWS-FL-11: the ping examples of the guide, as the firewalls' outcomes reach the log.
TEST_F(FlowLogAggregatorTest, AWS_FL_11_StatefulGroupStatelessAcl) {
  Configure({MakeLog("fl-1", "eni-b", TrafficType::kAll, 60, kShort)}, 0);
  aggregator_.Observe(Seen(kBIdx, kIn, kAccept, "10.0.1.10", 0, "10.0.2.20", 0, 1, 1, 1, 4));
  aggregator_.Observe(Seen(kBIdx, kOut, kReject, "10.0.2.20", 0, "10.0.1.10", 0, 1, 2, 2, 4));
  EXPECT_EQ(Through(60), Text("fl-1 eni-b 10.0.1.10 10.0.2.20 0 0 1 4 400 @1 @1 ACCEPT OK\n"
                              "fl-1 eni-b 10.0.2.20 10.0.1.10 0 0 1 4 400 @2 @2 REJECT OK\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_12_NoDataPerInterfaceAndWindow) {
  Configure({MakeLog("fl-1", "subnet-2", TrafficType::kAll, 60, kShort)}, 0);
  aggregator_.Observe(Seen(kBIdx, kOut, kAccept, "10.0.2.20", 1, "10.0.1.10", 2, 17, 61, 62));
  EXPECT_EQ(Through(120), Text("fl-1 eni-b - - - - - - - @0 @60 - NODATA\n"
                               "fl-1 eni-nat - - - - - - - @0 @60 - NODATA\n"
                               "fl-1 eni-b 10.0.2.20 10.0.1.10 1 2 17 1 100 @61 @62 ACCEPT OK\n"
                               "fl-1 eni-nat - - - - - - - @60 @120 - NODATA\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_12_SkipDataWhenSomethingWasLost) {
  Configure({MakeLog("fl-1", "subnet-2", TrafficType::kAll, 60, kShort)}, 0);
  aggregator_.Observe(Seen(kBIdx, kOut, kAccept, "10.0.2.20", 1, "10.0.1.10", 2, 17, 1, 2));
  aggregator_.ReportLoss(std::nullopt, At(30));
  aggregator_.ReportLoss(kBIdx, At(70));
  EXPECT_EQ(Through(120), Text("fl-1 eni-b 10.0.2.20 10.0.1.10 1 2 17 1 100 @1 @2 ACCEPT OK\n"
                               "fl-1 eni-b - - - - - - - @0 @60 - SKIPDATA\n"
                               "fl-1 eni-nat - - - - - - - @0 @60 - SKIPDATA\n"
                               "fl-1 eni-b - - - - - - - @60 @120 - SKIPDATA\n"
                               "fl-1 eni-nat - - - - - - - @60 @120 - NODATA\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_12_LateObservationsAreNeverSilent) {
  Configure({MakeLog("fl-1", "eni-b", TrafficType::kAll, 60, kShort)}, 0);
  Through(120);
  aggregator_.Observe(Seen(kBIdx, kOut, kAccept, "10.0.2.20", 1, "10.0.1.10", 2, 17, 119, 119));
  EXPECT_EQ(aggregator_.late_observation_count(), 1u);
  EXPECT_EQ(Through(180), Text("fl-1 eni-b - - - - - - - @120 @180 - SKIPDATA\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_12_BoundOfOpenFlowsIsSkipData) {
  FlowLogAggregator bounded(2);
  intent_.flow_logs = {MakeLog("fl-1", "eni-b", TrafficType::kAll, 60, kShort)};
  bounded.Configure(BuildFlowLogPlan(intent_, WorldIdentities()), At(0));
  for (uint16_t i = 1; i <= 3; ++i) {
    bounded.Observe(Seen(kBIdx, kOut, kAccept, "10.0.2.20", i, "10.0.1.10", 2, 17, i, i));
  }
  bounded.Observe(Seen(kBIdx, kOut, kAccept, "10.0.2.20", 2, "10.0.1.10", 2, 17, 9, 9));
  EXPECT_EQ(bounded.overflow_count(), 1u);
  bounded.CloseThrough(At(60), Collect());
  EXPECT_EQ(lines_, Text("fl-1 eni-b 10.0.2.20 10.0.1.10 1 2 17 1 100 @1 @1 ACCEPT OK\n"
                         "fl-1 eni-b 10.0.2.20 10.0.1.10 2 2 17 2 200 @2 @9 ACCEPT OK\n"
                         "fl-1 eni-b - - - - - - - @0 @60 - SKIPDATA\n"));
  EXPECT_EQ(bounded.open_flow_count(), 0u);
}

TEST_F(FlowLogAggregatorTest, AWS_FL_13_FlagsOfTheWindowAreOred) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, "${start} ${tcp-flags}")}, 0);
  const auto flags = [this](uint16_t sport, int64_t second, uint8_t packet_flags) {
    FlowObservation o =
        Seen(kAIdx, kOut, kAccept, "10.0.1.10", sport, "10.0.2.20", 80, 6, second, second);
    o.tcp_flags = FlowLogTcpFlags(packet_flags);
    aggregator_.Observe(o);
  };
  flags(1, 1, kTcpSyn);
  flags(1, 2, kTcpAck);
  flags(1, 3, kTcpFin | kTcpAck);
  flags(2, 4, kTcpSyn | kTcpAck);
  flags(2, 5, kTcpFin | kTcpAck);
  flags(3, 6, kTcpAck);
  EXPECT_EQ(Through(60), Text("fl-1 @1 3\nfl-1 @4 19\nfl-1 @6 0\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_17_NeverLoggedTrafficIsNoData) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, kShort)}, 0);
  aggregator_.Observe(Seen(kAIdx, kOut, kReject, "10.0.1.10", 5, "10.0.0.2", 53, 17, 1, 1));
  EXPECT_EQ(Through(60), Text("fl-1 eni-a - - - - - - - @0 @60 - NODATA\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_19_IcmpShowsPortsZeroAndOneRecord) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, kShort)}, 0);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 77, "10.0.2.20", 2048, 1, 1, 1));
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 78, "10.0.2.20", 2048, 1, 2, 2));
  EXPECT_EQ(Through(60), Text("fl-1 eni-a 10.0.1.10 10.0.2.20 0 0 1 2 200 @1 @2 ACCEPT OK\n"));
}

TEST_F(FlowLogAggregatorTest, WindowsAreAlignedToTheEpochFromFirstPacketToEndOfClock) {
  Configure({MakeLog("fl-10", "eni-a", TrafficType::kAll, 600, kShort),
             MakeLog("fl-1m", "eni-a", TrafficType::kAll, 60, kShort)},
            550);
  EXPECT_EQ(Finish(600), Text("fl-10 eni-a - - - - - - - @0 @600 - NODATA\n"
                              "fl-10 eni-a - - - - - - - @600 @1200 - NODATA\n"
                              "fl-1m eni-a - - - - - - - @540 @600 - NODATA\n"
                              "fl-1m eni-a - - - - - - - @600 @660 - NODATA\n"));
}

TEST_F(FlowLogAggregatorTest, AWS_FL_02_ChangedLogIsAnotherLog) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, "${srcport}")}, 0);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17, 1, 1));
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, "${dstport}")}, 30);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17, 31, 31));
  EXPECT_EQ(Through(60), "fl-1 1\nfl-1 2\n");
  EXPECT_EQ(Through(120), "fl-1 -\n");
}

TEST_F(FlowLogAggregatorTest, CoverageEndsWithItsLastWindow) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, kShort)}, 0);
  Through(60);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17, 61, 61));
  Configure({}, 90);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17, 91, 91));
  EXPECT_EQ(Through(300), Text("fl-1 eni-a 10.0.1.10 10.0.2.20 1 2 17 1 100 @61 @61 ACCEPT OK\n"));
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, kShort)}, 300);
  EXPECT_EQ(Through(360), Text("fl-1 eni-a - - - - - - - @300 @360 - NODATA\n"));
  Configure({}, 360);
  EXPECT_EQ(Finish(361), "") << "a change at a window's start leaves nothing of it";
}

TEST_F(FlowLogAggregatorTest, UnchangedLogSurvivesANewGeneration) {
  Configure({MakeLog("fl-1", "eni-a", TrafficType::kAll, 60, "${srcport} ${packets}")}, 0);
  aggregator_.Observe(Seen(kAIdx, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17, 1, 1));
  // The second generation numbers interfaces another way.
  aggregator_.Configure(BuildFlowLogPlan(intent_, {{"eni-a"}, {"eni-gone"}}), At(10));
  aggregator_.Observe(Seen(0, kOut, kAccept, "10.0.1.10", 1, "10.0.2.20", 2, 17, 11, 11));
  aggregator_.Observe(Seen(1, kOut, kAccept, "10.0.1.10", 9, "10.0.2.20", 2, 17, 11, 11));
  aggregator_.Observe(Seen(7, kOut, kAccept, "10.0.1.10", 9, "10.0.2.20", 2, 17, 11, 11));
  EXPECT_EQ(Through(60), "fl-1 1 2\n");
}

}  // namespace
}  // namespace sluice
