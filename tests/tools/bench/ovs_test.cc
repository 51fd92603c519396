// What Open vSwitch says, and when its packets count as what they are named.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "perf/workload/sample_network.h"
#include "tests/support/sample_config.h"
#include "tools/bench/interruption.h"
#include "tools/bench/rivals/ovs_frames.h"
#include "tools/bench/rivals/ovs_reading.h"
#include "tools/bench/rivals/ovs_windows.h"
#include "tools/bench/workbench.h"

namespace sluice {
namespace {

constexpr const char* kStats =
    "pmd thread numa_id 0 core_id 1:\n"
    "  packets received: 1497408\n"
    "  packet recirculations: 4492224\n"
    "  miss with success upcall: 3\n"
    "  miss with failed upcall: 2\n"
    "  idle cycles: 7 (0.00%)\n"
    "  processing cycles: 4615467680 (100.00%)\n"
    "  avg processing cycles per packet: 3082.30 (4615467680/1497408)\n"
    "main thread:\n"
    "  packets received: 9\n";

TEST(OvsReadingTest, CountersAreThoseOfTheOneForwardingThread) {
  const auto counters = ReadOvsCounters(kStats);
  ASSERT_TRUE(counters.ok()) << counters.status();
  EXPECT_EQ(counters->received, 1497408u);
  EXPECT_EQ(counters->recirculations, 4492224u);
  EXPECT_EQ(counters->upcalls, 5u);
  EXPECT_EQ(counters->idle_ticks, 7u);
  EXPECT_EQ(counters->busy_ticks, 4615467680u);
  EXPECT_FALSE(ReadOvsCounters("main thread:\n  packets received: 9\n").ok());
  EXPECT_FALSE(ReadOvsCounters(std::string(kStats) + kStats).ok());
  EXPECT_FALSE(ReadOvsCounters("pmd thread numa_id 0 core_id 1:\n  packets received: 1\n").ok());
}

TEST(OvsReadingTest, TrafficIsReadBesideItsRates) {
  const auto traffic = ReadOvsTraffic(
      "\nTime: 09:16:28.530\npmd thread numa_id 0 core_id 1:\n\n"
      "  Rx packets:              1503040  (747 Kpps, 3079 cycles/pkt)\n"
      "  Tx packets:              1503008  (747 Kpps)\n");
  ASSERT_TRUE(traffic.ok()) << traffic.status();
  EXPECT_EQ(traffic->received, 1503040u);
  EXPECT_EQ(traffic->sent, 1503008u);
  EXPECT_FALSE(ReadOvsTraffic("").ok());
}

TEST(OvsReadingTest, AConnectionIsTranslatedWhenItKeepsItsPortAtTheNatAddress) {
  const OvsConnections connections = CountOvsConnections(
      "udp,orig=(src=10.0.16.11,dst=198.18.0.0,sport=1000,dport=443),"
      "reply=(src=198.18.0.0,dst=198.51.100.200,sport=443,dport=1000),zone=3\n"
      "tcp,orig=(src=10.0.16.11,dst=198.18.0.0,sport=1001,dport=443),"
      "reply=(src=198.18.0.0,dst=198.51.100.200,sport=443,dport=2001),zone=3,"
      "protoinfo=(state=ESTABLISHED)\n"
      "tcp,orig=(src=10.0.16.11,dst=198.18.0.0,sport=1002,dport=443),"
      "reply=(src=198.18.0.0,dst=10.0.16.11,sport=443,dport=1002),zone=3,"
      "protoinfo=(state=SYN_SENT)\n",
      "198.51.100.200");
  EXPECT_EQ(connections.all, 3u);
  EXPECT_EQ(connections.translated, 1u);
  EXPECT_EQ(connections.established, 2u);
}

class OvsWindowTest : public ::testing::Test {
 protected:
  OvsWindowTest() {
    from_.connections = to_.connections = 30;
    from_.counters.received = 500;
    to_.counters = {10'500, 30'000, 0, 0, 1'000'000};
    to_.traffic = {10'000, 9'990};
  }
  std::string Complaint() const { return WindowComplaint(from_, to_, {4, 30, 500}); }

