// Room for several admissions at once. The stress test runs under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/dataplane/session/session_pairs.h"

namespace sluice {
namespace {

std::unique_ptr<SessionTable> MakeTable(uint32_t capacity) {
  return SessionTable::Make(HeapMemory(), {capacity, 16, 4}, HashSecret::FromSeed(1));
}

// The pairs of `count` admissions, or none.
std::vector<PairIdx> Reserve(SessionTable& table, uint32_t count, const PairDemand& demand) {
  LeavingPairs leaving;
  table.LookAhead(count, leaving);
  const std::vector<const PairDemand*> demands(count, &demand);
  std::vector<PairIdx> pairs(count);
  if (!table.ReserveTogether(demands.data(), count, leaving, pairs.data())) {
    pairs.clear();
  }
  return pairs;
}

LineIdx Open(SessionTable& table, PairIdx pair, const SessionKey& key) {
  Admission admission;
  LineIdx existing;
  if (table.BeginReserved(pair, key, table.hasher().HashOne(key), TrackedCold(), &admission,
                          &existing) != ClaimOutcome::kClaimed) {
    return LineIdx::None();
  }
  if (table.ClaimReverse(admission, AnswerKey(key, 2), &existing) != ClaimOutcome::kClaimed) {
    table.Abandon(admission);
    return LineIdx::None();
  }
  table.Publish(admission);
  return ForwardLine(pair);
}

void Finish(SessionTable& table, LineIdx line) {
  table.Line(line).state.store(kLineSeen | kLineReset, std::memory_order_relaxed);
  table.NoteClosed(line);
}

const PairDemand kTracked = {TrackedCold(), {}};

TEST(SessionReserveTest, ReservedPairsAreCountedAndOpenLikeOthers) {
  auto table = MakeTable(2000);
  const std::vector<PairIdx> pairs = Reserve(*table, 20, kTracked);
  ASSERT_EQ(pairs.size(), 20u);
  EXPECT_EQ(table->Counts().counted, 20u);
  EXPECT_EQ(table->CountOfInterface(1), 20u);
  EXPECT_EQ(table->CountOfInterface(2), 20u);
  EXPECT_EQ(table->CountOfVpc(0), 20u);
  EXPECT_EQ(table->Counts().spare, table->pair_count() - 20);
  for (uint32_t n = 0; n < 18; ++n) {
    ASSERT_TRUE(Open(*table, pairs[n], KeyNumber(n)).has_value());
    EXPECT_EQ(table->FindOne(AnswerKey(KeyNumber(n), 2)), ReverseLine(pairs[n]));
  }
  EXPECT_FALSE(Open(*table, pairs[18], KeyNumber(0)).has_value()) << "its key is taken";
  table->GiveBack(TrackedCold(), pairs[19]);
  EXPECT_EQ(table->Counts().counted, 18u);
  EXPECT_EQ(table->CountOfInterface(2), 18u);
  EXPECT_EQ(table->Counts().spare, table->pair_count() - 18);
}

TEST(SessionReserveTest, AFullTableLetsTheOldestFinishedGoAndNoMoreThanHaveTo) {
  constexpr uint32_t kPairs = 1000;
  auto table = MakeTable(kPairs);
  std::vector<LineIdx> lines;
  for (uint32_t n = 0; n < kPairs - 2; ++n) lines.push_back(InsertPair(*table, KeyNumber(n)));
  for (const uint32_t n : {7u, 3u, 9u, 1u}) Finish(*table, lines[n]);
  const std::vector<PairIdx> pairs = Reserve(*table, 5, kTracked);  // three have to go
  ASSERT_EQ(pairs.size(), 5u);
  EXPECT_EQ(table->Counts().counted, kPairs);
  EXPECT_EQ(table->CountOfVpc(0), kPairs);
  for (const uint32_t n : {7u, 3u, 9u}) EXPECT_FALSE(table->FindOne(KeyNumber(n)).has_value()) << n;
  EXPECT_TRUE(table->FindOne(KeyNumber(1)).has_value());
  EXPECT_EQ(FreeUnlinked(*table), 3u);
}

// A pair that left comes back after two milliseconds or so; 1.5 million connections a second need
// 3,000 until then. A small table is not worth that many spare ones, but an eighth.
TEST(SessionReserveTest, AFullTableTurnsOverForTwoMilliseconds) {
  for (const auto& [capacity, wanted] :
       {std::pair{65'536u, 3'000u}, {32'768u, 3'000u}, {16'384u, 2'000u}}) {
    auto table = MakeTable(capacity);
    for (uint32_t n = 0; n < capacity; ++n) {
      Finish(*table, InsertPair(*table, KeyNumber(n)));
    }
    uint32_t turned = 0;
    for (LineIdx line; (line = InsertPair(*table, KeyNumber(capacity + turned))).has_value();
         ++turned) {
      Finish(*table, line);
    }
    EXPECT_GE(turned, wanted) << capacity;
    EXPECT_LE(table->pair_count() - capacity, capacity / 8) << "dear";
  }
}

TEST(SessionReserveTest, AllOrNothingWhereRoomIsShort) {
  auto table = MakeTable(64);
  std::vector<LineIdx> lines;
  for (uint32_t n = 0; n < 64; ++n) lines.push_back(InsertPair(*table, KeyNumber(n)));
  EXPECT_TRUE(Reserve(*table, 1, kTracked).empty()) << "nothing has finished";
  Finish(*table, lines[5]);
  EXPECT_TRUE(Reserve(*table, 2, kTracked).empty()) << "only one has finished";
  EXPECT_EQ(table->Counts().counted, 64u);
  EXPECT_EQ(table->CountOfInterface(1), 64u);
  EXPECT_EQ(table->Counts().spare, table->pair_count() - 64);
  EXPECT_TRUE(table->FindOne(KeyNumber(5)).has_value());
  EXPECT_EQ(Reserve(*table, 1, kTracked).size(), 1u);
}

TEST(SessionReserveTest, WhatIsFinishedNoMoreDoesNotGo) {
  auto table = MakeTable(64);
  std::vector<LineIdx> lines;
  for (uint32_t n = 0; n < 64; ++n) lines.push_back(InsertPair(*table, KeyNumber(n)));
  Finish(*table, lines[5]);
  table->Line(lines[5]).state.store(kLineSeen, std::memory_order_relaxed);
  EXPECT_TRUE(Reserve(*table, 1, kTracked).empty());
  EXPECT_TRUE(table->FindOne(KeyNumber(5)).has_value());
  EXPECT_EQ(table->Counts().counted, 64u);
  EXPECT_EQ(table->CountOfVpc(0), 64u);
}

TEST(SessionReserveTest, AWS_SG_14_TheLastPlacesOfALimitAreGivenOneByOne) {
  auto table = MakeTable(2000);
  EXPECT_TRUE(Reserve(*table, 2, {TrackedCold(), {0, 100, 0}}).empty());
  EXPECT_EQ(table->Counts().counted, 0u);
  EXPECT_EQ(table->CountOfInterface(2), 0u);
  EXPECT_EQ(Reserve(*table, 2, {TrackedCold(), {0, 1000, 0}}).size(), 2u);
  EXPECT_TRUE(Reserve(*table, 2, {SessionCold{}, {}}).empty())
      << "a cached decision is not counted";
}

// A finished pair that left otherwise and was taken for another flow, which has finished too, is
// still noted with the keys of the first.
TEST(SessionReserveTest, APairThatServesAnotherFlowByNowLeavesWithTheKeysItHas) {
  auto table = MakeTable(64);
  std::vector<LineIdx> lines;
  for (uint32_t n = 0; n < 64; ++n) lines.push_back(InsertPair(*table, KeyNumber(n)));
  Finish(*table, lines[5]);
  ASSERT_TRUE(table->Unlink(PairOf(lines[5])));
  ASSERT_EQ(FreeUnlinked(*table), 1u);
  const LineIdx again = InsertPair(*table, KeyNumber(100));
  ASSERT_EQ(PairOf(again), PairOf(lines[5])) << "the pair that was freed last is taken first";
  table->Line(again).state.store(kLineSeen | kLineReset, std::memory_order_relaxed);
  EXPECT_EQ(Reserve(*table, 1, kTracked).size(), 1u);
  EXPECT_FALSE(table->FindOne(KeyNumber(100)).has_value());
  EXPECT_FALSE(table->FindOne(AnswerKey(KeyNumber(100), 2)).has_value());
  EXPECT_EQ(table->Counts().counted, 64u);
}

// The bucket of a key; buckets hold six entries on average.
uint32_t HomeIn(const SessionTable& table, const SessionKey& key) {
  return HomeOf(table.hasher().HashOne(key), 2 * table.pair_count() / 6);
}

// The first key from number `from` on whose bucket is `least` to `most` behind `home`.
uint32_t NumberBehind(const SessionTable& table, uint32_t home, uint32_t least, uint32_t most,
                      uint32_t from) {
  while (HomeIn(table, KeyNumber(from)) - home - least > most - least) {
    ++from;
  }
  return from;
}

// The same, where the other flow's entry lies behind a bucket that was too small for all of the
// first one's neighbours.
TEST(SessionReserveTest, APairThatServesAnotherFlowByNowTakesNobodysPlaceAlong) {
  auto table = MakeTable(64);
  const uint32_t home = HomeIn(*table, KeyNumber(0));
  std::vector<uint32_t> neighbours;
  for (uint32_t n = 0; neighbours.size() < 13; ++n) {
    neighbours.push_back(n = NumberBehind(*table, home, 0, 0, n));
    ASSERT_TRUE(InsertPair(*table, KeyNumber(n)).has_value());
  }
  ASSERT_GT(table->OverflowPartsPerMillion(), 0u);
  const LineIdx first = table->FindOne(KeyNumber(0));
  Finish(*table, first);
  ASSERT_TRUE(table->Unlink(PairOf(first)));
  ASSERT_EQ(FreeUnlinked(*table), 1u);
  const uint32_t other = NumberBehind(*table, home, 2, 15, 0);
  const LineIdx again = InsertPair(*table, KeyNumber(other));
  ASSERT_EQ(PairOf(again), PairOf(first));
  table->Line(again).state.store(kLineSeen | kLineReset, std::memory_order_relaxed);
  for (uint32_t n = 1'000'000; table->Counts().counted < 64; ++n) {
    ASSERT_TRUE(InsertPair(*table, KeyNumber(n)).has_value());
  }
  EXPECT_EQ(Reserve(*table, 1, kTracked).size(), 1u);
  EXPECT_FALSE(table->FindOne(KeyNumber(other)).has_value());
  for (uint32_t n = 1; n < 13; ++n) {
    EXPECT_TRUE(table->FindOne(KeyNumber(neighbours[n])).has_value()) << n;
  }
}

void Push(ClosedRing& ring, uint32_t from, uint32_t count) {
  std::vector<ClosedPair> closed;
  for (uint32_t n = from; n < from + count; ++n) {
    closed.push_back({PairIdx(n), n << 24, n + 1000});
  }
  ring.Push(closed.data(), count);
}

TEST(SessionReserveTest, FinishedPairsComeInOrderFromTheirRing) {
  ClosedRing ring;
  ASSERT_TRUE(ring.Make(HeapMemory(), 16));
  EXPECT_TRUE(ring.IsEmpty());
  Push(ring, 0, 10);
  const uint32_t first = ring.Next();
  ClosedPair closed;
  ASSERT_TRUE(ring.PeekAt(first + 3, closed));
  EXPECT_EQ(closed.pair, PairIdx(3));
  EXPECT_EQ(closed.forward_home, 3u << 24);
  EXPECT_EQ(closed.reverse_home, 1003u);
  EXPECT_FALSE(ring.PeekAt(first + 10, closed));
  EXPECT_FALSE(ring.PopSeen(first + 1, 2)) << "not the next";
  EXPECT_TRUE(ring.PopSeen(first, 4));
  EXPECT_EQ(ring.Pop(), PairIdx(4));
  EXPECT_FALSE(ring.IsFull());
  Push(ring, 10, 14);  // eleven find room
  EXPECT_TRUE(ring.IsFull());
  for (uint32_t n = 5; n < 21; ++n) EXPECT_EQ(ring.Pop(), PairIdx(n));
  EXPECT_FALSE(ring.Pop().has_value());
  EXPECT_TRUE(ring.IsEmpty());
}

// Two workers open and finish flows on reserved pairs; the main thread gives pairs back after a
// grace period of both.
class Turnover {
  std::unique_ptr<SessionTable> owned_ = MakeTable(kCapacity);

