#include "control/daemon/errand.h"

#include <gtest/gtest.h>

#include <atomic>

namespace sluice {
namespace {

TEST(ErrandTest, AskedForWhileItRunsItRunsOnceMore) {
  std::atomic<int> begun{0};
  std::atomic<int> allowed{0};
  {
    Errand errand([&] {
      const int run = ++begun;
      while (allowed < run) {
        std::this_thread::yield();
      }
    });
    errand.Ask();
    while (begun < 1) {
      std::this_thread::yield();
    }
    for (int i = 0; i < 5; ++i) {
      errand.Ask();  // returns although it runs
    }
    allowed = 1;
    while (begun < 2) {
      std::this_thread::yield();
    }
    allowed = 3;
  }
  EXPECT_EQ(begun, 2);
}

TEST(ErrandTest, OneThatIsNeverAskedForNeverRuns) {
  bool ran = false;
  {
    const Errand errand([&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sluice