  OvsMoment from_, to_;
};

TEST_F(OvsWindowTest, WhatIsAsNamedPasses) {
  EXPECT_EQ(Complaint(), "");
}
TEST_F(OvsWindowTest, TheSlowPathIsNoticed) {
  to_.counters.upcalls = 1;
  EXPECT_NE(Complaint().find("slow path"), std::string::npos);
}
TEST_F(OvsWindowTest, LostPacketsAreNoticed) {
  to_.traffic.sent = 9'000;
  EXPECT_NE(Complaint().find("9000 left"), std::string::npos);
}
TEST_F(OvsWindowTest, NothingCountsBeforeTheFlowsAreOpen) {
  from_.counters.received = 499;
  EXPECT_NE(Complaint().find("wanted first"), std::string::npos);
}
TEST_F(OvsWindowTest, AShorterWayIsNoticed) {
  to_.counters.recirculations = 29'000;
  EXPECT_NE(Complaint().find("passed the datapath"), std::string::npos);
}
TEST_F(OvsWindowTest, AMissingConnectionIsNoticed) {
  from_.connections = 29;
  EXPECT_NE(Complaint().find("29 connections"), std::string::npos);
}
TEST_F(OvsWindowTest, RestAndSilenceAreNoticed) {
  to_.counters.idle_ticks = 1;
  EXPECT_NE(Complaint().find("nothing to do"), std::string::npos);
  to_.counters.received = 510;
  EXPECT_NE(Complaint().find("only 10 packets"), std::string::npos);
}

TEST(OvsFramesTest, EveryFlowIsInBothCapturesOnceAPass) {
  WorkbenchOptions options;
  options.intent = LoadIntentText("test", SampleNetworkJson({}), {}).intent;
  options.flows = 100;
  const auto bench = Workbench::Make(options);
  ASSERT_TRUE(bench.ok()) << bench.status();
  const std::string folder = ::testing::TempDir() + "ovs_frames";
  std::filesystem::create_directories(folder);
  const OvsCaptures captures = {folder + "/inside.pcap", folder + "/outside.pcap", 2};
  const uint32_t nat = (*bench)->flows().front().responder.dst;
  ASSERT_TRUE(WriteOvsCaptures((*bench)->flows(), (*bench)->links(), nat, 1, captures).ok());
  EXPECT_EQ(
      std::filesystem::file_size(captures.inside) + std::filesystem::file_size(captures.outside),
      OvsCaptureBytes(100, 2) + 48);
  std::filesystem::remove_all(folder);
}

TEST(InterruptionTest, ASignalWaitsAndIsThenWhatItWas) {
  static volatile std::sig_atomic_t reached;
  reached = 0;
  struct sigaction before = {};
  struct sigaction action = {};
  action.sa_handler = [](int) { reached = 1; };
  sigaction(SIGTERM, &action, &before);
  {
    const Interruption interruption;
    EXPECT_FALSE(Interruption::happened());
    raise(SIGTERM);
    EXPECT_TRUE(Interruption::happened());
    EXPECT_EQ(reached, 0);
  }
  EXPECT_EQ(reached, 1);
  sigaction(SIGTERM, &before, nullptr);
}

TEST(InterruptionTest, WhatWasIgnoredStaysSo) {
  struct sigaction before = {};
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGHUP, &ignore, &before);
  {
    const Interruption interruption;
    raise(SIGHUP);
    EXPECT_FALSE(Interruption::happened());
  }
  sigaction(SIGHUP, &before, nullptr);
}

TEST(BackgroundChildTest, EndsWithItsObjectAndSaysWhenItIsGone) {
  const std::string log = ::testing::TempDir() + "background_child.log";
  pid_t pid = -1;
  {
    BackgroundChild child({"sleep", "600"}, log);
    pid = child.pid();
    EXPECT_TRUE(child.Running());
  }
  EXPECT_NE(kill(pid, 0), 0);
  BackgroundChild missing({"/nonexistent"}, log);
  while (missing.Running()) {
  }
  EXPECT_EQ(missing.pid(), -1);
  std::filesystem::remove(log);
}

}  // namespace
}  // namespace sluice
