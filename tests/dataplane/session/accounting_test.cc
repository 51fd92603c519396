#include "dataplane/session/accounting.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <vector>

#include "dataplane/session/ageing.h"
#include "dataplane/session/session_state.h"
#include "tests/dataplane/session/session_pairs.h"

namespace sluice {
namespace {

constexpr uint64_t kMinuteMs = 60'000;
constexpr uint64_t kEpochMs = 1'700'000'040'000;  // the start of a minute
static_assert(kEpochMs % kMinuteMs == 0);

// The session clock begins near its wrap on purpose.
BurstClock At(uint64_t ms) {
  return {static_cast<uint32_t>(0xffff'f000 + ms), kEpochMs + ms};
}

std::unique_ptr<FlowAccount> MakeAccount(uint32_t rows = 64, uint32_t records = 64) {
  return FlowAccount::Make(HeapMemory(), {rows, records, 16}, HashSecret::FromSeed(1));
}

FlowSighting Sighting(uint32_t n, FlowAction action = FlowAction::kReject) {
  FlowSighting s;
  s.interface_idx = 3;
  s.src = s.pkt_src = 0x0a000000 + n;
  s.dst = s.pkt_dst = 0x0a010000;
  s.src_l4_port = 1000;
  s.dst_l4_port = 80;
  s.protocol = kProtocolTcp;
  s.direction = FlowDirection::kIngress;
  s.action = action;
  return s;
}

std::vector<FlowRecord> TakeAll(FlowAccount& account) {
  std::vector<FlowRecord> records;
  for (FlowRecord r; account.Take(&r);) {
    records.push_back(r);
  }
  return records;
}

TEST(AccountingTest, AWS_FL_13_TcpFlags) {
  EXPECT_EQ(FlowLogTcpFlags(kTcpSyn), 2);
  EXPECT_EQ(FlowLogTcpFlags(kTcpSyn | kTcpAck), 18);
  EXPECT_EQ(FlowLogTcpFlags(kTcpAck), 0);
  EXPECT_EQ(FlowLogTcpFlags(kTcpAck | kTcpPsh), 0);
  EXPECT_EQ(FlowLogTcpFlags(kTcpFin | kTcpAck), 1);
  EXPECT_EQ(FlowLogTcpFlags(kTcpRst | kTcpAck), 4);
}

TEST(AccountingTest, AWS_FL_03_ALineEndsItsWindowAtTheFirstPacketOfTheNext) {
  auto table = SessionTable::Make(HeapMemory(), {10, 16, 4}, HashSecret::FromSeed(1));
  auto account = MakeAccount();
  SessionCold cold = TrackedCold();
  cold.flow_log = kFlowLogInitiator;
  const LineIdx line = InsertPair(*table, KeyNumber(5), cold);
  SessionLine& fields = table->Line(line);
  const auto send = [&](uint64_t ms, uint32_t bytes, uint8_t flags) {
    account->CountLine(line, fields, cold, bytes, flags, At(ms));
    RefreshLine(fields, 0, At(ms).now_ms);
  };
  send(1'500, 60, kTcpSyn);
  send(2'000, 52, kTcpAck);
  send(59'999, 1500, kTcpAck | kTcpFin);
  EXPECT_TRUE(TakeAll(*account).empty());
  send(60'000, 40, kTcpAck);
  const std::vector<FlowRecord> records = TakeAll(*account);
  ASSERT_EQ(records.size(), 1u);
  const FlowRecord& r = records[0];
  EXPECT_EQ(r.packets, 3u);
  EXPECT_EQ(r.bytes, 1612u);
  EXPECT_EQ(r.minute, kEpochMs / kMinuteMs);
  EXPECT_EQ(r.first_s, kEpochMs / 1000 + 1);
  EXPECT_EQ(r.last_s, kEpochMs / 1000 + 59);
  EXPECT_EQ(r.tcp_flags, 3);
  EXPECT_EQ(r.interface_idx, 1u);
  EXPECT_EQ(r.peer_interface_idx, 2u);
  EXPECT_EQ(r.src, KeyNumber(5).src());
  EXPECT_EQ(r.dst_l4_port, 80);
  EXPECT_EQ(r.line, line);
  EXPECT_EQ(r.flow_log, kFlowLogInitiator);
  EXPECT_FALSE(r.partial);
  EXPECT_EQ(r.action, FlowAction::kAccept);
}

TEST(AccountingTest, NearlyFullLineCountersLeaveEarlyAndNothingIsLost) {
  SessionLine line{};
  LineWindow ended;
  uint64_t packets = 0;
  EXPECT_FALSE(CountInLine(line, WindowOf(At(0)), 100, 0, &ended));
  line.counters.store(kLinePacketsMax << kLineBytesBits | 100);
  ASSERT_TRUE(CountInLine(line, WindowOf(At(1)), 100, 0, &ended));
  packets += ended.packets;
  EXPECT_TRUE(ended.partial);
  EXPECT_EQ(packets, kLinePacketsMax);
  EXPECT_EQ(line.counters.load(), uint64_t{1} << kLineBytesBits | 100);
  line.counters.store(uint64_t{5} << kLineBytesBits | (kLineBytesMask - 50));
  ASSERT_TRUE(CountInLine(line, WindowOf(At(2)), 100, 0, &ended));
  EXPECT_EQ(ended.bytes, kLineBytesMask - 50);
  line.counters.store(uint64_t{5} << kLineBytesBits | (kLineBytesMask - 100));
  EXPECT_FALSE(CountInLine(line, WindowOf(At(3)), 100, 0, &ended)) << "exactly full still fits";
}

TEST(AccountingTest, AWS_FL_10_RowsKeepActionsAndInterfacesApart) {
  auto account = MakeAccount();
  for (int i = 0; i < 3; ++i) account->Count(Sighting(1), 40, kTcpSyn, At(i * 1000));
  account->Count(Sighting(1, FlowAction::kAccept), 40, 0, At(4000));
  FlowSighting elsewhere = Sighting(1);
  elsewhere.interface_idx = 4;
  account->Count(elsewhere, 40, 0, At(5000));
  account->EmitEnded(At(59'999), 64);
  EXPECT_TRUE(TakeAll(*account).empty()) << "the window is not over";
  account->EmitEnded(At(60'000), 64);
  const std::vector<FlowRecord> records = TakeAll(*account);
  ASSERT_EQ(records.size(), 3u);
  uint64_t rejected = 0;
  for (const FlowRecord& r : records) {
    EXPECT_FALSE(r.line.has_value());
    EXPECT_EQ(r.direction, FlowDirection::kIngress);
    if (r.action == FlowAction::kReject && r.interface_idx == 3) {
      rejected = r.packets;
      EXPECT_EQ(r.bytes, 120u);
      EXPECT_EQ(r.first_s, kEpochMs / 1000);
      EXPECT_EQ(r.last_s, kEpochMs / 1000 + 2);
      EXPECT_EQ(r.tcp_flags, 2);
    }
  }
  EXPECT_EQ(rejected, 3u);
}

// However many flows there are and however they displace each other, packets and bytes add up.
TEST(AccountingTest, DisplacedRowsLoseNothing) {
  auto account = MakeAccount(16, 8192);
  uint64_t seed = 3;
  std::map<uint32_t, uint64_t> sent;
  for (uint64_t i = 0; i < 5000; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const uint32_t n = static_cast<uint32_t>(seed >> 40) % 100;
    account->Count(Sighting(n), 40 + n, 0, At(i * 50));
    ++sent[n];
  }
  account->EmitAll();
  std::map<uint32_t, uint64_t> reported;
  for (const FlowRecord& r : TakeAll(*account)) {
    const uint32_t n = r.src - 0x0a000000;
    reported[n] += r.packets;
    EXPECT_EQ(r.bytes, r.packets * (40 + n));
    EXPECT_GE(r.first_s, r.minute * 60);
    EXPECT_LT(r.last_s, r.minute * 60 + 60);
  }
  EXPECT_EQ(sent, reported);
  EXPECT_EQ(account->lost(), 0u);
}

TEST(AccountingTest, AWS_FL_12_AFullRingCountsWhatItLost) {
  auto account = MakeAccount(64, 4);
  FlowRecord r;
  r.interface_idx = 3;
  r.peer_interface_idx = 5;
  for (int i = 0; i < 7; ++i) account->Emit(r);
  EXPECT_EQ(account->lost(), 3u);
  EXPECT_EQ(account->LostOf(3), 3u);
  EXPECT_EQ(account->LostOf(5), 3u);
  EXPECT_EQ(account->LostOf(6), 0u);
  EXPECT_EQ(TakeAll(*account).size(), 4u);
  account->Emit(r);
  EXPECT_EQ(TakeAll(*account).size(), 1u);
}

TEST(AccountingTest, TheRingCarriesEveryRecordOnceBetweenThreads) {
  FlowRecordRing ring;
  ASSERT_TRUE(ring.Make(HeapMemory(), 64));
  constexpr uint32_t kRecords = 20000;
  std::thread worker([&] {
    for (uint32_t i = 0; i < kRecords;) {
      FlowRecord r;
      r.packets = i;
      r.bytes = ~uint64_t{i};
      if (ring.Push(r)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (uint32_t i = 0; i < kRecords;) {
    FlowRecord r;
    if (ring.Take(&r)) {
      ASSERT_EQ(r.packets, i);
      ASSERT_EQ(r.bytes, ~uint64_t{i});
      ++i;
    } else {
      std::this_thread::yield();
    }
  }
  worker.join();
}

// --- the sweep ---

struct Sink final : FlowRecordSink {
  void OnRecord(const FlowRecord& record) override { records.push_back(record); }
  std::vector<FlowRecord> records;
};

TEST(AgeingTest, ReclaimsExpiredPairsAndReportsTheirLastWindow) {
  auto table = SessionTable::Make(HeapMemory(), {10, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), true);
  NoReaders grace;
  Sink sink;
  const SessionKey key = KeyNumber(1, kProtocolUdp);
  const LineIdx line = InsertPair(*table, key);
  SessionLine& fields = table->Line(line);
  LineWindow ended;
  CountInLine(fields, WindowOf(At(50'000)), 100, 0, &ended);
  AcceptPacket(fields, table->Line(PeerOf(line)), true, {kProtocolUdp, 0, 0, 0, 0},
               At(50'000).now_ms);
  const uint32_t all = table->pair_count();
  sweep->Step(At(61'999), all, grace, &sink);
  EXPECT_TRUE(sink.records.empty()) << "packets may still be on their way into the window";
  sweep->Step(At(62'000), all, grace, &sink);
  ASSERT_EQ(sink.records.size(), 1u);
  EXPECT_EQ(sink.records[0].packets, 1u);
  EXPECT_TRUE(sweep->AlreadyReported(sink.records[0]));
  sweep->Step(At(80'000), all, grace, &sink);
  EXPECT_TRUE(table->FindOne(key).has_value()) << "30 s idle, not more";
  sweep->Step(At(80'001), all, grace, &sink);
  EXPECT_FALSE(table->FindOne(key).has_value());
  EXPECT_EQ(table->Counts().counted, 0u);
  sweep->Step(At(80'002), all, grace, &sink);
  EXPECT_EQ(sweep->counts().freed, 1u);
  EXPECT_EQ(sink.records.size(), 1u) << "reported once";
  EXPECT_EQ(table->Counts().spare, all);
}

// The record a worker pushes after the sweep has reported the same idle window is recognised.
TEST(AgeingTest, ADuplicateOfAReportedWindowIsKnown) {
  auto table = SessionTable::Make(HeapMemory(), {10, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), true);
  auto account = MakeAccount();
  NoReaders grace;
  Sink sink;
  const SessionCold cold = TrackedCold();
  const LineIdx line = InsertPair(*table, KeyNumber(1), cold);
  SessionLine& fields = table->Line(line);
  const auto send = [&](uint64_t ms) {
    account->CountLine(line, fields, cold, 100, kTcpAck, At(ms));
    AcceptPacket(fields, table->Line(PeerOf(line)), true, {kProtocolTcp, kTcpAck, 1, 1, 0},
                 At(ms).now_ms);
  };
  send(10'000);
  sweep->Step(At(65'000), table->pair_count(), grace, &sink);
  ASSERT_EQ(sink.records.size(), 1u);
  send(66'000);
  send(125'000);
  const std::vector<FlowRecord> records = TakeAll(*account);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_TRUE(sweep->AlreadyReported(records[0]));
  EXPECT_FALSE(sweep->AlreadyReported(records[1]));
  // The end: what is still counted, once.
  sweep->ExportAll(At(126'000), sink);
  ASSERT_EQ(sink.records.size(), 2u);
  EXPECT_EQ(sink.records[1].minute, kEpochMs / kMinuteMs + 2);
  sweep->ExportAll(At(126'000), sink);
  EXPECT_EQ(sink.records.size(), 2u);
}

// Before a configuration changes what interface indices mean: every packet is reported once.
TEST(AgeingTest, FlushedLinesCountAnewInTheSameWindow) {
  auto table = SessionTable::Make(HeapMemory(), {10, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), true);
  auto account = MakeAccount();
  Sink sink;
  const SessionCold cold = TrackedCold();
  const LineIdx line = InsertPair(*table, KeyNumber(1), cold);
  SessionLine& fields = table->Line(line);
  const auto send = [&](uint64_t ms) {
    account->CountLine(line, fields, cold, 100, kTcpAck, At(ms));
    AcceptPacket(fields, table->Line(PeerOf(line)), true, {kProtocolTcp, kTcpAck, 1, 1, 0},
                 At(ms).now_ms);
  };
  send(10'000);
  send(11'000);
  sweep->FlushLines(At(20'000), sink);
  sweep->FlushLines(At(20'000), sink);
  ASSERT_EQ(sink.records.size(), 1u);
  EXPECT_EQ(sink.records[0].packets, 2u);
  EXPECT_EQ(sink.records[0].bytes, 200u);
  EXPECT_TRUE(sink.records[0].partial);
  send(21'000);
  send(66'000);
  const std::vector<FlowRecord> rest = TakeAll(*account);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_FALSE(sweep->AlreadyReported(rest[0]));
  EXPECT_EQ(rest[0].packets, 1u);
  EXPECT_EQ(rest[0].minute, sink.records[0].minute);
  // A window that the sweep has reported is not flushed again.
  NoReaders grace;
  sweep->Step(At(125'000), table->pair_count(), grace, &sink);
  ASSERT_EQ(sink.records.size(), 2u);
  sweep->FlushLines(At(126'000), sink);
  EXPECT_EQ(sink.records.size(), 2u);
}

TEST(AgeingTest, EveryStepIsBoundedAndWaitsForTheGracePeriod) {
  struct Closed final : GracePeriods {
    uint64_t Begin() override { return 1; }
    bool IsOver(uint64_t) const override { return open; }
    bool open = false;
  } grace;
  auto table = SessionTable::Make(HeapMemory(), {100, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), false);
  for (uint32_t n = 0; n < 100; ++n) {
    ASSERT_TRUE(InsertPair(*table, KeyNumber(n)).has_value());  // never seen: expired at once
  }
  const uint32_t all = table->pair_count();
  sweep->Step(At(0), 10, grace, nullptr);
  EXPECT_EQ(sweep->counts().expired, 10u);
  sweep->Step(At(0), all, grace, nullptr);
  EXPECT_EQ(sweep->counts().expired, 100u);
  for (int i = 0; i < 5; ++i) sweep->Step(At(0), all, grace, nullptr);
  EXPECT_EQ(sweep->counts().freed, 0u);
  grace.open = true;
  sweep->Step(At(0), 7, grace, nullptr);
  EXPECT_EQ(sweep->counts().freed, 7u);
  for (int i = 0; i < 30; ++i) sweep->Step(At(0), 7, grace, nullptr);
  EXPECT_EQ(sweep->counts().freed, 100u);
}

TEST(AgeingTest, UnderPressureIdleCacheOnlyPairsGoFirst) {
  auto table = SessionTable::Make(HeapMemory(), {100, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), false);
  NoReaders grace;
  const auto open = [&](uint32_t n, const SessionCold& cold, uint64_t ms) {
    const LineIdx line = InsertPair(*table, KeyNumber(n), cold);
    if (line.has_value()) {
      AcceptPacket(table->Line(line), table->Line(PeerOf(line)), true,
                   {kProtocolTcp, kTcpSyn, 1, 0, 0}, At(ms).now_ms);
    }
    return line.has_value();
  };
  ASSERT_TRUE(open(0, TrackedCold(), 0));
  for (uint32_t n = 1; n < 50; ++n) ASSERT_TRUE(open(n, SessionCold{}, 0));
  ASSERT_TRUE(open(60, SessionCold{}, 4000));
  sweep->Step(At(5000), table->pair_count(), grace, nullptr);
  EXPECT_EQ(sweep->counts().evicted, 0u);
  uint32_t n = 100;
  while (open(n, SessionCold{}, 5000)) ++n;  // until the table is full
  sweep->Step(At(5000), table->pair_count(), grace, nullptr);
  EXPECT_EQ(sweep->counts().evicted, 49u);
  EXPECT_TRUE(table->FindOne(KeyNumber(0)).has_value());
  EXPECT_TRUE(table->FindOne(KeyNumber(60)).has_value());
}

TEST(AgeingTest, AWS_NAT_07_TheSweepTakesALapsedBindingOut) {
  auto table = SessionTable::Make(HeapMemory(), {10, 16, 4}, HashSecret::FromSeed(1));
  auto sweep = SessionSweep::Make(*table, HeapMemory(), false);
  NoReaders grace;
  SessionCold cold = TrackedCold();
  cold.flags |= kPairNat;
  const LineIdx line = InsertPair(*table, KeyNumber(1), cold);
  SessionLine& forward = table->Line(line);
  SessionLine& reverse = table->Line(PeerOf(line));
  AcceptPacket(forward, reverse, true, {kProtocolTcp, kTcpSyn, 1, 0, 0}, At(0).now_ms);
  AcceptPacket(reverse, forward, false, {kProtocolTcp, kTcpSyn | kTcpAck, 1, 2, 0}, At(0).now_ms);
  AcceptPacket(forward, reverse, true, {kProtocolTcp, kTcpAck, 2, 2, 0}, At(0).now_ms);
  sweep->Step(At(350'000), table->pair_count(), grace, nullptr);
  EXPECT_TRUE(table->FindOne(AnswerKey(KeyNumber(1), 2)).has_value());
  sweep->Step(At(350'001), table->pair_count(), grace, nullptr);
  EXPECT_FALSE(table->FindOne(AnswerKey(KeyNumber(1), 2)).has_value());
  EXPECT_EQ(table->FindOne(KeyNumber(1)), line);
  EXPECT_EQ(sweep->counts().nat_expired, 1u);
}

}  // namespace
}  // namespace sluice
