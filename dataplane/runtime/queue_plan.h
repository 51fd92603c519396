// Which worker polls and which worker sends on which queue of a port. Pure. Control thread.
//
// A port with RSS has one receive queue a worker; any other port has one, polled by the worker its
// number falls to. A worker without a transmit queue of its own hands frames over through the
// port's bounded ring to the port's polling worker. Queues move only across a restart, so one
// direction of a flow has one worker.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

struct QueueLimits {
  uint16_t max_rx_queues = 1;
  uint16_t max_tx_queues = 1;
  bool spreads_flows = false;  // RSS over addresses and ports
  bool paired = false;         // the driver wants as many tx as rx queues
};

inline constexpr uint16_t kNoQueue = 0xffff;

struct QueuePlan {
  uint16_t rx_queues = 1;
  uint16_t tx_queues = 1;
  uint32_t polling_worker = 0;        // of receive queue 0; drains the port's hand-over ring
  std::vector<uint16_t> rx_queue_of;  // by worker; kNoQueue: does not poll this port
  std::vector<uint16_t> tx_queue_of;  // by worker; kNoQueue: hands over
};

// `port` counts the ports of this host from 0; workers >= 1; limits >= 1. The polling worker always
// has a transmit queue.
QueuePlan PlanQueues(uint32_t port, uint32_t workers, const QueueLimits& limits);

}  // namespace sluice
