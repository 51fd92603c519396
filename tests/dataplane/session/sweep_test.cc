#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <vector>

#include "dataplane/session/ageing.h"

namespace sluice {
namespace {

constexpr uint32_t kStepMs = 10;

// A table under a sweep whose rounds take nearly ten seconds, on a virtual clock.
class SweepTest : public ::testing::Test {
 protected:
  SweepTest()
      : table_(SessionTable::Make(HeapMemory(), {61'000, 16, 16}, HashSecret::FromSeed(1))),
        sweep_(SessionSweep::Make(*table_, HeapMemory(), false)),
        budget_(SweepPairsAStep(table_->pair_count() * 128) / 128) {}

  uint32_t RoundMs() const { return (table_->pair_count() / budget_ + 1) * kStepMs; }

  bool Open(uint8_t protocol, const SessionCold& cold, PairIdx* pair) {
    Admission admission;
    LineIdx existing;
    ++opened_;
    const SessionKey key = MakeSessionKey(1, 0x0a000001, 0x08080808 + opened_ / 60000,
                                          static_cast<uint16_t>(opened_ % 60000), 443, protocol);
    if (table_->BeginPair(key, table_->hasher().HashOne(key), cold, {}, &admission, &existing) !=
            ClaimOutcome::kClaimed ||
        table_->ClaimReverse(admission, AnswerKey(key, 2), &existing) != ClaimOutcome::kClaimed) {
      return false;
    }
    *pair = admission.pair;
    Send(*pair, true, protocol == kProtocolTcp ? kTcpSyn : uint8_t{0});
    table_->Publish(admission);
    return true;
  }
  void Send(PairIdx pair, bool forward, uint8_t flags) {
    const LineIdx line = forward ? ForwardLine(pair) : ReverseLine(pair);
    SessionLine& own = table_->Line(line);
    AcceptPacket(own, table_->Line(PeerOf(line)), forward,
                 {KeyOf(own).protocol(), flags, own.next_seq.load(), 0, 0}, now_ms_);
  }
  bool IsDue(PairIdx pair) const {
    return JudgeExpiry(ViewOf(table_->Line(ForwardLine(pair))),
                       ViewOf(table_->Line(ReverseLine(pair))), table_->LoadCold(pair),
                       KeyOf(table_->Line(ForwardLine(pair))).protocol(), now_ms_)
        .gone;
  }
  // Established TCP until the table is full.
  std::vector<PairIdx> Fill(const SessionCold& cold) {
    std::vector<PairIdx> pairs;
    for (PairIdx pair; Open(kProtocolTcp, cold, &pair); pairs.push_back(pair)) {
      Send(pair, false, kTcpSyn | kTcpAck);
      Send(pair, true, kTcpAck);
    }
    return pairs;
  }
  BurstClock Clock() const { return {now_ms_, uint64_t{1'700'000'000'000} + now_ms_}; }
  void Tick() {
    sweep_->Step(Clock(), budget_, grace_, sink_);
    now_ms_ += kStepMs;
  }

  std::unique_ptr<SessionTable> table_;
  std::unique_ptr<SessionSweep> sweep_;
  NoReaders grace_;
  uint32_t budget_;
  uint32_t now_ms_ = 1'000'000;
  uint32_t opened_ = 0;
  FlowRecordSink* sink_ = nullptr;
};

SessionCold ColdOf(uint32_t bits) {
  SessionCold cold;
  cold.flags = bits % 4 == 0 ? 0 : kPairTrackedByInitiator;
  cold.initiator_interface_idx = 1;
  cold.initiator_timeouts = TrackingTimeouts{60, 60, 30}.Pack();
  return cold;
}

SessionCold Established(uint32_t timeout_s) {
  SessionCold cold = ColdOf(1);
  cold.initiator_timeouts = TrackingTimeouts{timeout_s, 60, 30}.Pack();
  return cold;
}

// Whatever packets do, and whatever is passed by: no pair goes early, and none is still there a
// round and kLingerMs after it was due.
TEST_F(SweepTest, NobodyGoesEarlyOrTooLate) {
  constexpr uint32_t kSeed = 21;
  std::printf("[ seed     ] %u\n", kSeed);
  std::mt19937 random(kSeed);
  std::map<uint32_t, uint32_t> due_ms;  // by pair: since when; 0: not yet
  uint32_t latest_ms = 0;
  uint64_t gone = 0;
  for (const uint32_t end_ms = now_ms_ + 400'000; now_ms_ < end_ms; Tick()) {
    PairIdx pair;
    constexpr uint8_t kProtocols[] = {kProtocolTcp, kProtocolTcp, kProtocolUdp, kProtocolIcmp};
    if (random() % 40 == 0 && Open(kProtocols[random() % 4], ColdOf(random()), &pair)) {
      due_ms[pair.value] = 0;
    }
    for (auto at = due_ms.begin(); at != due_ms.end();) {
      auto& [idx, since_ms] = *at;
      if (!table_->IsLive(PairIdx(idx))) {
        EXPECT_NE(since_ms, 0u) << "pair " << idx << " went early";
        latest_ms = std::max(latest_ms, now_ms_ - since_ms);
        ++gone;
        at = due_ms.erase(at);
        continue;
      }
      if (since_ms == 0 && random() % 3000 == 0 && !IsDue(PairIdx(idx))) {
        constexpr uint8_t kFlags[] = {kTcpAck, kTcpAck, kTcpRst, kTcpFin | kTcpAck};
        Send(PairIdx(idx), random() % 2 == 0, kFlags[random() % 4]);
      }
      since_ms = since_ms == 0 && IsDue(PairIdx(idx)) ? now_ms_ : since_ms;
      ++at;
    }
  }
  EXPECT_GT(gone, 500u);
  EXPECT_LE(latest_ms, RoundMs() + kLingerMs + 2 * kStepMs);
  EXPECT_GT(latest_ms, RoundMs() / 2) << "the sweep is slower than that";
  EXPECT_GT(sweep_->counts().passed_by, 0u);
}

TEST_F(SweepTest, QuietBlocksArePassedBy) {
  Fill(Established(432'000));
  const uint64_t pairs = table_->pair_count();
  while (sweep_->counts().rounds < 20) {
    Tick();
  }
  EXPECT_EQ(sweep_->counts().expired, 0u);
  EXPECT_GT(sweep_->counts().passed_by, 12 * pairs);
}

// What rests needs its cold record once: when it comes due is known until a packet comes.
TEST_F(SweepTest, RestingPairsKeepTheirColdRecordsUnread) {
  const std::vector<PairIdx> pairs = Fill(Established(432'000));
  const auto rounds = [&](uint64_t count) {
    const uint64_t cold_reads = sweep_->counts().cold_reads;
    for (const uint64_t end = sweep_->counts().rounds + count; sweep_->counts().rounds < end;) {
      Tick();
    }
    return sweep_->counts().cold_reads - cold_reads;
  };
  rounds(20);  // all have rested for longer than a handshake may take, and been looked at since
  EXPECT_EQ(rounds(20), 0u);
  // One packet in ten blocks: the others of its block are asked again when that one might be due.
  for (size_t i = 0; i < pairs.size(); i += 640) {
    Send(pairs[i], true, kTcpAck);
  }
  const uint64_t woken = rounds(20);
  EXPECT_GT(woken, pairs.size() / 640);
  EXPECT_LT(woken, pairs.size() / 2);
  EXPECT_EQ(sweep_->counts().expired, 0u);
}

TEST_F(SweepTest, RestingPairsGoWhenTheyAreDue) {
  constexpr uint32_t kTimeoutS = 300;
  const std::vector<PairIdx> pairs = Fill(Established(kTimeoutS));
  const uint32_t due_ms = now_ms_ + kTimeoutS * 1000;
  while (now_ms_ <= due_ms) {
    Tick();
  }
  EXPECT_EQ(sweep_->counts().expired, 0u);
  while (now_ms_ <= due_ms + RoundMs() + kLingerMs + 2 * kStepMs) {
    Tick();
  }
  EXPECT_EQ(sweep_->counts().expired, pairs.size());
}

// A worker that stood still between reading its clock and opening, as when its machine was paused,
// opens pairs in blocks that were looked at since. When those come due is not known, yet they go.
TEST_F(SweepTest, PairsOpenedByAClockThatStoodStillGo) {
  while (sweep_->counts().rounds < 2) {
    Tick();
  }
  const uint32_t woken_ms = now_ms_;
  now_ms_ -= 60'000;
  std::vector<PairIdx> pairs;
  for (PairIdx pair; pairs.size() < 50'000 && Open(kProtocolUdp, ColdOf(1), &pair);) {
    pairs.push_back(pair);  // a table that is full looks at everything
  }
  now_ms_ = woken_ms;
  while (now_ms_ < woken_ms + kMostUnreadMs + 2 * RoundMs() + kLingerMs) {
    Tick();
  }
  ASSERT_EQ(pairs.size(), 50'000u);
  EXPECT_EQ(sweep_->counts().expired, pairs.size());
}

// A packet in either direction of every pair, then silence: each window is reported once, within a
// round of the moment when no packet can reach it, although blocks are passed by.
TEST_F(SweepTest, WindowsOfRestingPairsAreReportedWithinARound) {
  struct Sink final : FlowRecordSink {
    void OnRecord(const FlowRecord& record) override { ++lines[record.line.value]; }
    std::map<uint32_t, int> lines;
  } sink;
  sweep_ = SessionSweep::Make(*table_, HeapMemory(), true);
  sink_ = &sink;
  while (Clock().epoch_ms % (kFlowWindowSeconds * 1000) != 30'000) {
    Tick();
  }
  const std::vector<PairIdx> pairs = Fill(Established(432'000));
  LineWindow ended;
  for (const PairIdx pair : pairs) {
    for (const LineIdx line : {ForwardLine(pair), ReverseLine(pair)}) {
      ASSERT_FALSE(CountInLine(table_->Line(line), WindowOf(Clock()), 40, kTcpAck, &ended));
    }
  }
  const uint64_t end_ms = (uint64_t{Clock().Minute()} + 1) * kFlowWindowSeconds * 1000;
  const uint64_t reachable_ms = end_ms + kIdleReportDelayMs;
  while (Clock().epoch_ms < reachable_ms) {
    Tick();
  }
  EXPECT_EQ(sink.lines.size(), 0u);
  EXPECT_GT(sweep_->counts().passed_by, 0u);
  while (Clock().epoch_ms < reachable_ms + RoundMs() + 2 * kStepMs) {
    Tick();
  }
  EXPECT_EQ(sink.lines.size(), 2 * pairs.size());
  for (const uint64_t end = sweep_->counts().rounds + 10; sweep_->counts().rounds < end;) {
    Tick();
  }
  EXPECT_TRUE(std::all_of(sink.lines.begin(), sink.lines.end(),
                          [](const auto& line) { return line.second == 1; }));
}

}  // namespace
}  // namespace sluice
