#include "dataplane/session/fragment_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace sluice {
namespace {

std::unique_ptr<FragmentCache> MakeCache(FragmentCacheSizes sizes = {64, 16, 32, 8, 10}) {
  return FragmentCache::Make(HeapMemory(), sizes, HashSecret::FromSeed(1));
}

Fragment Part(uint16_t offset, uint16_t bytes, bool more, uint16_t id = 1, uint32_t scope = 1,
              uint8_t protocol = kProtocolUdp) {
  return {scope, 0x0a000001, 0x0a000002, id, protocol, more, offset, bytes};
}

void* Handle(uintptr_t n) {
  return reinterpret_cast<void*>(n);
}

const FirstFragment kPassed{1000, 53, 53, Verdict::kForward, DropReason::kNone, {}};

FragmentDecision Offer(FragmentCache& cache, const Fragment& f, uint32_t now = 0,
                       uintptr_t handle = 0) {
  FirstFragment first;
  return cache.Offer(f, Handle(handle), now, &first);
}

// Offers a fragment as the pipeline does: a first one is resolved at once, what is released is
// offered again. Returns the fragments that pass, by handle.
class Driver {
 public:
  explicit Driver(FragmentCache& cache) : cache_(cache) {}

  void Send(const Fragment& f, uintptr_t handle, uint32_t now = 0) {
    parts_[handle] = f;
    Enter(handle, now);
    for (HeldFrame frame; cache_.TakeReleased(&frame);) {
      Enter(reinterpret_cast<uintptr_t>(frame.handle), now);
    }
  }
  std::set<uintptr_t> passed;
  std::set<uintptr_t> overlapped;

 private:
  void Enter(uintptr_t handle, uint32_t now) {
    FirstFragment first;
    switch (cache_.Offer(parts_[handle], Handle(handle), now, &first)) {
      case FragmentDecision::kJudge:
        cache_.Resolve(parts_[handle], kPassed, now);
        passed.insert(handle);
        break;
      case FragmentDecision::kInherit:
        EXPECT_EQ(first.src_l4_port, 1000);
        EXPECT_EQ(first.dst_l4_port, 53);
        passed.insert(handle);
        break;
      case FragmentDecision::kOverlap:
        overlapped.insert(handle);
        break;
      default:
        break;
    }
  }

