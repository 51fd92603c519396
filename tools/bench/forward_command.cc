// `sluice-bench forward`.
#include <cstdio>
#include <ctime>
#include <fstream>

#include "perf/workload/sample_network.h"
#include "tools/bench/commands.h"
#include "tools/bench/figure.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_run.h"
#include "tools/sluice/config_source.h"

namespace sluice {
namespace {

// What the flags ask for, in the types the run wants.
struct Asked {
  WorkbenchOptions bench;
  ForwardOptions forward;
};

template <typename T>
bool OneOf(const char* flag, const std::string& value,
           std::initializer_list<std::pair<std::string_view, T>> words, T& chosen) {
  std::string allowed;
  for (const auto& [word, meaning] : words) {
    if (word == value) {
      chosen = meaning;
      return true;
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(word);
  }
  UsageError("--" + std::string(flag) + "=" + value + " is none of " + allowed);
  return false;
}

bool InRange(const char* flag, uint64_t value, uint64_t least, uint64_t most) {
  if (value < least || value > most) {
    UsageError("--" + std::string(flag) + "=" + std::to_string(value) + " is not in " +
               std::to_string(least) + ".." + std::to_string(most));
    return false;
  }
  return true;
}

uint32_t ScheduleLength() {
  constexpr uint64_t kLeast = 1u << 18;
  constexpr uint64_t kMost = 32'000'000;
  return FLAGS_schedule != 0 ? FLAGS_schedule
                             : static_cast<uint32_t>(std::clamp<uint64_t>(
                                   uint64_t{FLAGS_flows} * 4, FLAGS_quick ? 8192 : kLeast, kMost));
}

bool ReadWords(Asked& asked) {
  std::string memory;
  return OneOf<KeyLaw>("keys", FLAGS_keys, {{"uniform", KeyLaw::kUniform}, {"zipf", KeyLaw::kZipf}},
                       asked.forward.schedule.law) &&
         OneOf<Direction>(
             "direction", FLAGS_direction,
             {{"both", Direction::kBoth}, {"out", Direction::kOut}, {"in", Direction::kIn}},
             asked.forward.schedule.direction) &&
         OneOf<Traffic>(
             "traffic", FLAGS_traffic,
             {{"nat", Traffic::kNat}, {"vpc", Traffic::kVpc}, {"mixed", Traffic::kMixed}},
             asked.bench.traffic) &&
         OneOf<Protocols>(
             "protocol", FLAGS_protocol,
             {{"tcp", Protocols::kTcp}, {"udp", Protocols::kUdp}, {"mixed", Protocols::kMixed}},
             asked.bench.protocols) &&
         OneOf<std::string>("source", FLAGS_source, {{"memory", "memory"}}, memory);
}

bool ReadNumbers(Asked& asked) {
  const auto sizes = FrameSizes::Parse(FLAGS_size);
  if (!sizes) {
    UsageError("--size=" + FLAGS_size + " is neither imix nor in 64..1518");
    return false;
  }
  if (FLAGS_zipf <= 0 || FLAGS_zipf > 10) {
    UsageError("--zipf is not above 0 and at most 10");
    return false;
  }
  asked.forward.schedule.sizes = *sizes;
  return InRange("flows", FLAGS_flows, 1, 64'000'000) &&
         InRange("senders", FLAGS_senders, 1, 1000) && InRange("rules", FLAGS_rules, 1, 1000) &&
         InRange("burst", FLAGS_burst, 1, BurstDriver::kMaxBurst) &&
         InRange("rounds", FLAGS_rounds, 1, 100'000) &&
         InRange("round_packets", FLAGS_round_packets, BurstDriver::kMaxBurst, 1u << 30) &&
         InRange("schedule", ScheduleLength(), BurstDriver::kMaxBurst, 1u << 30) &&
         InRange("samples", FLAGS_samples, 1, 1'000'000);
}

std::shared_ptr<const ValidatedIntent> LoadConfig(const Arguments& arguments) {
  const std::vector<std::string> paths = SplitPaths(arguments.All("config"));
  if (!paths.empty()) {
    return LoadOrReport(paths);
  }
  SampleNetwork network;
  network.senders = FLAGS_senders;
  network.rules = FLAGS_rules;
  network.seed = FLAGS_seed;
  network.max_sessions = std::max<uint64_t>(1024, uint64_t{FLAGS_flows} + FLAGS_flows / 16);
  return LoadIntentText("generated", SampleNetworkJson(network), {}).intent;
}

void Fill(Asked& asked) {
  asked.bench.flows = FLAGS_flows;
  asked.bench.burst = FLAGS_burst;
  asked.bench.seed = FLAGS_seed;
  asked.bench.session_cache = FLAGS_session_cache;
  ForwardOptions& forward = asked.forward;
  forward.schedule.zipf_exponent = FLAGS_zipf;
  forward.schedule.packets = ScheduleLength();
  forward.schedule.seed = FLAGS_seed;
  forward.rounds = FLAGS_quick ? 3 : FLAGS_rounds;
  const uint32_t packets = FLAGS_quick ? std::min(FLAGS_round_packets, 8192u) : FLAGS_round_packets;
  forward.round_packets = packets / FLAGS_burst * FLAGS_burst;
  // All of it, so that no flow was idle since it was opened.
  forward.warmup_packets = forward.schedule.packets;
  forward.sampled_packets = FLAGS_quick ? std::min(FLAGS_samples, 200u) : FLAGS_samples;
  forward.session_cache = FLAGS_session_cache;
}

Report MakeReport(const Workbench& bench, const Asked& asked, const ForwardResult& result) {
  Report report;
  report.machine = DescribeMachine();
  report.memory_mode = MemoryModeNow();
  report.settings = {
      {"source", FLAGS_source},
      {"nic", "none: dataplane only"},
      {"config", FLAGS_config.empty() ? "generated" : FLAGS_config},
      {"traffic", FLAGS_traffic},
      {"protocol", FLAGS_protocol},
      {"direction", FLAGS_direction},
      {"keys", FLAGS_keys},
      {"size", FLAGS_size},
      {"rules", FLAGS_config.empty() ? std::to_string(FLAGS_rules) : "as configured"},
      {"burst", std::to_string(FLAGS_burst)},
      {"session_cache", FLAGS_session_cache ? "on" : "off"},
      {"seed", std::to_string(FLAGS_seed)}};
  Figure figure;
  figure.name = "forward/flows:" + std::to_string(FLAGS_flows) + "/size:" + FLAGS_size +
                "/keys:" + FLAGS_keys;
  figure.ns = result.pipeline_ns;
  figure.source_ns = result.source_ns;
  figure.frame_bytes = result.mean_frame_bytes;
  figure.rounds = asked.forward.rounds;
  figure.round_items = asked.forward.round_packets;
  const ForwardTotals& totals = result.totals;
  figure.counters = {
      {"flows", static_cast<double>(totals.flows)},
      {"sessions", static_cast<double>(totals.sessions)},
      {"hit_rate", static_cast<double>(totals.hits) / static_cast<double>(totals.packets)},
      {"packets", static_cast<double>(totals.packets)},
      {"dropped", static_cast<double>(totals.dropped)},
      {"sampled", static_cast<double>(totals.sampled)},
      {"wrong", static_cast<double>(totals.wrong)},
      {"whole_ns", result.whole_ns.median},
      {"p99_burst_ns", result.p99_burst_ns},
      {"preempted_share", result.preempted_share},
      {"open_seconds", bench.open_seconds()}};
  report.figures.push_back(figure);
  report.broken_claims = BrokenClaims(totals, asked.forward.session_cache);
  return report;
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

constexpr const char* kStageNames[kStageCount] = {
    "parse",      "interface",   "local",   "fragment",     "session",    "route",
    "sg_egress",  "nacl_egress", "gateway", "nacl_ingress", "sg_ingress", "nat",
    "icmp_error", "mtu_ttl",     "admit",   "rewrite",      "account"};

void PrintStages(const Machine& machine, const std::vector<StageCost>& stages) {
  std::printf("  %-14s %10s %12s %10s %8s %8s\n", "STAGE", "CALLS", "PKTS", "PKTS/CALL", "NS/PKT",
              "TICKS/PKT");
  for (const StageCost& stage : stages) {
    std::printf("  %-14s %10llu %12llu %10.1f %8.1f %8.1f\n",
                kStageNames[static_cast<size_t>(stage.stage)],
                static_cast<unsigned long long>(stage.calls),
                static_cast<unsigned long long>(stage.packets),
                static_cast<double>(stage.packets) / static_cast<double>(stage.calls),
                stage.ticks_per_packet * 1e9 / machine.tsc_hz, stage.ticks_per_packet);
  }
  std::printf("\n");
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

bool WriteGoogleBenchmark(const Report& report) {
  if (FLAGS_benchmark_out.empty()) {
    return true;
  }
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm local;
  localtime_r(&now, &local);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &local);
  std::ofstream file(FLAGS_benchmark_out);
  file << GoogleBenchmarkJson(report, date);
  file.flush();
  if (!file) {
    std::fprintf(stderr, "sluice-bench: %s cannot be written\n", FLAGS_benchmark_out.c_str());
    return false;
  }
  return true;
}

int Fail(const Report& report) {
  for (const std::string& claim : report.broken_claims) {
    std::fprintf(stderr, "sluice-bench: not what is named: %s\n", claim.c_str());
  }
  return kExitNo;
}

}  // namespace

int RunForwardCommand(const Arguments& arguments) {
  if (!arguments.words.empty()) {
    return UsageError("`sluice-bench forward` takes flags only, not \"" + arguments.words[0] +
                      "\"");
  }
  Asked asked;
  if (!ReadWords(asked) || !ReadNumbers(asked)) {
    return kExitUsage;
  }
  Fill(asked);
  asked.bench.intent = LoadConfig(arguments);
  if (asked.bench.intent == nullptr) {
    return kExitNo;
  }
  const auto bench = Workbench::Make(asked.bench);
  if (!bench.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(bench.status().message()).c_str());
    return kExitNo;
  }
  const ForwardResult result = RunForward(**bench, asked.forward);
  const Report report = MakeReport(**bench, asked, result);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  if (FLAGS_j) {
    std::fputs(ReportJson(report).c_str(), stdout);
    return report.broken_claims.empty() ? kExitYes : Fail(report);
  }
  if (!report.broken_claims.empty()) {
    return Fail(report);
  }
  PrintTable(report, result);
  if (FLAGS_stages) {
    PrintStages(report.machine, MeasureStages(**bench, asked.forward));
  }
  std::printf("%s\n", OneLine(report, result).c_str());
  return kExitYes;
}

}  // namespace sluice
