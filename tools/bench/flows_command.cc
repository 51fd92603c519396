// `sluice-bench flows`: forwarding against the number of sessions.
#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/report_output.h"

namespace sluice {
namespace {

// By the wall clock, so many rest for long enough between their packets that more than their own
// line is asked, or time out: theirs goes by packets, ten million a second, unless --burst_ns says
// another pace.
constexpr uint32_t kMostByWallClock = 2'000'000;
constexpr int64_t kPacedPacketNs = 100;

// One number of sessions, in a dataplane of its own. False: it could not be made; said on stderr.
bool MeasureFlows(const Arguments& arguments, uint32_t flows, ForwardRequest& request,
                  Report& report) {
  SetFlows(flows, request);
  if (FLAGS_burst_ns == 0 && flows > kMostByWallClock) {
    request.bench.burst_ns = kPacedPacketNs * FLAGS_burst;
  }
  const auto bench = OpenBench(arguments, flows, request.bench);
  if (bench == nullptr) {
    return false;
  }
  const ForwardResult result = RunForward(*bench, request.forward);
  Figure figure = MakeForwardFigure(*bench, request, result);
  const auto bytes = static_cast<double>(bench->table_bytes());
  report.memory_mode = MemoryModeNow();
  figure.memory_mode = report.memory_mode;
  const Spread& ns = figure.ns;
  if (!FLAGS_j) {
    std::printf("  %10u %8.1f %8.1f..%-8.1f %8.1f %9.2f %9.1f %8.0f  %s\n", flows, ns.median,
                ns.low, ns.high, Ticks(report.machine, ns.median), Mpps(ns.median),
                figure.source_ns.median, bytes / 1e6, report.memory_mode.c_str());
    std::fflush(stdout);
  }
  report.figures.push_back(std::move(figure));
  for (const std::string& claim : BrokenClaims(result.totals, request.forward.session_cache)) {
    report.broken_claims.push_back(std::to_string(flows) + " flows: " + claim);
  }
  return true;
}

int RunFlowsCommand(const Arguments& arguments) {
  ForwardRequest request;
  if (!FlagsOnly("flows", arguments) || !ReadForwardFlags(request)) {
    return kExitUsage;
  }
  if (!InRange("max_flows", FLAGS_max_flows, 1, 64'000'000)) {
    return kExitUsage;
  }
  SetFlows(FLAGS_max_flows, request);
  if (!MemoryForFlows("flows", "--max_flows", request)) {
    return kExitNo;
  }
  Report report = StartForwardReport();
  report.settings.emplace_back(
      "clock", FLAGS_burst_ns != 0 ? "by bursts, --burst_ns=" + std::to_string(FLAGS_burst_ns)
                                   : "real time; above " + std::to_string(kMostByWallClock) +
                                         " flows by bursts, 100 ns a packet");
  if (!FLAGS_j) {
    std::printf("  %10s %8s %18s %8s %9s %9s %8s  %s\n", "FLOWS", "NS", "QUARTILES", "TICKS",
                "MPPS/CORE", "SOURCE NS", "TABLE MB", "MEMORY");
  }
  for (uint64_t flows = 1; flows < uint64_t{FLAGS_max_flows} * 10; flows *= 10) {
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(flows, FLAGS_max_flows));
    if (!MeasureFlows(arguments, count, request, report)) {
      return kExitNo;
    }
  }
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    const Figure& last = report.figures.back();
    std::printf(
        "\nflows: %.0f ns a packet with one flow, %.0f ns with %u; dataplane only, no NIC; %s\n",
        report.figures.front().ns.median, last.ns.median, FLAGS_max_flows,
        Provenance(report).c_str());
  }
  return JudgeReport(report);
}

}  // namespace

Verb FlowsCommand() {
  return {
      "flows",
      "[--max_flows=N] [--keys=uniform|zipf] [--size=64|imix] [--config=PATH…] [-j]",
      "How the number of sessions tells on forwarding.",
      "What `forward` does, once for each power of ten up to --max_flows, in a dataplane of its "
      "own\n"
      "each time. Says how each row's memory was backed. Above two million flows the sessions' "
      "clock\n"
      "goes by bursts, 100 ns a packet, unless --burst_ns says otherwise: by the wall clock so "
      "many rest\n"
      "for seconds between their packets, and some time out and walk again.",
      {"max_flows",     "keys",          "zipf",     "size",    "direction",
       "traffic",       "protocol",      "config",   "senders", "rules",
       "session_cache", "simd",          "burst_ns", "source",  "burst",
       "rounds",        "round_packets", "schedule", "samples", "quick",
       "seed",          "benchmark_out", "j"},
      RunFlowsCommand};
}

}  // namespace sluice
