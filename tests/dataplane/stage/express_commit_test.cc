#include "dataplane/stage/express_commit.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <random>

#include "dataplane/stage/nat_count.h"

namespace sluice {
namespace {

// A worker with a session table of its own.
struct Worker {
  Worker() {
    sessions = SessionTable::Make(HeapMemory(), {64, 1, 1}, HashSecret::FromSeed(1));
    context.sessions = sessions.get();
    context.counters = &counters;
    context.now_ms = 5000;
    context.now_ns = 1'700'000'000'000'000'000;
  }
  std::unique_ptr<SessionTable> sessions;
  WorkerCounters counters{1};
  WorkerContext context;
};

void Fill(SessionLine& line, uint64_t bits, uint64_t counters, uint16_t window) {
  line.last_seen_ms.store(static_cast<uint32_t>(bits) % 5000);
  line.next_seq.store(static_cast<uint32_t>(bits >> 20));
  line.state.store((bits & 1) != 0 ? kLineNat : 0);
  line.fin_seq.store(static_cast<uint32_t>(bits >> 50) % 5);  // the gateway
  line.window.store(window);
  line.counters.store(counters);
}

void ExpectSame(const SessionLine& a, const SessionLine& b) {
  EXPECT_EQ(a.last_seen_ms.load(), b.last_seen_ms.load());
  EXPECT_EQ(a.next_seq.load(), b.next_seq.load());
  EXPECT_EQ(a.window.load(), b.window.load());
  EXPECT_EQ(a.counters.load(), b.counters.load());
  EXPECT_EQ(a.generation.load(), b.generation.load());
  EXPECT_EQ(a.state.load(), b.state.load());
}

void ExpectSame(const NatCounters& a, const NatCounters& b) {
  EXPECT_EQ(a.from_source.left_packets.Read(), b.from_source.left_packets.Read());
  EXPECT_EQ(a.from_source.left_bytes.Read(), b.from_source.left_bytes.Read());
  EXPECT_EQ(a.from_destination.left_packets.Read(), b.from_destination.left_packets.Read());
  EXPECT_EQ(a.from_destination.left_bytes.Read(), b.from_destination.left_bytes.Read());
}

// Eight packets of few or of many sessions, some of whose windows are over, empty or nearly full.
void RandomGroup(std::mt19937_64& random, Worker& eight, Worker& one, ExpressLanes& found) {
  found.window = WindowOf(ClockOf(eight.context));
  const uint64_t odd = random() % 2 == 0 ? 4 : 100;  // one line in so many
  for (uint32_t i = 0; i < 2 * eight.sessions->pair_count() && i < 128; ++i) {
    const uint64_t bits = random();
    const uint64_t near_full = random() % 2 == 0
                                   ? uint64_t{1} << kLineBytesBits | (kLineBytesMask - 100)
                                   : kLinePacketsMax << kLineBytesBits | 1000;
    const uint64_t plain = (1 + random() % 1000) << kLineBytesBits | random() % 100000;
    const uint64_t counters = random() % odd != 0 ? plain : random() % 2 == 0 ? 0 : near_full;
    const auto window =
        static_cast<uint16_t>(random() % odd != 0 ? found.window : found.window ^ 0x0040);
    Fill(eight.sessions->Line(LineIdx(i)), bits, counters, window);
    Fill(one.sessions->Line(LineIdx(i)), bits, counters, window);
  }
  const uint64_t lines = random() % 2 == 0 ? 30 : 100;
  for (uint32_t i = 0; i < kEight; ++i) {
    found.line[i] = LineIdx(static_cast<uint32_t>(random() % lines));
    found.glance.ip_bytes[i] = 40 + static_cast<uint32_t>(random() % 9000);
    found.glance.end_seq[i] = static_cast<uint32_t>(random());
  }
}

TEST(ExpressCommitTest, EightAreCountedAsOneByOne) {
  constexpr uint32_t kSeed = 3;
  std::printf("[ seed     ] %u\n", kSeed);
  std::mt19937_64 random(kSeed);
  Worker eight, one;
  const auto found = std::make_unique<ExpressLanes>();
  for (int round = 0; round < 5000 && !HasFailure(); ++round) {
    RandomGroup(random, eight, one, *found);
    const uint32_t count = random() % 3 == 0 ? 1 + static_cast<uint32_t>(random() % 8) : kEight;
    EightLines at;
    for (uint32_t i = 0; i < kEight; ++i) {
      at[i] = &eight.sessions->Line(found->line[i]);
    }
    const Lines lines = ReadLines(at);
    const Packets packets = ReadPackets(*found, 0, lines);
    CommitLines(eight.context, at, *found, 0, count, packets, lines);
    NatCounting counting;
    PrepareNatCounting(packets.translated, packets, lines.nat_gateway, counting);
    CountNat(eight.context, counting, count);
    for (uint32_t i = 0; i < count; ++i) {
      SessionLine& line = one.sessions->Line(found->line[i]);
      CountInSession(one.context, found->line[i], found->glance.ip_bytes[i], 0);
      RefreshLine(line, found->glance.end_seq[i], one.context.now_ms);
      if ((line.state.load() & kLineNat) != 0) {
        CountNatHit(one.counters.Of(GatewayOf(line)), found->line[i], found->glance.ip_bytes[i]);
      }
    }
    for (uint32_t i = 0; i < kEight; ++i) {
      ExpectSame(eight.sessions->Line(found->line[i]), one.sessions->Line(found->line[i]));
    }
  }
  for (uint32_t gateway = 0; gateway < 5; ++gateway) {
    ExpectSame(eight.counters.nat_gateways[gateway], one.counters.nat_gateways[gateway]);
  }
}

}  // namespace
}  // namespace sluice
