#include "control/api/metrics.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "control/api/gather_reports.h"
#include "control/telemetry/prometheus.h"

namespace sluice {
namespace {

constexpr double kNanosecondsASecond = 1e9;

using Families = std::vector<MetricFamily>;

void Append(Families more, Families& families) {
  for (MetricFamily& family : more) {
    families.push_back(std::move(family));
  }
}

void AddGauge(const char* name, const char* help, uint64_t value, Families& families) {
  families.push_back({name, help, MetricKind::kGauge, {{{}, static_cast<double>(value)}}});
}

void AddDeviceMetrics(const std::vector<PortReport>& ports, Families& families) {
  const auto add = [&](const char* name, const char* help, MetricKind kind, const auto& value) {
    MetricFamily family{name, help, kind, {}};
    for (const PortReport& port : ports) {
      family.samples.push_back({{{"port", port.name}}, static_cast<double>(value(port))});
    }
    families.push_back(std::move(family));
  };
  const MetricKind counter = MetricKind::kCounter;
  add("sluice_port_rx_missed_packets_total", "Packets the device had no room for in its queue.",
      counter, [](const PortReport& p) { return p.device.rx_missed; });
  add("sluice_port_rx_no_buffer_packets_total", "Packets there was no buffer to receive into.",
      counter, [](const PortReport& p) { return p.device.rx_no_mbuf; });
  add("sluice_port_rx_errors_total", "Packets the device received with an error.", counter,
      [](const PortReport& p) { return p.device.rx_errors; });
  add("sluice_port_tx_errors_total", "Packets the device failed to send.", counter,
      [](const PortReport& p) { return p.device.tx_errors; });
  add("sluice_port_tx_full_packets_total", "Packets the device's queue had no room for.", counter,
      [](const PortReport& p) { return p.tx_full; });
  add("sluice_port_up", "Whether the port's link is up.", MetricKind::kGauge,
      [](const PortReport& p) { return p.device.link_up ? 1 : 0; });
}

// One sample a worker, of `count` workers.
void AddPerWorker(const char* name, const char* help, size_t count, const auto& value,
                  Families& families) {
  MetricFamily family{name, help, MetricKind::kCounter, {}};
  for (size_t worker = 0; worker < count; ++worker) {
    family.samples.push_back(
        {{{"worker", std::to_string(worker)}}, static_cast<double>(value(worker))});
  }
  families.push_back(std::move(family));
}

void AddWorkerMetrics(const DaemonView& view, Families& families) {
  const std::vector<WorkerLoad> loads =
      view.worker_loads ? view.worker_loads() : std::vector<WorkerLoad>();
  const auto seconds = [&view](uint64_t ticks) {
    return view.ticks_per_ns > 0
               ? static_cast<double>(ticks) / view.ticks_per_ns / kNanosecondsASecond
               : 0.0;
  };
  AddPerWorker(
      "sluice_worker_polls_total", "Rounds over all receive queues.", loads.size(),
      [&](size_t w) { return loads[w].polls; }, families);
  AddPerWorker(
      "sluice_worker_idle_polls_total", "Rounds that found nothing.", loads.size(),
      [&](size_t w) { return loads[w].idle_polls; }, families);
  AddPerWorker(
      "sluice_worker_sleeps_total", "Rests of an idle worker.", loads.size(),
      [&](size_t w) { return loads[w].sleeps; }, families);
  AddPerWorker(
      "sluice_worker_busy_seconds_total", "Time in rounds that found something.", loads.size(),
      [&](size_t w) { return seconds(loads[w].busy_ticks); }, families);
  AddPerWorker(
      "sluice_worker_seconds_total", "Time since the worker started.", loads.size(),
      [&](size_t w) { return seconds(loads[w].total_ticks); }, families);
  const size_t workers = view.workers.size();
  AddPerWorker(
      "sluice_session_hits_total", "Packets judged by their session alone.", workers,
      [&](size_t w) { return view.workers[w]->session_hits.Read(); }, families);
  AddPerWorker(
      "sluice_session_misses_total", "Packets without a session.", workers,
      [&](size_t w) { return view.workers[w]->session_misses.Read(); }, families);
  AddPerWorker(
      "sluice_session_walks_total", "Packets of a session that walked again.", workers,
      [&](size_t w) { return view.workers[w]->session_walks.Read(); }, families);
}

void AddServerMetrics(const DaemonView& view, Families& families) {
  MetricFamily failures{"sluice_accept_failures_total",
                        "Connections that waited because the daemon had no descriptor for them.",
                        MetricKind::kCounter,
                        {}};
  for (const AcceptFailures& of : view.accept_failures()) {
    failures.samples.push_back({{{"server", of.server}}, static_cast<double>(of.count)});
  }
  families.push_back(std::move(failures));
}

RowFilter Everything() {
  RowFilter all;
  all.limit = UINT32_MAX;
  return all;
}

void AddInterfaceMetrics(const DaemonView& view, Families& families) {
  MetricFamily sessions{"sluice_interface_sessions",
                        "Connections that count at the interface.",
                        MetricKind::kGauge,
                        {}};
  MetricFamily available{"sluice_conntrack_allowance_available",
                         "Connections that can still be tracked at the interface.",
                         MetricKind::kGauge,
                         {}};
  MetricFamily exceeded{"sluice_conntrack_allowance_exceeded_total",
                        "Packets dropped because the interface could track no more connections.",
                        MetricKind::kCounter,
                        {}};
  for (const InterfaceReport& eni : GatherInterfaces(view, Everything()).rows) {
    const std::vector<std::pair<std::string, std::string>> labels = {{"eni", eni.eni_id},
                                                                     {"vpc", eni.vpc_id}};
    sessions.samples.push_back({labels, static_cast<double>(eni.sessions)});
    available.samples.push_back({labels, static_cast<double>(eni.conntrack_allowance_available)});
    exceeded.samples.push_back({labels, static_cast<double>(eni.conntrack_allowance_exceeded)});
  }
  Append({std::move(sessions), std::move(available), std::move(exceeded)}, families);
}

void AddNatGatewayMetrics(const DaemonView& view, Families& families) {
  const std::vector<NatGatewayReport> gateways = GatherNatGateways(view, Everything()).rows;
  for (const NatMetricName& metric : NatMetricNames()) {
    const bool rises = metric.value != &NatGatewayMetrics::active_connection_count;
    MetricFamily family{"sluice_" + std::string(metric.name) + (rises ? "_total" : ""),
                        std::string(metric.help),
                        rises ? MetricKind::kCounter : MetricKind::kUntyped,
                        {}};
    for (const NatGatewayReport& nat : gateways) {
      family.samples.push_back({{{"nat_gateway", nat.nat_gateway_id}, {"vpc", nat.vpc_id}},
                                static_cast<double>(nat.metrics.*metric.value)});
    }
    families.push_back(std::move(family));
  }
}

void AddSessionMetrics(const DaemonView& view, Families& families) {
  const SessionCounts counts = view.sessions.Counts();
  const uint64_t capacity = view.sessions.capacity();
  AddGauge("sluice_generation", "The running generation of the configuration.",
           view.applier.generation(), families);
  AddGauge("sluice_sessions", "Tracked or translated connections.", counts.counted, families);
  AddGauge("sluice_cached_flows", "Flows that only cache a decision.", counts.cache_only, families);
  AddGauge("sluice_max_sessions", "Host.MaxSessions.", capacity, families);
  AddInterfaceMetrics(view, families);
  AddNatGatewayMetrics(view, families);
}

}  // namespace

std::string MetricsText(const DaemonView& view) {
  const std::lock_guard<std::mutex> lock(view.control);
  if (view.applier.running() == nullptr) {
    return "";
  }
  const std::vector<PortReport> ports = GatherPorts(view, {});
  Families families = PortMetrics(ports);
  AddDeviceMetrics(ports, families);
  Append(StageMetrics(GatherStages(view), view.ticks_per_ns), families);
  AddWorkerMetrics(view, families);
  AddSessionMetrics(view, families);
  if (view.accept_failures) {
    AddServerMetrics(view, families);
  }
  return PrometheusText(families);
}

}  // namespace sluice
