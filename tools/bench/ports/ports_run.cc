#include "tools/bench/ports/ports_run.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "perf/ports/plain_forward.h"
#include "tools/bench/interruption.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

constexpr uint32_t kFcsBytes = 4;
constexpr int64_t kLookNs = 10'000'000;
constexpr const char* kWorkerThread = "rte-worker-";  // as DPDK calls the only one

// False: interrupted.
bool Wait(uint32_t ms) {
  for (int64_t left_ns = int64_t{ms} * 1'000'000; left_ns > 0; left_ns -= kLookNs) {
    const timespec rest = {0, kLookNs};
    nanosleep(&rest, nullptr);
    if (Interruption::happened()) {
      return false;
    }
  }
  return true;
}

// The share of a CPU that a thread had while `run` ran.
template <typename CpuNs, typename Run>
double CpuShare(const CpuNs& cpu_ns, const Run& run) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto start = now();
  const auto before = static_cast<double>(cpu_ns());
  run();
  const std::chrono::duration<double, std::nano> wall = now() - start;
  return std::min(1.0, (static_cast<double>(cpu_ns()) - before) / wall.count());
}

double PerPacket(double ticks, uint64_t packets, double ticks_per_ns) {
  return packets == 0 ? 0 : ticks / ticks_per_ns / static_cast<double>(packets);
}

void Count(const Runtime& runtime, OfflineDataplane& dataplane, PortsResult& result) {
  PortsTotals& totals = result.totals;
  totals.fates = CountFates(dataplane.counters());
  uint64_t bytes = 0;
  for (const PortCounters& port : dataplane.counters().ports) {
    totals.sent += port.sent.Read();
    totals.tx_full += port.tx_full.Read();
    bytes += port.received_bytes.Read();
  }
  for (const PortStatistics& port : runtime.Statistics()) {
    totals.rx_missed += port.rx_missed + port.rx_no_mbuf + port.rx_errors;
  }
  const SessionCounts sessions = dataplane.sessions().Counts();
  totals.sessions = sessions.counted + sessions.cache_only;
  uint64_t stage_ticks = 0;
  for (const StageCounters& stage : dataplane.counters().stages) {
    stage_ticks += stage.ticks.Read();
  }
  const LoopCounters& loop = runtime.loop_counters(0);
  const uint64_t busy = loop.busy_ticks.Read();
  const uint64_t all = loop.total_ticks.Read();
  result.whole_ns = PerPacket(static_cast<double>(busy) * result.cpu_share, totals.fates.received,
                              runtime.ticks_per_ns());
  result.pipeline_ns = PerPacket(static_cast<double>(stage_ticks) * result.cpu_share,
                                 totals.fates.received, runtime.ticks_per_ns());
  result.seconds = static_cast<double>(all) / runtime.ticks_per_ns() / 1e9;
  result.busy_share = all == 0 ? 0 : static_cast<double>(busy) / static_cast<double>(all);
  result.mean_frame_bytes =
      totals.fates.received == 0
          ? 0
          : static_cast<double>(bytes) / static_cast<double>(totals.fates.received) + kFcsBytes;
}

}  // namespace

std::vector<std::string> BrokenPortsClaims(const PortsTotals& totals) {
  std::vector<std::string> broken;
  const auto none = [&](const char* what, uint64_t count, const std::string& more) {
    if (count != 0) {
      broken.push_back(std::string(what) + ": " + std::to_string(count) + ", expected 0" +
                       (more.empty() ? "" : " (most: " + more + ")"));
    }
  };
  if (totals.fates.received == 0) {
    broken.push_back("no packet came: is something sending to these ports?");
  }
  none("packets dropped", totals.fates.dropped, totals.fates.FirstDrop());
  none("packets that a port did not take", totals.tx_full, "");
  none("packets that a device lost", totals.rx_missed, "");
  none("packet buffers that did not come back", totals.missing, "");
  const uint64_t known = totals.fates.forwarded + totals.fates.consumed + totals.fates.dropped;
  if (known != totals.fates.received) {
    broken.push_back("fates: " + std::to_string(known) + " of " +
                     std::to_string(totals.fates.received) + " packets received");
  }
  return broken;
}

absl::StatusOr<PortsResult> RunPorts(Runtime& runtime, OfflineDataplane& dataplane,
                                     const PortsOptions& options) {
  const size_t ports = dataplane.config().port_names.size();
  if (const absl::Status started = runtime.StartPorts(); !started.ok()) {
    return started;
  }
  Qsbr qsbr(1);
  Publisher<Snapshot> publisher(qsbr);
  const CompiledConfig& config = dataplane.config();
  absl::Status status = publisher.Publish(config.snapshot, config.snapshot->generation);
  PortsResult result;
  PlainForward plain;
  const double plain_share =
      CpuShare(ThreadCpuNs, [&] { plain = ForwardPlainly(runtime, ports, options.plain_ms); });
  result.plain_ns = PerPacket(static_cast<double>(plain.busy_ticks) * plain_share, plain.packets,
                              runtime.ticks_per_ns());
  dataplane.worker().time_stages = true;
  WorkerContext* const contexts[] = {&dataplane.worker()};
  if (status.ok()) {
    status = runtime.StartWorkers(contexts, publisher, qsbr);
  }
  bool whole = status.ok();
  result.cpu_share = CpuShare([] { return CpuNsOfThread(getpid(), kWorkerThread); },
                              [&] { whole = whole && Wait(options.run_ms); });
  runtime.StopWorkers();
  if (!whole) {
    return status.ok() ? absl::CancelledError("interrupted") : status;
  }
  Count(runtime, dataplane, result);
  result.totals.missing = runtime.Close().missing;
  return result;
}

}  // namespace sluice
