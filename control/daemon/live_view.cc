#include "control/daemon/live_view.h"

#include <utility>

namespace sluice {
namespace {

std::vector<PortDevice> Devices(const Runtime& runtime) {
  std::vector<PortDevice> devices;
  for (const PortStatistics& port : runtime.Statistics()) {
    PortDevice& device = devices.emplace_back();
    device.device = port.device;
    device.driver = port.driver;
    device.mtu_bytes = port.mtu_bytes;
    device.rx_queues = port.rx_queues;
    device.tx_queues = port.tx_queues;
    device.link_up = port.link_up;
    device.rx_missed = port.rx_missed;
    device.rx_no_mbuf = port.rx_no_mbuf;
    device.rx_errors = port.rx_errors;
    device.tx_errors = port.tx_errors;
  }
  return devices;
}

std::vector<WorkerLoad> Loads(const Runtime& runtime) {
  std::vector<WorkerLoad> loads;
  for (uint32_t worker = 0; worker < runtime.started_count(); ++worker) {
    const LoopCounters& counters = runtime.loop_counters(worker);
    loads.push_back({counters.polls.Read(), counters.idle_polls.Read(), counters.busy_ticks.Read(),
                     counters.total_ticks.Read(), counters.sleeps.Read()});
  }
  return loads;
}

}  // namespace

DaemonView ViewOf(LiveDataplane& dataplane, std::mutex& control, bool enforce_quotas,
                  std::function<void()> request_stop) {
  DaemonView view{control, dataplane.applier(), dataplane.states().sessions(), {}};
  view.enforce_quotas = enforce_quotas;
  for (uint32_t worker = 0; worker < dataplane.states().worker_count(); ++worker) {
    view.workers.push_back(&dataplane.states().counters(worker));
  }
  Runtime* const runtime = &dataplane.runtime();
  view.session_now_ms = [runtime] { return runtime->NowMs(); };
  view.monotonic_ns = [] { return SystemClock().MonotonicNs(); };
  view.port_devices = [runtime] { return Devices(*runtime); };
  view.worker_loads = [runtime] { return Loads(*runtime); };
  view.ticks_per_ns = runtime->ticks_per_ns();
  view.request_stop = std::move(request_stop);
  return view;
}

}  // namespace sluice
