// `sluice-bench cps`.
#include <gflags/gflags.h>

#include <cstdio>

#include "dataplane/session/session_table.h"
#include "perf/workload/connection_source.h"
#include "tools/bench/commands.h"
#include "tools/bench/cps/cps_run.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/simd_flag.h"

DEFINE_uint64(max_sessions, 1'000'000, "Host.MaxSessions of the generated VPC: 16384..16000000.");
DEFINE_uint32(in_flight, 4096,
              "Connections that are open at a time: five bursts (seven with --data) .. 1000000.");
DEFINE_uint32(round_connections, 4096, "Connections of a round: 192..1000000.");
DEFINE_bool(data, false, "One data packet each way in every connection.");

namespace sluice {
namespace {

// Flows that stay open beside the connections and show where answers come from.
constexpr uint32_t kOpenFlows = 1000;
// Of a session: lines, cold record, index, links, marks for flow logs.
constexpr uint64_t kSessionBytes = 192;

struct CpsRequest {
  ForwardRequest forward;
  CpsOptions cps;
  uint64_t max_sessions = 0;
};

// LoadBenchConfig adds a sixteenth of room.
uint32_t FlowsWithRoom(const CpsRequest& request) {
  return static_cast<uint32_t>(request.max_sessions * 16 / 17);
}

// Whether it can measure what is named; false after a usage message.
bool CanBeMeasured(const CpsRequest& request) {
  const CpsOptions& cps = request.cps;
  if (uint64_t{cps.in_flight} + 4 * uint64_t{cps.round} + kOpenFlows > request.max_sessions) {
    UsageError("--max_sessions=" + std::to_string(request.max_sessions) +
               " is not above --in_flight + 4 * --round_connections + 1000, so connections that "
               "are open would have no room");
    return false;
  }
  if (!StepsComeApart("in_flight", cps.in_flight, ConnectionSteps(cps.data).size(), FLAGS_burst)) {
    return false;
  }
  // Steps are measured with the SYNs of a round together: as many finished ones have to be known.
  const uint32_t known = SessionTable::MostNotedClosed(FlowsWithRoom(request) / 16 * 17);
  if (cps.round > known) {
    UsageError("--round_connections=" + std::to_string(cps.round) + " is more than the " +
               std::to_string(known) +
               " finished connections that --max_sessions=" + std::to_string(request.max_sessions) +
               " remembers for eviction; take --round_connections=" + std::to_string(known));
    return false;
  }
  return true;
}

bool ReadCpsFlags(CpsRequest& request) {
  if (!ReadForwardFlags(request.forward) ||
      !InRange("max_sessions", FLAGS_max_sessions, 16384, 16'000'000) ||
      !InRange("in_flight", FLAGS_in_flight, 5, 1'000'000) ||
      !InRange("round_connections", FLAGS_round_connections, BurstDriver::kMaxBurst, 1'000'000)) {
    return false;
  }
  request.max_sessions =
      FLAGS_quick ? std::min<uint64_t>(FLAGS_max_sessions, 32768) : FLAGS_max_sessions;
  CpsOptions& cps = request.cps;
  cps.data = FLAGS_data;
  cps.round = FLAGS_quick ? std::min(FLAGS_round_connections, 256u) : FLAGS_round_connections;
  cps.rounds = FLAGS_quick ? 9 : FLAGS_rounds;
  cps.in_flight = FLAGS_quick ? std::min(FLAGS_in_flight, 1536u) : FLAGS_in_flight;
  cps.sampled = std::min(FLAGS_quick ? 50 : FLAGS_samples, cps.round);
  cps.stages = FLAGS_stages;
  return CanBeMeasured(request);
}

// Bytes of the session table, and of the packets that are ready.
uint64_t NeedBytes(const CpsRequest& request) {
  const uint64_t packets = 8 * sizeof(Stamp);
  return request.max_sessions * kSessionBytes +
         (uint64_t{request.cps.in_flight} + 2 * request.cps.round) * 2 * packets + (64u << 20);
}

// `open`: connections at a time, beside the flows that stay.
Figure MakeFigure(const std::string& name, const char* unit, const Spread& ns,
                  const Spread& source_ns, const CpsRequest& request, uint32_t rounds, double open,
                  double hit_rate) {
  Figure figure;
  figure.name = name;
  figure.unit = unit;
  figure.ns = ns;
  figure.source_ns = source_ns;
  figure.frame_bytes = 64;
  figure.rounds = rounds;
  figure.round_items = request.cps.round;
  figure.counters = {{"flows", kOpenFlows + open}, {"hit_rate", hit_rate}};
  return figure;
}

// What the steps of a name beginning with `word` cost together, ns.
double SumOfSteps(const std::vector<StepCost>& steps,
                  std::initializer_list<std::string_view> names) {
  double ns = 0;
  for (const StepCost& step : steps) {
    ns += std::find(names.begin(), names.end(), step.name) != names.end() ? step.ns.median : 0;
  }
  return ns;
}

double CloseNs(const std::vector<StepCost>& steps) {
  return SumOfSteps(steps, {"fin", "fin_ack", "last_ack"});
}

void AddStepFigures(const std::string& prefix, const std::vector<StepCost>& steps,
                    const CpsRequest& request, Report& report) {
  for (const StepCost& step : steps) {
    report.figures.push_back(MakeFigure(prefix + step.name, "packet", step.ns, step.source_ns,
                                        request, step.rounds, request.cps.round, step.hit_rate));
  }
}

void AddFigures(const CpsRequest& request, const CpsResult& result, Report& report) {
  Figure steady = MakeFigure("cps/full", "connection", result.steady_ns, result.source_ns, request,
                             request.cps.rounds, request.cps.in_flight, result.steady_hit_rate);
  steady.counters.insert(
      steady.counters.end(),
      {{"connections_per_second", result.steady_ns.median > 0 ? 1e9 / result.steady_ns.median : 0},
       {"packets_per_connection", static_cast<double>(ConnectionSteps(request.cps.data).size())},
       {"control_ns", result.control_ns},
       {"expiry_ns", result.expiry_ns},
       {"close_ns", CloseNs(result.steps)},
       {"connections", static_cast<double>(result.connections)},
       {"packets", static_cast<double>(result.packets)},
       {"dropped", static_cast<double>(result.fates.dropped)},
       {"sessions_returned", static_cast<double>(result.freed)},
       {"returned_while_full", static_cast<double>(result.evicted)},
       {"full_connections", static_cast<double>(result.steady_connections)},
       {"expired", static_cast<double>(result.expired)},
       {"sampled", static_cast<double>(result.compared.sampled)},
       {"wrong", static_cast<double>(result.compared.wrong)}});
  report.figures.push_back(std::move(steady));
  Figure filling =
      MakeFigure("cps/filling", "connection", result.filling_ns, result.source_ns, request,
                 result.filling_rounds, request.cps.in_flight, result.filling_hit_rate);
  filling.counters.emplace_back("connections_per_second",
                                result.filling_ns.median > 0 ? 1e9 / result.filling_ns.median : 0);
  report.figures.push_back(std::move(filling));
  AddStepFigures("cps/step/", result.steps, request, report);
  AddStepFigures("cps/filling/step/", result.filling_steps, request, report);
}

void PrintRow(const Report& report, const char* name, const Spread& ns, double source_ns,
              bool rate) {
  std::printf("  %-22s %8.1f %8.1f..%-8.1f %8.1f %9.1f", name, ns.median, ns.low, ns.high,
              Ticks(report.machine, ns.median), source_ns);
  if (rate) {
    std::printf(" %9.2f", Mpps(ns.median));
  }
  std::printf("\n");
}

void PrintSteps(const Report& report, const char* title, const std::vector<StepCost>& steps) {
  std::printf("  %-24s %6s %18s %8s %9s\n", title, "NS", "QUARTILES", "TICKS", "SOURCE NS");
  for (const StepCost& step : steps) {
    PrintRow(report, step.name.c_str(), step.ns, step.source_ns.median, false);
  }
  std::printf("  %-22s %8.1f %18s %8.1f\n\n", "close, all three", CloseNs(steps), "",
              Ticks(report.machine, CloseNs(steps)));
}

void PrintTable(const Report& report, const CpsResult& result) {
  for (const auto& [name, value] : report.settings) {
    std::printf("  %-22s %s\n", name.c_str(), value.c_str());
  }
  std::printf("  %-22s %llu connections, %llu packets, %llu sampled and compared\n\n", "measured",
              static_cast<unsigned long long>(result.connections),
              static_cast<unsigned long long>(result.packets),
              static_cast<unsigned long long>(result.compared.sampled));
  std::printf("  %-22s %8s %18s %8s %9s %9s\n", "A CONNECTION", "NS", "QUARTILES", "TICKS",
              "SOURCE NS", "MILLION/S");
  PrintRow(report, "table full", result.steady_ns, result.source_ns.median, true);
  PrintRow(report, "table filling", result.filling_ns, result.source_ns.median, true);
  std::printf("  %-22s %8.1f  on the control thread, while the table is full\n", "reclaiming",
              result.control_ns);
  std::printf("  %-22s %8.1f  on the control thread, when nobody evicts it first\n\n", "ageing",
              result.expiry_ns);
  PrintSteps(report, "A PACKET, TABLE FULL", result.steps);
  PrintSteps(report, "A PACKET, TABLE FILLING", result.filling_steps);
}

void PrintLastLine(const Report& report, const CpsResult& result) {
  const double ns = result.steady_ns.median;
  const double syn_ns = SumOfSteps(result.steps, {"syn"});
  const double close_ns = CloseNs(result.steps);
  std::printf(
      "cps: %.2f million connections a second and core, %.0f ns (%.0f ticks) each, SYN with NAT "
      "%.0f ns (%.0f ticks), close %.0f ns (%.0f ticks), source %.0f ns, control thread %.0f ns; "
      "dataplane only, no NIC; %s\n",
      Mpps(ns), ns, Ticks(report.machine, ns), syn_ns, Ticks(report.machine, syn_ns), close_ns,
      Ticks(report.machine, close_ns), result.source_ns.median, result.control_ns,
      Provenance(report).c_str());
}

Report StartCpsReport(const CpsRequest& request) {
  return StartReport(
      {{"source", "memory"},
       {"config", FLAGS_config.empty() ? "generated" : FLAGS_config},
       {"max_sessions", std::to_string(request.max_sessions)},
       {"in_flight", std::to_string(request.cps.in_flight)},
       {"packets_per_connection", std::to_string(ConnectionSteps(request.cps.data).size())},
       {"rules", FLAGS_config.empty() ? std::to_string(FLAGS_rules) : "as configured"},
       {"burst", std::to_string(FLAGS_burst)},
       {"flow_account", "on, as in sluiced; no flow log configured"},
       {"simd", SimdInUse()},
       {"seed", std::to_string(FLAGS_seed)}});
}

int RunCpsCommand(const Arguments& arguments) {
  CpsRequest request;
  if (!FlagsOnly("cps", arguments) || !ReadCpsFlags(request) || !TakeSimdFlag()) {
    return kExitUsage;
  }
  if (!MemoryFor("cps", NeedBytes(request), "--max_sessions")) {
    return kExitNo;
  }
  SetFlows(kOpenFlows, request.forward);
  WorkbenchOptions& bench_options = request.forward.bench;
  bench_options.protocols = Protocols::kTcp;
  bench_options.flow_account = true;
  bench_options.intent = LoadBenchConfig(arguments, FlowsWithRoom(request));
  if (bench_options.intent == nullptr) {
    return kExitNo;
  }
  const auto bench = OpenBench(bench_options);
  if (bench == nullptr) {
    return kExitNo;
  }
  const CpsResult result = RunCps(*bench, request.cps);
  Report report = StartCpsReport(request);
  AddFigures(request, result, report);
  report.broken_claims =
      BrokenCpsClaims(result, static_cast<uint32_t>(ConnectionSteps(request.cps.data).size()));
  report.stages = StageFigures(report.machine, result.stages);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintTable(report, result);
    if (FLAGS_stages) {
      PrintStages(report.stages);
    }
    PrintLastLine(report, result);
  }
  return JudgeReport(report);
}

}  // namespace

