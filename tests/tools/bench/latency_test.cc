#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "tools/bench/latency/latency_histogram.h"
#include "tools/bench/latency/load_account.h"

namespace sluice {
namespace {

TEST(LatencyHistogramTest, QuantilesAreThoseOfTheValuesToThreePercent) {
  constexpr uint32_t kSeed = 7;
  std::printf("[ seed     ] %u\n", kSeed);
  std::mt19937_64 random(kSeed);
  LatencyHistogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random() >> (24 + random() % 40));  // every magnitude below 2^40
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  EXPECT_EQ(histogram.total(), values.size());
  EXPECT_EQ(histogram.max(), values.back());
  for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const size_t place =
        std::max<size_t>(1, static_cast<size_t>(std::ceil(q * static_cast<double>(values.size()))));
    const auto exact = static_cast<double>(values[place - 1]);
    const auto said = static_cast<double>(histogram.Quantile(q));
    EXPECT_GE(said, exact) << q;
    EXPECT_LE(said, exact * 1.04 + 1) << q;
  }
}

TEST(LatencyHistogramTest, SmallNumbersAreExactAndHugeOnesKept) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
  for (uint64_t value = 0; value < 64; ++value) {
    LatencyHistogram one;
    one.Add(value, 3);
    EXPECT_EQ(one.Quantile(0.5), value);
    EXPECT_EQ(one.total(), 3u);
  }
  histogram.Add(uint64_t{1} << 60);
  EXPECT_EQ(histogram.max(), uint64_t{1} << 60);
  EXPECT_GE(histogram.Quantile(1.0), (uint64_t{1} << 40) - 1);
}

// One packet every ten ticks; turns of 1000 ticks and more were interrupted.
TEST(LoadAccountTest, WhatCameInAGapMayBeLostByIt) {
  LoadAccount account(0.1, 1000);
  account.Turn(100, 0);
  account.Turn(5000, 450);  // 500 came
  EXPECT_EQ(account.gaps(), 1u);
  EXPECT_EQ(account.gaps_ticks(), 5000u);
  EXPECT_EQ(account.WhyNotCarried(10'000), "");
  account.Turn(100, 50);  // the queue is still full of those
  EXPECT_DOUBLE_EQ(account.explained(), 500);
  EXPECT_EQ(account.WhyNotCarried(10'000), "");
}

TEST(LoadAccountTest, ButNoMoreThanThat) {
  LoadAccount account(0.1, 1000);
  account.Turn(5000, 600);
  EXPECT_EQ(account.lost(), 600u);
  EXPECT_DOUBLE_EQ(account.explained(), 500);
  EXPECT_NE(account.WhyNotCarried(10'000).find("did not keep up"), std::string::npos);
  EXPECT_EQ(account.WhyNotCarried(100'000), "");  // 0.1 %: queues overflow now and then
}

TEST(LoadAccountTest, NorOnceTheQueueIsEmptyAgain) {
  LoadAccount account(0.1, 1000);
  account.Turn(5000, 0);
  account.Empty();
  account.Turn(100, 100);
  EXPECT_DOUBLE_EQ(account.explained(), 0);
  EXPECT_EQ(account.WhyNotCarried(10'000),
            "1.0 % of the packets were lost, 0.0 % while the system had the CPU: the worker did "
            "not keep up with this rate");
}

TEST(LoadAccountTest, ALoadThatHardlyCameThroughIsNotTheLoadThatIsNamed) {
  LoadAccount account(0.1, 1000);
  account.Turn(45'000, 4500);
  EXPECT_NE(account.WhyNotCarried(10'000).find("45.0 % of the packets were lost, 45.0 %"),
            std::string::npos);
  EXPECT_EQ(account.WhyNotCarried(100'000), "");
  EXPECT_NE(LoadAccount(0.1, 1000).WhyNotCarried(0), "");
}

}  // namespace
}  // namespace sluice
