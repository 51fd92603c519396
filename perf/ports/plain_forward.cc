#include "perf/ports/plain_forward.h"

#include <rte_config.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

namespace sluice {
namespace {

uint32_t ForwardBurst(const Device& from, const Device& to, PlainForward& counts) noexcept {
  rte_mbuf* frames[WorkerLoop::kBurst];
  const uint16_t got =
      rte_eth_rx_burst(from.id(), from.queues().rx_queue_of[0], frames, WorkerLoop::kBurst);
  if (got == 0) {
    return 0;
  }
  const uint16_t sent = rte_eth_tx_burst(to.id(), to.queues().tx_queue_of[0], frames, got);
  rte_pktmbuf_free_bulk(frames + sent, got - sent);
  counts.packets += got;
  counts.unsent += got - sent;
  return got;
}

}  // namespace

PlainForward ForwardPlainly(const Runtime& runtime, size_t ports, uint32_t ms) noexcept {
  PlainForward counts;
  const uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * ms;
  for (uint64_t before = rte_rdtsc(); before < end;) {
    uint32_t got = 0;
    for (size_t p = 0; p < ports; ++p) {
      got += ForwardBurst(runtime.device(PortIdx(static_cast<uint16_t>(p))),
                          runtime.device(PortIdx(static_cast<uint16_t>((p + 1) % ports))), counts);
    }
    const uint64_t now = rte_rdtsc();
    counts.busy_ticks += got == 0 ? 0 : now - before;
    before = now;
  }
  return counts;
}

}  // namespace sluice
