#include "dataplane/runtime/queue_plan.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

TEST(QueuePlanTest, RssGivesEveryWorkerAQueue) {
  const QueuePlan plan =
      PlanQueues(1, 3, {.max_rx_queues = 16, .max_tx_queues = 16, .spreads_flows = true});
  EXPECT_EQ(plan.rx_queues, 3);
  EXPECT_EQ(plan.tx_queues, 3);
  EXPECT_EQ(plan.rx_queue_of, (std::vector<uint16_t>{0, 1, 2}));
}

TEST(QueuePlanTest, WithoutRssPortsSpreadOverWorkers) {
  for (uint32_t port = 0; port < 5; ++port) {
    const QueuePlan plan = PlanQueues(port, 2, {.max_rx_queues = 8, .max_tx_queues = 8});
    EXPECT_EQ(plan.rx_queues, 1);
    EXPECT_EQ(plan.polling_worker, port % 2);
    EXPECT_EQ(plan.rx_queue_of[port % 2], 0);
    EXPECT_EQ(plan.rx_queue_of[(port + 1) % 2], kNoQueue);
  }
}

TEST(QueuePlanTest, FewTransmitQueuesServeThePollingWorkerFirst) {
  const QueuePlan plan = PlanQueues(2, 4, {.max_rx_queues = 1, .max_tx_queues = 1});
  EXPECT_EQ(plan.tx_queue_of, (std::vector<uint16_t>{kNoQueue, kNoQueue, 0, kNoQueue}));
}

TEST(QueuePlanTest, EveryQueueHasOneOwnerAndThePollingWorkerCanSend) {
  for (uint32_t port = 0; port < 4; ++port) {
    for (uint32_t workers = 1; workers <= 5; ++workers) {
      for (uint16_t queues = 1; queues <= 6; ++queues) {
        for (const bool spreads : {false, true}) {
          for (const bool paired : {false, true}) {
            const QueuePlan plan = PlanQueues(port, workers, {queues, queues, spreads, paired});
            std::set<uint16_t> rx, tx;
            for (uint32_t w = 0; w < workers; ++w) {
              if (plan.rx_queue_of[w] != kNoQueue) {
                EXPECT_TRUE(rx.insert(plan.rx_queue_of[w]).second);
              }
              if (plan.tx_queue_of[w] != kNoQueue) {
                EXPECT_TRUE(tx.insert(plan.tx_queue_of[w]).second);
              }
            }
            EXPECT_EQ(rx.size(), plan.rx_queues);
            EXPECT_EQ(tx.size(), plan.tx_queues);
            EXPECT_LE(plan.tx_queues, queues);
            EXPECT_NE(plan.tx_queue_of[plan.polling_worker], kNoQueue);
            EXPECT_EQ(plan.rx_queue_of[plan.polling_worker], 0);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice
