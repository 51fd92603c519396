#include "dataplane/table/range_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "dataplane/table/kernels.h"

namespace sluice {
namespace {

std::vector<KeyRange> RandomRanges(size_t count, std::mt19937& random) {
  std::vector<uint32_t> ends;
  while (ends.size() + 1 < count) {
    ends.push_back(static_cast<uint32_t>(random()));
    if (ends.size() + 1 == count) {
      std::sort(ends.begin(), ends.end());
      ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    }
  }
  if (!ends.empty() && ends.back() == 0xffffffffu) {
    ends.pop_back();
  }
  ends.push_back(0xffffffffu);
  std::vector<KeyRange> ranges;
  for (const uint32_t end : ends) {
    ranges.push_back({end, static_cast<uint32_t>(random())});
  }
  return ranges;
}

uint32_t NaivePayload(const std::vector<KeyRange>& ranges, uint32_t key) {
  return std::lower_bound(ranges.begin(), ranges.end(), key,
                          [](const KeyRange& range, uint32_t k) { return range.end < k; })
      ->payload;
}

// Every capacity edge of every kind that fits a test, and both sides of every range end.
TEST(RangeMapTest, EveryKindAnswersAsTheList) {
  std::mt19937 random(7);
  std::vector<RangeLine> pool(3);
  for (const size_t count :
       {1,   2,   7,   8,   9,    15,   16,   17,   31,    32,    33,    271,   272,
        273, 288, 289, 300, 2311, 2312, 2313, 5000, 39303, 39304, 39305, 100000}) {
    const std::vector<KeyRange> ranges = RandomRanges(count, random);
    const size_t before = pool.size();
    const RangeRef ref = AppendRanges(ranges, pool);
    EXPECT_EQ(pool.size() - before, RangeLinesFor(ranges.size())) << count;
    for (const KeyRange& range : ranges) {
      for (const uint32_t key : {range.end - 1, range.end, range.end + 1}) {
        ASSERT_EQ(LookupRange(pool.data(), ref, key), NaivePayload(ranges, key))
            << "count " << count << " key " << key;
      }
    }
    ASSERT_EQ(LookupRange(pool.data(), ref, 0), ranges.front().payload);
  }
}

TEST(RangeMapTest, CapacitiesAreThoseOfTheHeader) {
  EXPECT_EQ(RangeLinesFor(8), 1u);
  EXPECT_EQ(RangeLinesFor(16), 2u);
  EXPECT_EQ(RangeLinesFor(17), 5u);
  EXPECT_EQ(RangeLinesFor(272), 1u + 34u);
  EXPECT_EQ(RangeLinesFor(273), 1u + 1u + 3u + 35u);
  for (const size_t ranges : {401, 4000, 16000, 78000}) {
    EXPECT_LE(RangeLinesFor(ranges) * 64.0, 8.7 * static_cast<double>(ranges) + 320) << ranges;
  }
}

TEST(RangeMapTest, ForcedLevelIsCappedByTheMachine) {
  const SimdLevel best = DetectSimdLevel();
  EXPECT_EQ(ForceSimdLevel(SimdLevel::kScalar), SimdLevel::kScalar);
  EXPECT_EQ(&ActiveKernels(), &kScalarKernels);
  EXPECT_EQ(ForceSimdLevel(SimdLevel::kAvx512), best);
  EXPECT_EQ(ActiveSimdLevel(), best);
}

}  // namespace
}  // namespace sluice
