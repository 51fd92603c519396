#include "dataplane/pipeline/burst_count.h"

namespace sluice {

void CountReleasedDrop(WorkerContext& worker, PortIdx port, DropReason reason) noexcept {
  worker.counters->ports[port.index()].released.Add(1);
  worker.counters->ports[port.index()].dropped[static_cast<size_t>(reason)].Add(1);
}

namespace {

void CountLane(PortCounters& port, const Batch& batch, uint32_t lane) noexcept {
  if (batch.reentered[lane] != 0) {
    port.released.Add(1);
  } else {
    port.received.Add(1);
    port.received_bytes.Add(batch.frame_bytes[lane]);
  }
  const auto reason = static_cast<size_t>(batch.reason[lane]);
  switch (batch.verdict[lane]) {
    case Verdict::kForward:
      port.forwarded.Add(1);
      break;
    case Verdict::kConsume:
      port.consumed[reason].Add(1);
      break;
    case Verdict::kDrop:
      port.dropped[reason].Add(1);
      break;
    case Verdict::kHold:
      port.held.Add(1);
      break;
  }
}

}  // namespace

void CountBurst(WorkerContext& worker, const Batch& batch) noexcept {
  PortCounters* ports = worker.counters->ports.data();
  for (uint32_t lane = 0; lane < batch.count; ++lane) {
    PortCounters& port = ports[batch.rx_port[lane].index()];
    const uint32_t odd =
        (batch.verdict[lane] == Verdict::kForward ? 0u : 1u) | batch.reentered[lane];
    if (odd == 0) [[likely]] {
      port.received.Add(1);
      port.received_bytes.Add(batch.frame_bytes[lane]);
      port.forwarded.Add(1);
    } else {
      CountLane(port, batch, lane);
    }
  }
}

}  // namespace sluice