 public:
  static constexpr uint32_t kCapacity = 600;

  void Work(uint32_t worker) {
    std::mt19937 random(worker);
    for (uint32_t n = 0; n < 60000;) {
      const uint32_t count = 1 + random() % 6;
      for (const PairIdx pair : Reserve(table, count, kTracked)) {
        opened[worker] += OpenOrNot(worker, pair, n++, random() % 8);
      }
      if (table.Counts().counted > kCapacity + 2 * kFindBatch) {
        wrong.fetch_add(1);
      }
      seen[worker].store(period.load());
      std::this_thread::yield();
      n += 1;
    }
    seen[worker].store(~0u);
  }

  void GiveBackFreed() {
    for (bool over = false; !over;) {
      over = seen[0].load() == ~0u && seen[1].load() == ~0u;
      PairIdx pair = table.TakeUnlinked();
      const uint32_t now = period.fetch_add(1) + 1;
      while (seen[0].load() < now || seen[1].load() < now) {
        std::this_thread::yield();
      }
      while (pair.has_value()) {
        const PairIdx next = table.NextUnlinked(pair);
        table.Free(pair);
        pair = next;
      }
    }
  }

  SessionTable& table = *owned_;
  std::atomic<uint32_t> wrong{0};
  uint32_t opened[2] = {};

