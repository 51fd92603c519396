#include "tools/bench/ports/forward_ports.h"

#include <algorithm>
#include <cstdio>

#include "tools/bench/contest_row.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/interruption.h"
#include "tools/bench/ports/open_ports.h"
#include "tools/bench/ports/ports_run.h"
#include "tools/bench/report_output.h"

namespace sluice {
namespace {

constexpr uint32_t kQuickMs = 500;

int Failed(const absl::Status& status) {
  const std::string message(status.message());
  if (absl::IsInvalidArgument(status)) {
    return UsageError(message);
  }
  std::fprintf(stderr, "sluice-bench: %s\n", message.c_str());
  return kExitNo;
}

Figure FigureOf(const PortsResult& result) {
  const PortsTotals& totals = result.totals;
  const auto packets = static_cast<double>(totals.fates.received);
  const auto one = [](double ns) { return Spread{ns, ns, ns}; };
  Figure figure;
  figure.name = "forward/ports";
  figure.ns = one(result.pipeline_ns);
  figure.source_ns = one(result.whole_ns - result.pipeline_ns);
  figure.frame_bytes = result.mean_frame_bytes;
  figure.rounds = 1;
  figure.round_items = totals.fates.received;
  figure.counters = {
      {"packets", packets},
      {"seconds", result.seconds},
      {"packets_per_second", result.seconds == 0 ? 0 : packets / result.seconds},
      {"cpu_share", result.cpu_share},
      {"busy_share", result.busy_share},
      {"hit_rate", packets == 0 ? 0 : static_cast<double>(totals.fates.hits) / packets},
      {"sessions", static_cast<double>(totals.sessions)},
      {"forwarded", static_cast<double>(totals.fates.forwarded)},
      {"sent", static_cast<double>(totals.sent)},
      {"consumed", static_cast<double>(totals.fates.consumed)},
      {"dropped", static_cast<double>(totals.fates.dropped)},
      {"tx_full", static_cast<double>(totals.tx_full)},
      {"rx_missed", static_cast<double>(totals.rx_missed)},
      {"whole_ns", result.whole_ns},
      {"plain_ns", result.plain_ns}};
  return figure;
}

Report ReportOf(const Runtime& runtime, const std::vector<std::string>& devices,
                const PortsResult& result) {
  std::string names;
  for (const std::string& device : devices) {
    names += (names.empty() ? "" : " and ") + device;
  }
  Report report =
      StartReport({{"source", "ports"},
                   {"ports", names},
                   {"packet buffers", std::string(MemoryModeName(runtime.memory_mode()))},
                   {"config", FLAGS_config.empty() ? "generated" : FLAGS_config}});
  if (std::any_of(devices.begin(), devices.end(),
                  [](const std::string& device) { return IsPciDevice(device); })) {
    report.settings.back().second = "the PCI devices of these ports";  // "nic"
  }
  report.figures.push_back(FigureOf(result));
  report.broken_claims = BrokenPortsClaims(result.totals);
  return report;
}

void PrintText(const Report& report) {
  const Figure& figure = report.figures[0];
  // The counts are printed in any case: they say where packets went.
  for (const auto& [name, value] : report.settings) {
    std::printf("  %-22s %s\n", name.c_str(), value.c_str());
  }
  for (const auto& [name, value] : figure.counters) {
    std::printf("  %-22s %.6g\n", name.c_str(), value);
  }
  if (!report.broken_claims.empty()) {
    return;
  }
  std::printf(
      "\nforward: %.0f ns (%.0f ticks) a packet in the pipeline, %.0f ns around it; from port to "
      "port untouched %.0f ns; %s\n",
      figure.ns.median, Ticks(report.machine, figure.ns.median), figure.source_ns.median,
      CounterOf(figure, "plain_ns"), Provenance(report).c_str());
}

}  // namespace

int ForwardOnPorts(const Arguments& arguments, const std::string& ports) {
  const std::shared_ptr<const ValidatedIntent> intent = LoadBenchConfig(arguments, FLAGS_flows);
  if (intent == nullptr) {
    return kExitNo;
  }
  const std::vector<std::string> devices = SplitDevices(ports);
  const Interruption interruption;
  const auto runtime = OpenPorts(*intent, devices);
  if (!runtime.ok()) {
    return Failed(runtime.status());
  }
  OfflineOptions offline;
  offline.seed = FLAGS_seed;
  offline.session_cache = FLAGS_session_cache;
  const auto dataplane = OfflineDataplane::Make(intent, offline);
  if (!dataplane.ok()) {
    return Failed(dataplane.status());
  }
  PortsOptions options;
  options.run_ms = FLAGS_quick ? kQuickMs : FLAGS_seconds * 1000;
  options.plain_ms = FLAGS_quick ? kQuickMs / 5 : options.plain_ms;
  const auto result = RunPorts(**runtime, **dataplane, options);
  if (!result.ok()) {
    return Failed(result.status());
  }
  const Report report = ReportOf(**runtime, devices, *result);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j) {
    PrintText(report);
  }
  return JudgeReport(report);
}

}  // namespace sluice
