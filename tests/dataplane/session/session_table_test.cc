#include "dataplane/session/session_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <unordered_map>
#include <vector>

#include "dataplane/session/ageing.h"
#include "tests/dataplane/session/session_pairs.h"

namespace sluice {
namespace {

constexpr uint64_t kSeed = 20261124;

std::unique_ptr<SessionTable> MakeTable(uint32_t capacity, HashKind kind = HashKind::kAuto) {
  return SessionTable::Make(HeapMemory(), {capacity, 64, 8}, HashSecret::FromSeed(kSeed), kind);
}

TEST(SessionTableTest, FindsBothDirectionsOfAPublishedPair) {
  auto table = MakeTable(100);
  ASSERT_NE(table, nullptr);
  const SessionKey key = KeyNumber(7);
  EXPECT_FALSE(table->FindOne(key).has_value());
  const LineIdx line = InsertPair(*table, key);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(table->FindOne(key), line);
  EXPECT_EQ(table->FindOne(AnswerKey(key, 2)), PeerOf(line));
  EXPECT_EQ(table->LoadCold(PairOf(line)), TrackedCold());
  EXPECT_EQ(table->Counts().counted, 1u);
  EXPECT_EQ(table->CountOfInterface(1), 1u);
  EXPECT_EQ(table->CountOfVpc(0), 1u);
}

TEST(SessionTableTest, PendingClaimIsInvisibleAndUndoLeavesNoTrace) {
  auto table = MakeTable(100);
  const SessionKey key = KeyNumber(1);
  Admission admission;
  LineIdx existing;
  ASSERT_EQ(
      table->BeginPair(key, table->hasher().HashOne(key), TrackedCold(), {}, &admission, &existing),
      ClaimOutcome::kClaimed);
  ASSERT_EQ(table->ClaimReverse(admission, AnswerKey(key, 2), &existing), ClaimOutcome::kClaimed);
  EXPECT_FALSE(table->FindOne(key).has_value());
  EXPECT_FALSE(table->FindOne(AnswerKey(key, 2)).has_value());
  const uint32_t spare = table->Counts().spare;
  table->Abandon(admission);
  EXPECT_EQ(table->Counts().counted, 0u);
  EXPECT_EQ(table->Counts().spare, spare + 1);
  EXPECT_TRUE(InsertPair(*table, key).has_value());
}

TEST(SessionTableTest, ASecondInsertOfAKeyReportsTheFirst) {
  auto table = MakeTable(100);
  const LineIdx first = InsertPair(*table, KeyNumber(1));
  Admission admission;
  LineIdx existing;
  const SessionKey key = KeyNumber(1);
  EXPECT_EQ(
      table->BeginPair(key, table->hasher().HashOne(key), TrackedCold(), {}, &admission, &existing),
      ClaimOutcome::kExists);
  EXPECT_EQ(existing, first);
  EXPECT_EQ(table->Counts().counted, 1u);
}

// Against std::unordered_map, in one thread, through fill, churn and empty.
TEST(SessionTableTest, BehavesLikeAMap) {
  for (const HashKind kind : {HashKind::kAuto, HashKind::kFold}) {
    auto table = MakeTable(3000, kind);
    std::mt19937_64 random(kSeed);
    std::unordered_map<uint32_t, LineIdx> model;
    for (int step = 0; step < 60000; ++step) {
      const uint32_t n = static_cast<uint32_t>(random() % 4000);
      const SessionKey key = KeyNumber(n);
      const LineIdx found = table->FindOne(key);
      const auto it = model.find(n);
      ASSERT_EQ(found.has_value(), it != model.end()) << "seed " << kSeed << " step " << step;
      if (it != model.end()) {
        ASSERT_EQ(found, it->second);
        ASSERT_EQ(table->FindOne(AnswerKey(key, 2)), PeerOf(found));
        if (random() % 3 == 0) {
          ASSERT_TRUE(table->Unlink(PairOf(found)));
          ASSERT_FALSE(table->Unlink(PairOf(found)));
          model.erase(it);
          FreeUnlinked(*table);
        }
      } else {
        ClaimOutcome outcome;
        const LineIdx line = InsertPair(*table, key, TrackedCold(), &outcome);
        if (model.size() < 3000) {
          ASSERT_TRUE(line.has_value()) << static_cast<int>(outcome);
          model[n] = line;
        } else {
          ASSERT_EQ(outcome, ClaimOutcome::kFull);
        }
      }
      ASSERT_EQ(table->Counts().counted, model.size());
    }
    // The batched lookup agrees with the single one.
    std::vector<SessionKey> keys;
    for (uint32_t n = 0; n < 4000; ++n) keys.push_back(KeyNumber(n));
    std::vector<uint64_t> hashes(keys.size());
    std::vector<LineIdx> lines(keys.size());
    table->hasher().Hash(keys.data(), hashes.data(), keys.size());
    table->Find(keys.data(), hashes.data(), lines.data(), keys.size());
    for (uint32_t n = 0; n < 4000; ++n) {
      const auto it = model.find(n);
      ASSERT_EQ(lines[n], it == model.end() ? LineIdx::None() : it->second);
    }
  }
}

TEST(SessionTableTest, AWS_SG_14_TheTableHoldsExactlyItsCapacity) {
  auto table = MakeTable(10);
  for (uint32_t n = 0; n < 10; ++n) {
    ASSERT_TRUE(InsertPair(*table, KeyNumber(n)).has_value());
  }
  ClaimOutcome outcome;
  EXPECT_FALSE(InsertPair(*table, KeyNumber(10), TrackedCold(), &outcome).has_value());
  EXPECT_EQ(outcome, ClaimOutcome::kFull);
  EXPECT_TRUE(table->TakePressure());
  EXPECT_FALSE(InsertPair(*table, KeyNumber(3), TrackedCold(), &outcome).has_value());
  EXPECT_EQ(outcome, ClaimOutcome::kExists) << "a known flow needs no room";
  ASSERT_TRUE(table->Unlink(PairOf(table->FindOne(KeyNumber(3)))));
  EXPECT_TRUE(InsertPair(*table, KeyNumber(10)).has_value());
}

TEST(SessionTableTest, AWS_SG_14_InterfaceLimit) {
  auto table = MakeTable(100);
  ASSERT_TRUE(InsertPair(*table, KeyNumber(0)).has_value());
  const SessionKey key = KeyNumber(1);
  Admission admission;
  LineIdx existing;
  SessionLimits limits;
  limits.responder_interface = 1;
  EXPECT_EQ(table->BeginPair(key, table->hasher().HashOne(key), TrackedCold(), limits, &admission,
                             &existing),
            ClaimOutcome::kLimit);
  EXPECT_EQ(admission.full_interface_idx, TrackedCold().responder_interface_idx);
  EXPECT_EQ(table->CountOfInterface(2), 1u);
}

TEST(SessionTableTest, CacheOnlyEntriesAreEvictedForTrackedOnesAndNotCounted) {
  auto table = MakeTable(200);
  SessionCold untracked;
  uint32_t cached = 0;
  ClaimOutcome outcome;
  for (uint32_t n = 0; n < 400; ++n) {
    cached += InsertPair(*table, KeyNumber(n), untracked, &outcome).has_value() ? 1 : 0;
  }
  EXPECT_EQ(cached, 200u);
  EXPECT_EQ(outcome, ClaimOutcome::kFull);
  EXPECT_EQ(table->Counts().counted, 0u);
  for (uint32_t n = 1000; n < 1200; ++n) {
    ASSERT_TRUE(InsertPair(*table, KeyNumber(n)).has_value()) << n;
    FreeUnlinked(*table);
  }
  EXPECT_EQ(table->Counts().counted, 200u);
}

TEST(SessionTableTest, ClosedPairsAreEvictedOldestFirstAndEstablishedOnesNever) {
  auto table = MakeTable(4);
  std::vector<LineIdx> lines;
  for (uint32_t n = 0; n < 4; ++n) lines.push_back(InsertPair(*table, KeyNumber(n)));
  for (const uint32_t n : {2u, 0u}) {
    table->Line(lines[n]).state.store(kLineSeen | kLineReset, std::memory_order_relaxed);
    table->NoteClosed(lines[n]);
  }
  EXPECT_TRUE(InsertPair(*table, KeyNumber(10)).has_value());
  EXPECT_FALSE(table->FindOne(KeyNumber(2)).has_value());
  EXPECT_TRUE(table->FindOne(KeyNumber(0)).has_value());
  EXPECT_TRUE(InsertPair(*table, KeyNumber(11)).has_value());
  EXPECT_FALSE(table->FindOne(KeyNumber(0)).has_value());
  EXPECT_FALSE(InsertPair(*table, KeyNumber(12)).has_value());
  EXPECT_TRUE(table->FindOne(KeyNumber(1)).has_value());
  EXPECT_TRUE(table->FindOne(KeyNumber(3)).has_value());
}

// The ring of closed pairs is shorter than the table; what it had no room for is not lost for good.
TEST(SessionTableTest, ClosedPairsThatFoundNoRoomInTheRingAreNotedByTheSweepUnderPressure) {
  constexpr uint32_t kPairs = 64;
  auto table = MakeTable(kPairs);
  auto sweep = SessionSweep::Make(*table, HeapMemory(), false);
  NoReaders at_rest;
  for (uint32_t n = 0; n < kPairs; ++n) {
    SessionLine& line = table->Line(InsertPair(*table, KeyNumber(n)));
    line.state.store(kLineSeen | kLineReset, std::memory_order_relaxed);
    line.last_seen_ms.store(1000, std::memory_order_relaxed);
    table->NoteClosed(table->FindOne(KeyNumber(n)));
  }
  uint32_t opened = 0;
  while (InsertPair(*table, KeyNumber(1000 + opened)).has_value()) {
    ++opened;
  }
  EXPECT_LT(opened, kPairs);
  sweep->Step({1000, 1000}, table->pair_count(), at_rest, nullptr);
  EXPECT_TRUE(InsertPair(*table, KeyNumber(2000)).has_value());
}

TEST(SessionTableTest, ReplaceSwapsTheForwardEntryAtPublication) {
  auto table = MakeTable(10);
  const SessionKey key = KeyNumber(5);
  const LineIdx old = InsertPair(*table, key);
  Admission admission;
  LineIdx existing;
  ASSERT_EQ(table->BeginReplace(PairOf(old), TrackedCold(), &admission), ClaimOutcome::kClaimed);
  const SessionKey reverse = WithDstPort(AnswerKey(key, 2), 4444);
  ASSERT_EQ(table->ClaimReverse(admission, reverse, &existing), ClaimOutcome::kClaimed);
  EXPECT_EQ(table->FindOne(key), old);
  const LineIdx fresh = ForwardLine(admission.pair);
  table->Publish(admission);
  EXPECT_EQ(table->FindOne(key), fresh);
  EXPECT_EQ(table->FindOne(reverse), PeerOf(fresh));
  EXPECT_FALSE(table->FindOne(AnswerKey(key, 2)).has_value());
  EXPECT_EQ(table->Counts().counted, 1u);

  // A SYN reopens in place: the same two keys, new lines.
  ASSERT_EQ(table->BeginReplace(PairOf(fresh), TrackedCold(), &admission), ClaimOutcome::kClaimed);
  ASSERT_TRUE(table->KeepReverse(admission));
  const LineIdx again = ForwardLine(admission.pair);
  table->Publish(admission);
  EXPECT_EQ(table->FindOne(key), again);
  EXPECT_EQ(table->FindOne(reverse), PeerOf(again));
  EXPECT_EQ(table->Counts().counted, 1u);

  // An abandoned replacement changes nothing.
  ASSERT_EQ(table->BeginReplace(PairOf(again), TrackedCold(), &admission), ClaimOutcome::kClaimed);
  table->Abandon(admission);
  EXPECT_EQ(table->FindOne(key), again);
  EXPECT_EQ(table->FindOne(reverse), PeerOf(again));
  EXPECT_EQ(table->Counts().counted, 1u);
  FreeUnlinked(*table);
  EXPECT_EQ(table->Counts().spare, table->pair_count() - 1);
}

TEST(SessionTableTest, AWS_NAT_07_ALapsedNatClockTakesTheReverseKeyOutOnly) {
  auto table = MakeTable(10);
  SessionCold cold = TrackedCold();
  cold.flags |= kPairNat;
  const SessionKey key = KeyNumber(5);
  const LineIdx line = InsertPair(*table, key, cold);
  EXPECT_TRUE(table->ExpireNat(PairOf(line)));
  EXPECT_FALSE(table->ExpireNat(PairOf(line)));
  EXPECT_EQ(table->FindOne(key), line);
  EXPECT_FALSE(table->FindOne(AnswerKey(key, 2)).has_value());
  EXPECT_NE(table->LoadCold(PairOf(line)).flags & kPairNatExpired, 0);
  EXPECT_TRUE(table->Unlink(PairOf(line)));
  EXPECT_EQ(table->Counts().counted, 0u);
}

TEST(SessionTableTest, MissesAreProvedByOneLineAndMemoryStaysInBudget) {
  constexpr uint32_t kCapacity = 100000;
  auto table = MakeTable(kCapacity);
  for (uint32_t n = 0; n < kCapacity; ++n) {
    ASSERT_TRUE(InsertPair(*table, KeyNumber(n)).has_value()) << n;
  }
  EXPECT_LT(table->OverflowPartsPerMillion(), 15000u);
  EXPECT_LE(table->bytes(), size_t{192} * kCapacity);
}

}  // namespace
}  // namespace sluice
