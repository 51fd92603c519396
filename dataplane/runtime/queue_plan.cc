#include "dataplane/runtime/queue_plan.h"

#include <algorithm>

namespace sluice {

QueuePlan PlanQueues(uint32_t port, uint32_t workers, const QueueLimits& limits) {
  QueuePlan plan;
  plan.rx_queue_of.assign(workers, kNoQueue);
  plan.tx_queue_of.assign(workers, kNoQueue);
  const bool spread = limits.spreads_flows && limits.max_rx_queues >= workers &&
                      (!limits.paired || limits.max_tx_queues >= workers);
  plan.polling_worker = spread ? 0 : port % workers;
  plan.rx_queues = spread ? static_cast<uint16_t>(workers) : 1;
  plan.tx_queues = limits.paired
                       ? plan.rx_queues
                       : static_cast<uint16_t>(std::min<uint32_t>(workers, limits.max_tx_queues));
  for (uint32_t w = 0; w < workers && spread; ++w) {
    plan.rx_queue_of[w] = static_cast<uint16_t>(w);
  }
  plan.rx_queue_of[plan.polling_worker] = 0;
  // Queue q belongs to the q-th worker counted from the polling one, so that one is served first.
  for (uint16_t q = 0; q < plan.tx_queues; ++q) {
    plan.tx_queue_of[(plan.polling_worker + q) % workers] = q;
  }
  return plan;
}

}  // namespace sluice