Verb CpsCommand() {
  return {
      "cps",
      "[--max_sessions=N] [--in_flight=N] [--data] [--config=PATH…] [-j]",
      "How many new TCP connections a second a worker opens and closes, all services on.",
      "Every connection is SYN, SYN+ACK, ACK, FIN+ACK, FIN+ACK, ACK through route, network "
      "ACLs,\n"
      "security groups and NAT, its packets mixed with those of others on their way. Finished\n"
      "connections stay a minute (AWS), so at speed the table is full of them and each new one\n"
      "evicts the oldest: that is the figure; `filling` is before. The control thread's share\n"
      "(sweep, returned memory, accounting) runs between rounds as often as sluiced does it, on\n"
      "the worker's clock; it is timed apart and printed beside. Steps are measured with all\n"
      "packets of a burst of one kind, on a full table and on one with room. Exit 1 when it was "
      "not measured what is named: a packet\n"
      "dropped or with other bytes than the configuration asks for, a connection without its\n"
      "session, a session that does not come back.",
      {"max_sessions", "in_flight", "round_connections", "data", "config", "senders", "rules",
       "burst", "burst_ns", "rounds", "samples", "stages", "simd", "quick", "seed", "benchmark_out",
       "j"},
      RunCpsCommand};
}

}  // namespace sluice