  FragmentCache& cache_;
  Fragment parts_[64];
};

// All six orders of three fragments pass whole.
TEST(FragmentCacheTest, AWS_NAT_09_EveryOrderOfThreeFragmentsPasses) {
  const Fragment parts[] = {Part(0, 1480, true), Part(1480, 1480, true), Part(2960, 100, false)};
  std::vector<uintptr_t> order = {0, 1, 2};
  do {
    auto cache = MakeCache();
    Driver driver(*cache);
    for (const uintptr_t i : order) driver.Send(parts[i], i);
    EXPECT_EQ(driver.passed.size(), 3u);
    EXPECT_EQ(cache->held_count(), 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

// Allen's thirteen relations of two ranges: nine share a byte, whichever comes first; four do not.
TEST(FragmentCacheTest, EveryOverlapPatternIsRefusedAndNoOther) {
  struct Range {
    uint16_t begin, end;
  };
  const Range fixed{800, 1600};
  const Range others[] = {{80, 400},    {80, 800},    {80, 1200},  {80, 1600},   {80, 2400},
                          {800, 1200},  {800, 1600},  {800, 2400}, {1000, 1400}, {1200, 1600},
                          {1200, 2400}, {1600, 2400}, {2000, 2400}};
  int overlapping = 0;
  for (const Range& other : others) {
    const bool overlaps = other.begin < fixed.end && fixed.begin < other.end;
    overlapping += overlaps ? 1 : 0;
    for (const bool swap : {false, true}) {
      auto cache = MakeCache();
      Driver driver(*cache);
      const Range a = swap ? other : fixed;
      const Range b = swap ? fixed : other;
      driver.Send(Part(0, 40, true), 1);
      driver.Send(Part(a.begin, a.end - a.begin, true), 2);
      driver.Send(Part(b.begin, b.end - b.begin, true), 3);
      EXPECT_EQ(driver.passed.count(2), 1u);
      EXPECT_EQ(driver.passed.count(3), overlaps ? 0u : 1u) << b.begin << ".." << b.end;
      EXPECT_EQ(driver.overlapped.count(3), overlaps ? 1u : 0u);
    }
  }
  EXPECT_EQ(overlapping, 9);
}

TEST(FragmentCacheTest, OverlapsWithTheFirstTheEndAndBeyondTheEndAreRefused) {
  const auto refused = [](const Fragment& second, const Fragment& third) {
    auto cache = MakeCache();
    Driver driver(*cache);
    driver.Send(Part(0, 40, true), 1);
    driver.Send(second, 2);
    driver.Send(third, 3);
    return driver.overlapped.count(3) == 1;
  };
  const Fragment last = Part(40, 60, false);
  EXPECT_TRUE(refused(Part(400, 80, true), Part(0, 80, true))) << "a second first fragment";
  EXPECT_FALSE(refused(last, Part(0, 80, true))) << "of another datagram: that one is complete";
  EXPECT_TRUE(refused(last, Part(104, 8, true))) << "beyond the end";
  EXPECT_TRUE(refused(last, Part(104, 8, false))) << "a second end";
  EXPECT_TRUE(refused(Part(400, 80, true), Part(40, 80, false))) << "an end before what came";
  EXPECT_FALSE(refused(Part(400, 80, true), Part(480, 80, false)));
}

TEST(FragmentCacheTest, AnOverlapIsRefusedAloneAndACompleteDatagramStartsAnew) {
  auto cache = MakeCache();
  Driver driver(*cache);
  driver.Send(Part(0, 800, true), 1);
  driver.Send(Part(800, 800, true), 2);
  driver.Send(Part(800, 800, true), 3);
  driver.Send(Part(1592, 16, true), 4);
  driver.Send(Part(0, 800, true), 5);
  EXPECT_EQ(driver.overlapped, (std::set<uintptr_t>{3, 4, 5}));
  driver.Send(Part(1600, 801, false), 6);
  driver.Send(Part(1600, 801, false), 7);
  EXPECT_EQ(driver.overlapped, (std::set<uintptr_t>{3, 4, 5, 7}));
  driver.Send(Part(0, 16, true), 8);  // all has been seen: another datagram with the same id
  driver.Send(Part(16, 8, false), 9);
  EXPECT_EQ(driver.passed, (std::set<uintptr_t>{1, 2, 6, 8, 9}));
}

TEST(FragmentCacheTest, ATinyTcpFirstFragmentIsRefused) {
  auto cache = MakeCache();
  EXPECT_EQ(Offer(*cache, Part(0, 16, true, 1, 1, kProtocolTcp)), FragmentDecision::kTiny);
  EXPECT_EQ(Offer(*cache, Part(0, 24, true, 1, 1, kProtocolTcp)), FragmentDecision::kJudge);
  EXPECT_EQ(Offer(*cache, Part(0, 8, true, 2)), FragmentDecision::kJudge) << "UDP";
  EXPECT_EQ(ReasonOf(FragmentDecision::kTiny), DropReason::kFragmentTiny);
}

TEST(FragmentCacheTest, HeldFramesBecomeOrphansAfterTwoSecondsAcrossTheWrap) {
  for (const uint32_t start : {0u, 0xffff'ffffu - 1000}) {
    auto cache = MakeCache();
    ASSERT_EQ(Offer(*cache, Part(8, 8, true), start, 5), FragmentDecision::kHold);
    HeldFrame frame;
    EXPECT_FALSE(cache->TakeOrphan(start + 1999, &frame));
    EXPECT_FALSE(cache->TakeOrphan(start + 2000, &frame));
    ASSERT_TRUE(cache->TakeOrphan(start + 2001, &frame));
    EXPECT_EQ(frame.handle, Handle(5));
    EXPECT_EQ(frame.scope, 1u);
    EXPECT_FALSE(cache->TakeOrphan(start + 2001, &frame));
    EXPECT_EQ(cache->held_count(), 0u);
  }
}

TEST(FragmentCacheTest, ADatagramIsRememberedForThirtySeconds) {
  for (const uint32_t start : {0u, 0xffff'ffffu - 10'000}) {
    for (const uint32_t age : {29'999u, 30'000u, 30'001u}) {
      auto cache = MakeCache();
      const Fragment first = Part(0, 8, true);
      ASSERT_EQ(Offer(*cache, first, start), FragmentDecision::kJudge);
      cache->Resolve(first, kPassed, start);
      EXPECT_EQ(Offer(*cache, Part(8, 8, true), start + age),
                age <= 30'000 ? FragmentDecision::kInherit : FragmentDecision::kHold);
    }
  }
}

TEST(FragmentCacheTest, ADroppedFirstFragmentSharesItsReason) {
  auto cache = MakeCache();
  const Fragment first = Part(0, 8, true);
  ASSERT_EQ(Offer(*cache, first), FragmentDecision::kJudge);
  cache->Resolve(first, {0, 0, 0, Verdict::kDrop, DropReason::kNaclIngress, InterfaceIdx(3)}, 0);
  FirstFragment inherited;
  EXPECT_EQ(cache->Offer(Part(8, 8, false), nullptr, 1, &inherited), FragmentDecision::kInherit);
  EXPECT_EQ(inherited.verdict, Verdict::kDrop);
  EXPECT_EQ(inherited.reason, DropReason::kNaclIngress);
  EXPECT_EQ(inherited.refused_at, InterfaceIdx(3));
}

// The memory of the datagram ends between the fragment that waited and its first.
TEST(FragmentCacheTest, D_FRAG_WhatWaitsFollowsItsFirstWhenTheMemoryEnds) {
  auto cache = MakeCache();
  Driver driver(*cache);
  driver.Send(Part(16, 8, true), 1, 0);
  HeldFrame orphan;
  ASSERT_TRUE(cache->TakeOrphan(2001, &orphan));
  driver.Send(Part(24, 8, false), 2, 29'999);
  driver.Send(Part(8, 8, true), 3, 30'000);
  driver.Send(Part(0, 8, true), 4, 31'999);
  EXPECT_EQ(driver.passed, (std::set<uintptr_t>{2, 3, 4}));
  EXPECT_EQ(cache->held_count(), 0u);
  driver.Send(Part(16, 8, true), 5, 31'999);  // of a datagram that is not known any more
  EXPECT_EQ(cache->held_count(), 1u);
}

// What joins a waiting one behind the end of the memory has as long as any other.
TEST(FragmentCacheTest, D_FRAG_WhatJoinsTheWaitingFollowsItsFirst) {
  auto cache = MakeCache();
  Driver driver(*cache);
  driver.Send(Part(24, 8, false), 1, 0);
  HeldFrame orphan;
  ASSERT_TRUE(cache->TakeOrphan(2001, &orphan));
  driver.Send(Part(24, 8, false), 2, 29'999);
  driver.Send(Part(8, 16, true), 3, 31'999);
  ASSERT_TRUE(cache->TakeOrphan(32'000, &orphan));
  driver.Send(Part(0, 8, true), 4, 33'999);
  EXPECT_EQ(driver.passed, (std::set<uintptr_t>{3, 4}));
  EXPECT_EQ(cache->held_count(), 0u);
}

TEST(FragmentCacheTest, BoundsArePerSideAndFair) {
  auto cache = MakeCache();  // 64 datagrams, 16 a side; 32 frames, 8 a side
  for (uint16_t id = 0; id < 8; ++id) {
    EXPECT_EQ(Offer(*cache, Part(8, 8, true, id, 1), 0, id + 1u), FragmentDecision::kHold);
  }
  EXPECT_EQ(Offer(*cache, Part(8, 8, true, 100, 1)), FragmentDecision::kFull);
  EXPECT_EQ(Offer(*cache, Part(8, 8, true, 100, 2), 0, 50), FragmentDecision::kHold)
      << "another side has its own";
  // Datagrams of side 1: nine of its own exist; a flood of first fragments displaces only its own
  // idle ones.
  const Fragment kept = Part(0, 8, true, 7, 3);
  ASSERT_EQ(Offer(*cache, kept), FragmentDecision::kJudge);
  cache->Resolve(kept, kPassed, 0);
  for (uint16_t id = 1000; id < 2000; ++id) {
    ASSERT_EQ(Offer(*cache, Part(0, 8, true, id, 1)), FragmentDecision::kJudge);
  }
  EXPECT_EQ(Offer(*cache, Part(8, 8, true, 7, 3)), FragmentDecision::kInherit);
  EXPECT_LE(cache->datagram_count(), 64u);
  // A side whose datagrams all hold frames is full.
  auto small = MakeCache({8, 2, 32, 8, 10});
  EXPECT_EQ(Offer(*small, Part(8, 8, true, 1)), FragmentDecision::kHold);
  EXPECT_EQ(Offer(*small, Part(8, 8, true, 2)), FragmentDecision::kHold);
  EXPECT_EQ(Offer(*small, Part(0, 8, true, 3)), FragmentDecision::kFull);
}

TEST(FragmentCacheTest, RangesAreBounded) {
  auto cache = MakeCache();
  Driver driver(*cache);
  driver.Send(Part(0, 8, true), 0);
  for (uint16_t i = 1; i < kMaxFragmentRanges; ++i) {
    driver.Send(Part(static_cast<uint16_t>(i * 16), 8, true), i);
  }
  EXPECT_EQ(driver.passed.size(), kMaxFragmentRanges);
  EXPECT_EQ(Offer(*cache, Part(8000, 8, true)), FragmentDecision::kFull);
}

// Random traffic: every handle that was held comes back exactly once, whatever happens in between.
TEST(FragmentCacheTest, EveryHeldFrameComesBackOnce) {
  auto cache = MakeCache({16, 6, 12, 5, 4});
  uint64_t seed = 17;
  const auto draw = [&seed](uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(seed >> 33) % n;
  };
  std::set<void*> inside;
  uint64_t held = 0;
  uint32_t now = 0xffff'0000;
  const auto back = [&](const HeldFrame& frame) { ASSERT_EQ(inside.erase(frame.handle), 1u); };
  for (uintptr_t i = 1; i < 50000; ++i) {
    now += draw(60);
    const Fragment f = Part(static_cast<uint16_t>(8 * draw(4)), 8, draw(3) != 0,
                            static_cast<uint16_t>(draw(30)), draw(5));
    FirstFragment first;
    const FragmentDecision decision = cache->Offer(f, Handle(i), now, &first);
    if (decision == FragmentDecision::kHold) {
      inside.insert(Handle(i));
      ++held;
    } else if (decision == FragmentDecision::kJudge && draw(8) != 0) {
      cache->Resolve(f, kPassed, now);
    }
    HeldFrame frame;
    while (draw(4) != 0 && cache->TakeReleased(&frame)) back(frame);
    while (draw(4) != 0 && cache->TakeOrphan(now, &frame)) back(frame);
    ASSERT_EQ(cache->held_count(), inside.size());
    ASSERT_LE(cache->held_count(), 12u);
    ASSERT_LE(cache->datagram_count(), 16u);
  }
  for (HeldFrame frame; cache->TakeAny(&frame);) back(frame);
  EXPECT_TRUE(inside.empty());
  EXPECT_EQ(cache->held_count(), 0u);
  EXPECT_GT(held, 1000u);
}

}  // namespace
}  // namespace sluice
