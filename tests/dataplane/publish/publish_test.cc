#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/publish/publisher.h"
#include "dataplane/publish/qsbr.h"

namespace sluice {
namespace {

// Says whether it is alive; a worker that reads a dead one has found a defect.
struct Probe {
  explicit Probe(uint64_t n, std::atomic<int>* alive_count) : number(n), alive(alive_count) {
    alive->fetch_add(1);
  }
  ~Probe() {
    magic = 0;
    alive->fetch_sub(1);
  }
  uint64_t magic = 0x600d600d;
  uint64_t number;
  std::atomic<int>* alive;
};

TEST(QsbrTest, APeriodEndsWhenEveryOnlineWorkerHasReported) {
  Qsbr qsbr(3);
  qsbr.Online(0);
  qsbr.Online(1);
  const uint64_t period = qsbr.Begin();
  EXPECT_FALSE(qsbr.IsOver(period));
  EXPECT_EQ(qsbr.Laggard(period), 0u);
  qsbr.ReportQuiescent(0);
  EXPECT_EQ(qsbr.Laggard(period), 1u);
  qsbr.Offline(1);
  EXPECT_TRUE(qsbr.IsOver(period));
  qsbr.Online(2);
  EXPECT_TRUE(qsbr.IsOver(period)) << "who comes later holds nothing older";
}

TEST(PublisherTest, ReplacedGenerationsLiveUntilTheLastWorkerLetGo) {
  std::atomic<int> alive{0};
  Qsbr qsbr(2);
  {
    Publisher<Probe> publisher(qsbr);
    EXPECT_EQ(publisher.Load(), nullptr);
    EXPECT_FALSE(publisher.AllReached(1));
    qsbr.Online(0);
    qsbr.Online(1);
    ASSERT_TRUE(publisher.Publish(std::make_shared<const Probe>(1, &alive), 1).ok());
    EXPECT_FALSE(publisher.AllReached(1));
    qsbr.ReportQuiescent(0);
    EXPECT_EQ(publisher.LaggardOf(1), 1u);
    qsbr.ReportQuiescent(1);
    EXPECT_TRUE(publisher.AllReached(1));
    EXPECT_FALSE(publisher.AllReached(2));
    const Probe* held = publisher.Load();
    ASSERT_TRUE(publisher.Publish(std::make_shared<const Probe>(2, &alive), 2).ok());
    EXPECT_EQ(publisher.Reclaim(), 1u);
    EXPECT_EQ(held->magic, 0x600d600du);
    EXPECT_TRUE(publisher.AllReached(1));
    qsbr.ReportQuiescent(0);
    qsbr.ReportQuiescent(1);
    EXPECT_EQ(publisher.Reclaim(), 0u);
    EXPECT_EQ(alive.load(), 1);
    qsbr.Offline(0);
    qsbr.Offline(1);
  }
  EXPECT_EQ(alive.load(), 0);
}

TEST(PublisherTest, AFullRetireListRefusesAndNamesTheWorker) {
  std::atomic<int> alive{0};
  Qsbr qsbr(2);
  Publisher<Probe> publisher(qsbr);
  qsbr.Online(1);
  uint64_t generation = 0;
  for (uint32_t i = 0; i <= kMaxRetired; ++i) {
    ++generation;
    ASSERT_TRUE(
        publisher.Publish(std::make_shared<const Probe>(generation, &alive), generation).ok());
  }
  const Probe* before = publisher.Load();
  const absl::Status refused =
      publisher.Publish(std::make_shared<const Probe>(99, &alive), generation + 1);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(refused.message()).find("worker 1"), std::string::npos);
  EXPECT_EQ(publisher.Load(), before);
  EXPECT_FALSE(publisher.AllReached(generation + 1));
  qsbr.ReportQuiescent(1);
  EXPECT_TRUE(publisher.Publish(std::make_shared<const Probe>(99, &alive), generation + 1).ok());
  for (uint64_t i = 0; i < 3 * kPublishHistory; ++i) {
    qsbr.ReportQuiescent(1);
    ASSERT_TRUE(
        publisher.Publish(std::make_shared<const Probe>(i, &alive), generation + 2 + i).ok());
  }
  EXPECT_TRUE(publisher.AllReached(2));
  EXPECT_EQ(publisher.LaggardOf(publisher.generation()), 1u);
  qsbr.Offline(1);
}

// Real threads: no worker ever sees a dead generation or an older one than before, while some go
// offline and return.
TEST(PublisherTest, WorkersNeverSeeADeadOrOlderGeneration) {
  constexpr uint32_t kWorkers = 3;
  constexpr uint64_t kGenerations = 3000;
  std::atomic<int> alive{0};
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  Qsbr qsbr(kWorkers);
  {
    Publisher<Probe> publisher(qsbr);
    ASSERT_TRUE(publisher.Publish(std::make_shared<const Probe>(1, &alive), 1).ok());
    std::vector<std::thread> workers;
    for (uint32_t w = 0; w < kWorkers; ++w) {
      workers.emplace_back([&, w] {
        qsbr.Online(w);
        uint64_t last = 0;
        for (uint64_t burst = 0; !stop.load(std::memory_order_relaxed); ++burst) {
          const Probe* probe = publisher.Load();
          if (probe->magic != 0x600d600d || probe->number < last) {
            wrong.fetch_add(1);
          }
          last = probe->number;
          qsbr.ReportQuiescent(w);
          if (burst % 64 == w) {
            qsbr.Offline(w);
            std::this_thread::yield();
            qsbr.Online(w);
          }
        }
        qsbr.Offline(w);
      });
    }
    uint64_t generation = 1;
    while (generation < kGenerations) {
      if (publisher.Publish(std::make_shared<const Probe>(generation + 1, &alive), generation + 1)
              .ok()) {
        ++generation;
      } else {
        std::this_thread::yield();
      }
    }
    while (!publisher.AllReached(kGenerations)) {
      std::this_thread::yield();
    }
    stop.store(true);
    for (std::thread& worker : workers) {
      worker.join();
    }
    EXPECT_EQ(publisher.Reclaim(), 0u);
    EXPECT_EQ(alive.load(), 1);
  }
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
}  // namespace sluice
