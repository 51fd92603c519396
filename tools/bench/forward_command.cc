// `sluice-bench forward`.
#include <gflags/gflags.h>

#include <cstdio>
#include <optional>

#include "perf/ports/device_frames.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/interruption.h"
#include "tools/bench/ports/forward_ports.h"
#include "tools/bench/ports/open_ports.h"
#include "tools/bench/report_output.h"

DEFINE_string(ports, "",
              "Take packets as they come from these DPDK devices, one for each port of the "
              "configuration in its order, instead of making any: PCI addresses or vdevs.");

DEFINE_bool(stale, false,
            "Before each round a rule changes that every session can feel: its packets walk again. "
            "Of the generated VPC.");
DEFINE_double(stale_share, 1,
              "With --stale: of the directions of flows so many have yet to walk when a round "
              "begins; 0.03 is about two of a burst of 64.");

namespace sluice {
namespace {

// Two versions of the generated network, put in force in turn.
class Versions {
 public:
  // False after the error.
  bool Load(uint32_t flows) {
    SampleNetwork network = ForwardNetwork(flows);
    for (uint16_t version = 0; version < 2; ++version) {
      network.app_edit_l4_port = static_cast<uint16_t>(4242 + version);
      intents_[version] = LoadIntentText("generated", SampleNetworkJson(network), {}).intent;
    }
    return intents_[0] != nullptr && intents_[1] != nullptr;
  }
  void Next(Workbench& bench) {
    status_.Update(bench.dataplane().Apply(intents_[++applied_ % 2]));
    bench.driver().Use(*bench.config().snapshot);
  }
  void Close(Report& report) const {
    if (!status_.ok()) {
      report.broken_claims.push_back("a change was refused: " + std::string(status_.message()));
    }
  }

 private:
  std::shared_ptr<const ValidatedIntent> intents_[2];
  uint32_t applied_ = 0;
  absl::Status status_;
};

// Null ports with the bench's packets in what they give; nothing while packets come from memory.
struct NullPorts {
  std::optional<Interruption> interruption;  // DPDK's folder is to be cleaned up
  std::unique_ptr<Runtime> runtime;
  std::unique_ptr<DeviceFrames> frames;

