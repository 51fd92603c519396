// Contests: who runs when, and what is made of it.
#include "tools/bench/contest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tools/bench/contest_row.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/rivals/testpmd.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

TEST(ContestTest, RoundsTurnAroundAndItemsGoRound) {
  std::string order;
  std::vector<size_t> firsts;
  const auto note = [&](char who) {
    return [&order, &firsts, who](size_t first, size_t count) {
      order += who;
      firsts.push_back(first);
      EXPECT_EQ(count, 40u);
    };
  };
  const auto results = RunContest({{"a", note('a')}, {"b", note('b')}}, {100, 40, 3});
  EXPECT_EQ(order, "abbaabba");  // the first round does not count
  EXPECT_EQ(firsts, (std::vector<size_t>{0, 0, 40, 40, 0, 0, 40, 40}));
  ASSERT_EQ(results.size(), 2u);
  order.clear();
  RunContest({{"a", note('a')}, {"b", note('b')}}, {100, 40, 1, true});
  EXPECT_EQ(order, "aabbbbaa");
}

TEST(ContestTest, RatioIsToTheFirst) {
  const auto spin = [](int64_t ns) {
    return [ns](size_t, size_t) {
      const int64_t start = ThreadCpuNs();
      while (ThreadCpuNs() - start < ns) {
      }
    };
  };
  const auto results = RunContest({{"a", spin(100'000)}, {"b", spin(300'000)}}, {10, 10, 5});
  EXPECT_NEAR(results[0].ns.median, 10'000, 3'000);
  EXPECT_EQ(results[0].ratio.median, 1);
  EXPECT_NEAR(results[1].ratio.median, 3, 1);
}

TEST(ThreadClockTest, AThreadIsFoundByItsName) {
  EXPECT_GT(CpuNsOfThread(getpid(), "bench_test"), 0u);
  EXPECT_EQ(CpuNsOfThread(getpid(), "no such thread"), 0u);
}

TEST(ContestRowTest, NamesAndCounters) {
  EXPECT_EQ(NamePart("rte_fib AVX-512"), "rte_fib_avx_512");
  Figure figure;
  figure.counters = {{"bytes", 7}};
  EXPECT_EQ(CounterOf(figure, "bytes"), 7);
  EXPECT_EQ(CounterOf(figure, "routes"), 0);
  ContestRow row;
  Claim(0, "nobody", row);
  EXPECT_TRUE(row.mistaken.empty());
  Claim(2, "somebody", row);
  EXPECT_EQ(row.mistaken, std::vector<std::string>{"somebody: 2 answers differ"});
}

TEST(MemoryCheckTest, TooMuchIsSaidInOneLine) {
  EXPECT_TRUE(MemoryFor("routes", 1, "--max_routes"));
  testing::internal::CaptureStderr();
  EXPECT_FALSE(MemoryFor("routes", uint64_t{1} << 60, "--max_routes"));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("lower --max_routes\n"), std::string::npos) << said;
  EXPECT_EQ(said.find('\n'), said.size() - 1);
}

TEST(TestpmdTest, ReadsTheThreadAndThePackets) {
  const std::string out =
      "thread dpdk-testpmd 92550729 192673241 87\n"
      "thread rte-worker-1 600000000 886944590 263\n"
      "  CPU cycles/packet=102.51 (total cycles=4419163204 / total mac packets=30000000) at 2300\n";
  const TestpmdResult result = ReadTestpmd(out);
  EXPECT_EQ(result.packets, 30'000'000u);
  EXPECT_DOUBLE_EQ(result.ns, 20);
  EXPECT_EQ(ReadTestpmd("thread rte-worker-1 600000000 1 1\n").packets, 0u);
  EXPECT_EQ(ReadTestpmd(out.substr(60)).packets, 0u);
}

}  // namespace
}  // namespace sluice
