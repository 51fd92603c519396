// Levels of a series: steps are found, noise is not.
#include <gtest/gtest.h>

#include <algorithm>

#include "perf/workload/key_stream.h"
#include "tools/bench/trend/steps.h"

namespace sluice {
namespace {

// `count` values around each level, with a noise of so much of it.
std::vector<double> Series(const std::vector<double>& levels, size_t count, double noise,
                           uint64_t seed) {
  WorkloadRandom random(seed);
  std::vector<double> values;
  for (const double level : levels) {
    for (size_t i = 0; i < count; ++i) {
      values.push_back(level * (1 + noise * (random.Unit() + random.Unit() - 1)));
    }
  }
  return values;
}

TEST(FindLevelsTest, StepsAreFoundWhereTheyAre) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<Level> levels = FindLevels(Series({50, 55, 47}, 15, 0.02, seed));
    ASSERT_EQ(levels.size(), 3u) << seed;
    EXPECT_EQ(levels[0].first, 0u);
    EXPECT_NEAR(static_cast<double>(levels[1].first), 15, 1) << seed;
    EXPECT_NEAR(static_cast<double>(levels[2].first), 30, 1) << seed;
    EXPECT_NEAR(levels[1].mean, 55, 1) << seed;
  }
}

TEST(FindLevelsTest, NoiseIsOneLevel) {
  size_t cut = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    cut += FindLevels(Series({50}, 40, 0.05, seed)).size() - 1;
  }
  EXPECT_LE(cut, 10u);
}

TEST(FindLevelsTest, OneOutlierIsNoLevel) {
  std::vector<double> values = Series({50}, 20, 0.01, 3);
  values[10] = 80;
  for (const Level& level : FindLevels(values)) {
    EXPECT_GE(level.count, 2u);
  }
}

TEST(FindLevelsTest, FewAndEqualValues) {
  EXPECT_TRUE(FindLevels({}).empty());
  EXPECT_EQ(FindLevels({7}).size(), 1u);
  EXPECT_EQ(FindLevels({7, 9}).size(), 1u);
  const std::vector<Level> same = FindLevels(std::vector<double>(30, 7.0));
  ASSERT_EQ(same.size(), 1u);
  EXPECT_EQ(same[0].count, 30u);
  EXPECT_NEAR(same[0].mean, 7, 1e-9);
}

}  // namespace
}  // namespace sluice