  absl::Status Open(const ValidatedIntent& intent) {
    interruption.emplace();
    auto opened = OpenPorts(intent, NullDevices(intent));
    if (!opened.ok()) {
      return opened.status();
    }
    runtime = *std::move(opened);
    frames = std::make_unique<DeviceFrames>(*runtime, intent.host().ports.size());
    return runtime->StartPorts();
  }
  // Once, at the end.
  void Close(Report& report) {
    if (runtime == nullptr) {
      return;
    }
    report.settings.emplace_back("packet buffers",
                                 std::string(MemoryModeName(runtime->memory_mode())));
    if (const uint32_t missing = runtime->Close().missing; missing != 0) {
      report.broken_claims.push_back(std::to_string(missing) +
                                     " packet buffers did not come back, expected 0");
    }
  }
};

// False after a usage message.
bool ReadStale() {
  if (FLAGS_stale && (!FLAGS_config.empty() || !FLAGS_ports.empty() || FLAGS_stages)) {
    UsageError(
        "--stale changes rules of the generated VPC: it goes without --config, --ports and "
        "--stages");
    return false;
  }
  if (!(FLAGS_stale_share > 0 && FLAGS_stale_share <= 1)) {
    UsageError("--stale_share is above 0 and at most 1");
    return false;
  }
  if (FLAGS_stale_share != 1 && !FLAGS_stale) {
    UsageError("--stale_share is a share of what --stale makes stale: give that, too");
    return false;
  }
  if (FLAGS_stale && !FLAGS_session_cache) {
    UsageError("--stale makes sessions stale: --session_cache=off has none that are current");
    return false;
  }
  return true;
}

// False after a usage message.
bool ReadPorts(const ForwardRequest& request) {
  if (!FLAGS_ports.empty() && request.source != PacketSource::kMemory) {
    UsageError("--ports takes packets as they come: --source has no say in it");
    return false;
  }
  return InRange("seconds", FLAGS_seconds, 1, 3600);
}

void PrintRow(const Machine& machine, const char* name, const Spread& ns) {
  std::printf("  %-22s %8.1f %8.1f..%-8.1f %8.1f %9.2f\n", name, ns.median, ns.low, ns.high,
              Ticks(machine, ns.median), Mpps(ns.median));
}

void PrintTable(const Report& report, const ForwardResult& result) {
  for (const auto& [name, value] : report.settings) {
    std::printf("  %-22s %s\n", name.c_str(), value.c_str());
  }
  const ForwardTotals& totals = result.totals;
  std::printf(
      "  %-22s %llu packets in %u rounds, %llu sampled and compared, %.0f%% of the time taken by "
      "others\n\n",
      "measured", static_cast<unsigned long long>(totals.packets), report.figures[0].rounds,
      static_cast<unsigned long long>(totals.sampled), 100 * result.preempted_share);
  std::printf("  %-22s %8s %18s %8s %9s\n", "A PACKET", "NS", "QUARTILES", "TICKS", "MPPS/CORE");
  PrintRow(report.machine, "pipeline", result.pipeline_ns);
  PrintRow(report.machine, "source", result.source_ns);
  PrintRow(report.machine, "pipeline and source", result.whole_ns);
  std::printf("  %-22s %8.1f\n\n", "slowest 1% of bursts", result.p99_burst_ns);
}

std::string OneLine(const Report& report, const ForwardResult& result) {
  char text[512];
  const double ns = result.pipeline_ns.median;
  const std::string size =
      FLAGS_size == "imix" ? "a packet of IMIX" : "a packet of " + FLAGS_size + " B";
  const std::string services = !FLAGS_config.empty()    ? "--config"
                               : FLAGS_traffic == "nat" ? "all services"
                               : FLAGS_traffic == "vpc" ? "all services but NAT"
                                                        : "all services, half NAT";
  std::snprintf(
      text, sizeof text,
      "forward: %.1f Mpps a core, %.0f ns (%.0f ticks) %s, %s, %llu flows, hit rate %.3f, "
      "source %.0f ns; dataplane only, no NIC; ",
      Mpps(ns), ns, Ticks(report.machine, ns), size.c_str(), services.c_str(),
      static_cast<unsigned long long>(result.totals.flows),
      static_cast<double>(result.totals.hits) / static_cast<double>(result.totals.packets),
      result.source_ns.median);
  return text + Provenance(report);
}

int RunForwardCommand(const Arguments& arguments) {
  ForwardRequest request;
  if (!FlagsOnly("forward", arguments) || !ReadForwardFlags(request, true) || !ReadStale() ||
      !ReadPorts(request)) {
    return kExitUsage;
  }
  if (!FLAGS_ports.empty()) {
    return ForwardOnPorts(arguments, FLAGS_ports);
  }
  SetFlows(FLAGS_flows, request);
  if (!MemoryForFlows("forward", "--flows", request)) {
    return kExitNo;
  }
  request.bench.intent = LoadBenchConfig(arguments, FLAGS_flows);
  if (request.bench.intent == nullptr) {
    return kExitNo;
  }
  NullPorts ports;
  if (request.source == PacketSource::kNullPorts) {
    if (const absl::Status opened = ports.Open(*request.bench.intent); !opened.ok()) {
      std::fprintf(stderr, "sluice-bench: %s\n", std::string(opened.message()).c_str());
      return kExitNo;
    }
  }
  const auto bench = OpenBench(request.bench);
  if (bench == nullptr) {
    return kExitNo;
  }
  bench->driver().TakeFramesFrom(ports.frames.get());
  Versions versions;
  if (FLAGS_stale) {
    if (!versions.Load(FLAGS_flows)) {
      return kExitNo;
    }
    request.forward.make_stale = [&] { versions.Next(*bench); };
    request.forward.stale_share = FLAGS_stale_share;
  }
  const ForwardResult result = RunForward(*bench, request.forward);
  if (Interruption::happened()) {
    return kExitNo;
  }
  Report report = StartForwardReport();
  if (FLAGS_stale) {
    report.settings.emplace_back("stale when a round begins", std::to_string(FLAGS_stale_share));
  }
  report.figures.push_back(MakeForwardFigure(*bench, request, result));
  report.broken_claims = BrokenClaims(result.totals, request.forward.session_cache);
  if (FLAGS_stages && report.broken_claims.empty()) {
    report.stages = StageFigures(report.machine, MeasureStages(*bench, request.forward));
  }
  ports.Close(report);
  versions.Close(report);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (FLAGS_j || !report.broken_claims.empty()) {
    return JudgeReport(report);
  }
  PrintTable(report, result);
  if (FLAGS_stages) {
    PrintStages(report.stages);
  }
  std::printf("%s\n", OneLine(report, result).c_str());
  return kExitYes;
}

}  // namespace

Verb ForwardCommand() {
  return {
      "forward",
      "[--flows=N] [--keys=uniform|zipf] [--size=64|imix] [--config=PATH…] [-j]",
      "How fast established flows are forwarded, all services on.",
      "Stamps packets of open flows into memory and runs the product's pipeline over them: "
      "route,\n"
      "network ACLs, security groups with connection tracking, NAT. Rounds of the pipeline and "
      "of\n"
      "the source alone take turns; figures are medians over rounds, of the time this thread "
      "ran,\n"
      "so other processes disturb them little. The figure of the pipeline is with the source's\n"
      "cost taken off; that cost is printed beside it. Exit 1 when it was not measured what is\n"
      "named: a packet dropped, missed the session cache, or left with other bytes than the\n"
      "configuration asks for. The last line is the figure in one line.\n"
      "--source=net_null: the packets are stamped into buffers received from null ports of DPDK "
      "and\n"
      "sent to them. --ports: packets come as they come, for --seconds, through the product's own\n"
      "worker, with its stage meter on; frames that go from port to port untouched stand beside.",
      {"flows",         "keys",     "zipf",          "size",    "direction",     "traffic",
       "protocol",      "config",   "senders",       "rules",   "session_cache", "simd",
       "burst_ns",      "source",   "ports",         "seconds", "burst",         "rounds",
       "round_packets", "schedule", "samples",       "stages",  "stale",         "stale_share",
       "quick",         "seed",     "benchmark_out", "j"},
      RunForwardCommand};
}

}  // namespace sluice