 private:
  uint32_t OpenOrNot(uint32_t worker, PairIdx pair, uint32_t n, uint32_t fate) {
    if (fate == 0) {
      table.GiveBack(TrackedCold(), pair);
      return 0;
    }
    const LineIdx line = Open(table, pair, KeyNumber(n * 2 + (fate == 1 ? 0 : worker)));
    if (line.has_value()) {
      Finish(table, line);
    }
    return line.has_value() ? 1 : 0;
  }

  std::atomic<uint32_t> period{0};
  std::atomic<uint32_t> seen[2] = {0, 0};
};

TEST(SessionReserveTest, StressWorkersShareRoomAndLoseNothing) {
  Turnover turnover;
  std::thread first([&] { turnover.Work(0); });
  std::thread second([&] { turnover.Work(1); });
  turnover.GiveBackFreed();
  first.join();
  second.join();
  SessionTable& table = turnover.table;
  FreeUnlinked(table);
  EXPECT_EQ(turnover.wrong.load(), 0u);
  EXPECT_GT(turnover.opened[0] + turnover.opened[1], 2 * Turnover::kCapacity);
  uint32_t live = 0;
  for (uint32_t i = 0; i < table.pair_count(); ++i) {
    live += table.IsLive(PairIdx(i)) ? 1 : 0;
  }
  EXPECT_LE(live, Turnover::kCapacity);
  EXPECT_EQ(table.Counts().counted, live);
  EXPECT_EQ(table.CountOfInterface(2), live);
  EXPECT_EQ(table.CountOfVpc(0), live);
  EXPECT_EQ(table.Counts().spare, table.pair_count() - live);
}

}  // namespace
}  // namespace sluice
