// `sluice-bench latency`: how long packets are on their way, against load.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "tools/bench/byte_check.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/latency/latency_run.h"
#include "tools/bench/report_output.h"

DEFINE_double(load_seconds, 2, "Time at each load, of `latency`: above 0, at most 3600.");
DEFINE_uint32(queue, 1024, "Packets that wait at most before they are lost, of `latency`.");

namespace sluice {
namespace {

constexpr double kLoads[] = {0.1, 0.5, 0.9};
// A load that was not carried is offered again: the machine may have had something else to do.
constexpr uint32_t kMostAttempts = 3;
// A turn of the loop longer than so many full bursts at the highest rate, and than so long, was
// interrupted.
constexpr double kGapBursts = 4;
constexpr double kLeastGapNs = 10e3;

struct LoadPoint {
  LatencyResult result;
  uint32_t attempts = 0;
  ByteCheck bytes;  // right behind it, in the same tables
};

std::string LoadName(double load) {
  return std::to_string(static_cast<int>(load * 100 + 0.5));
}

bool ReadFlags(ForwardRequest& request) {
  if (!(FLAGS_load_seconds > 0 && FLAGS_load_seconds <= 3600)) {
    UsageError("--load_seconds is not above 0 and at most 3600");
    return false;
  }
  return ReadForwardFlags(request) && InRange("queue", FLAGS_queue, FLAGS_burst, 1u << 20);
}

Figure MakeFigure(double load, double offered_pps, const LoadPoint& point,
                  const ForwardResult& capacity) {
  const LatencyResult& result = point.result;
  Figure figure;
  figure.source_ns = capacity.source_ns;
  figure.name = "latency/load:" + LoadName(load);
  const auto ns = [&](double q) { return static_cast<double>(result.ns.Quantile(q)); };
  figure.ns = {ns(0.5), ns(0.25), ns(0.75)};
  figure.rounds = 1;
  figure.round_items = result.ns.total();
  figure.counters = {
      {"load", load},
      {"flows", static_cast<double>(capacity.totals.flows)},
      {"hit_rate", static_cast<double>(result.fates.hits) /
                       static_cast<double>(std::max<uint64_t>(1, result.ns.total()))},
      {"offered_mpps", offered_pps / 1e6},
      {"p50_ns", ns(0.5)},
      {"p90_ns", ns(0.9)},
      {"p99_ns", ns(0.99)},
      {"p999_ns", ns(0.999)},
      {"p9999_ns", ns(0.9999)},
      {"max_ns", static_cast<double>(result.ns.max())},
      {"packets", static_cast<double>(result.ns.total())},
      {"lost", static_cast<double>(result.lost)},
      {"lost_in_gaps", result.lost_in_gaps},
      {"carried", result.not_carried.empty() ? 1 : 0},
      {"attempts", static_cast<double>(point.attempts)},
      {"mean_burst", static_cast<double>(result.ns.total()) /
                         static_cast<double>(std::max<uint64_t>(1, result.bursts))},
      {"busy_share", result.busy_share},
      {"away_share", result.away_share},
      {"gaps", static_cast<double>(result.gaps)},
      {"sampled", static_cast<double>(point.bytes.sampled)},
      {"wrong", static_cast<double>(point.bytes.wrong)},
      {"preemptions", static_cast<double>(result.preemptions)}};
  return figure;
}

void PrintRow(double load, double offered_pps, const LatencyResult& result) {
  const auto us = [&](double q) { return static_cast<double>(result.ns.Quantile(q)) / 1e3; };
  std::printf("  %4.0f%% %8.2f %8.2f %8.2f %8.2f %9.2f %9.1f %9.1f %9llu %6.1f%%%s\n", load * 100,
              offered_pps / 1e6, us(0.5), us(0.9), us(0.99), us(0.999), us(0.9999),
              static_cast<double>(result.ns.max()) / 1e3,
              static_cast<unsigned long long>(result.lost), 100 * result.away_share,
              result.not_carried.empty() ? "" : "  NOT CARRIED");
  std::fflush(stdout);
}

void Judge(double load, const LoadPoint& point, Report& report) {
  const LatencyResult& result = point.result;
  const std::string at = "at " + LoadName(load) + " % load";
  if (!result.not_carried.empty()) {
    report.broken_claims.push_back(at + ", not carried: " + result.not_carried);
  }
  point.bytes.Judge("right behind " + LoadName(load) + " % load", report.broken_claims);
  const Fates& fates = result.fates;
  if (fates.received != result.ns.total() || fates.forwarded != fates.received ||
      fates.hits != fates.received) {
    report.broken_claims.push_back(at + ": of " + std::to_string(result.ns.total()) + " packets " +
                                   std::to_string(fates.forwarded) + " were forwarded and " +
                                   std::to_string(fates.hits) + " hit the session cache");
  }
}

// Packets a second when more come than can be handled: of this loop, which reads clocks and counts
// beside what `forward` does, while it had the CPU; no more than `forward` reached.
double HighestRate(Workbench& bench, const std::vector<Stamp>& schedule, LatencyOptions options,
                   double forward_pps) {
  options.packets_per_second = 2 * forward_pps;
  const LatencyResult result = RunLatency(bench, schedule, options);
  const double ran_seconds = options.seconds * std::max(0.01, 1 - result.away_share);
  return std::min(forward_pps, static_cast<double>(result.ns.total()) / ran_seconds);
}

LoadPoint MeasureLoad(Workbench& bench, const std::vector<Stamp>& schedule,
                      const LatencyOptions& options, uint32_t sampled) {
  LoadPoint point;
  do {
    point.result = RunLatency(bench, schedule, options);
    ++point.attempts;
  } while (!point.result.not_carried.empty() && point.attempts < kMostAttempts);
  bench.ReadClock();
  point.bytes = CheckEstablished(bench, schedule, sampled);
  return point;
}

// Returns the rate that is 100 % load, packets a second.
double MeasureLoads(Workbench& bench, const ForwardRequest& request, const ForwardResult& capacity,
                    Report& report) {
  const double forward_pps = 1e9 / capacity.whole_ns.median;
  const std::vector<Stamp> schedule =
      MakeSchedule(bench.flows(), bench.links(), request.forward.schedule);
  if (!FLAGS_j) {
    std::printf("  %5s %8s %8s %8s %8s %9s %9s %9s %9s %7s\n", "LOAD", "MPPS", "P50 US", "P90",
                "P99", "P99.9", "P99.99", "MAX", "LOST", "AWAY");
  }
  LatencyOptions options;
  options.seconds = FLAGS_quick ? std::min(FLAGS_load_seconds, 0.1) : FLAGS_load_seconds;
  options.queue_packets = FLAGS_queue;
  options.gap_ns =
      std::max(kLeastGapNs, kGapBursts * capacity.whole_ns.median * bench.driver().burst());
  const double highest_pps = HighestRate(bench, schedule, options, forward_pps);
  for (const double load : kLoads) {
    options.packets_per_second = load * highest_pps;
    const LoadPoint point = MeasureLoad(bench, schedule, options, request.forward.sampled_packets);
    report.figures.push_back(MakeFigure(load, options.packets_per_second, point, capacity));
    report.figures.back().counters.emplace_back("highest_mpps", highest_pps / 1e6);
    report.figures.back().counters.emplace_back("forward_mpps", forward_pps / 1e6);
    Judge(load, point, report);
    if (!FLAGS_j) {
      PrintRow(load, options.packets_per_second, point.result);
    }
  }
  return highest_pps;
}

int RunLatencyCommand(const Arguments& arguments) {
  ForwardRequest request;
  if (!FlagsOnly("latency", arguments) || !ReadFlags(request)) {
    return kExitUsage;
  }
  SetFlows(FLAGS_flows, request);
  if (!MemoryForFlows("latency", "--flows", request)) {
    return kExitNo;
  }
  const auto bench = OpenBench(arguments, FLAGS_flows, request.bench);
  if (bench == nullptr) {
    return kExitNo;
  }
  const ForwardResult capacity = RunForward(*bench, request.forward);
  Report report = StartForwardReport();
  report.settings.emplace_back("load_seconds", std::to_string(FLAGS_load_seconds));
  report.settings.emplace_back("queue", std::to_string(FLAGS_queue));
  report.broken_claims = BrokenClaims(capacity.totals, true);
  const double highest_pps = MeasureLoads(*bench, request, capacity, report);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    std::printf(
        "\nlatency: 100%% load is %.1f Mpps (`forward` takes %.0f ns a packet, %.0f ns of them the "
        "source); from arrival to the end of its burst; dataplane only, no NIC; %s\n",
        highest_pps / 1e6, capacity.whole_ns.median, capacity.source_ns.median,
        Provenance(report).c_str());
  }
  return JudgeReport(report);
}

}  // namespace

Verb LatencyCommand() {
  return {
      "latency",
      "[--flows=N] [--load_seconds=S] [--queue=N] [-j]",
      "How long packets are on their way at 10, 50 and 90 % of the highest rate.",
      "Measures the highest rate of established flows first, then that of its own loop, which\n"
      "reads clocks and counts beside it: the lower one is 100 % load. Packets arrive evenly by "
      "the\n"
      "clock, wait in a queue as on a NIC, and are handled in bursts as they come; the time of a\n"
      "packet is from its arrival to the end of its burst, the source's work included. LOST met a\n"
      "full queue. Where the system gives the CPU to somebody else, packets wait and are lost:\n"
      "AWAY is the share of the time in turns of the loop longer than 10 us and than four full\n"
      "bursts. A load is carried when the lost are no more than came in those turns, but for\n"
      "0.1 % of all, and no more than 10 % of all; one that is not is offered three times, then\n"
      "marked NOT CARRIED (-j: \"carried\": 0), and the exit code is 1. Behind each load\n"
      "--samples packets of the same flows in the same tables are compared byte for byte with\n"
      "the reference world, as some of the first measurement are. The highest percentiles are\n"
      "those of the machine where it was away.",
      {"flows",   "load_seconds",  "queue",    "keys",     "zipf",
       "size",    "direction",     "traffic",  "protocol", "config",
       "senders", "rules",         "simd",     "source",   "burst",
       "rounds",  "round_packets", "schedule", "samples",  "quick",
       "seed",    "benchmark_out", "j"},
      RunLatencyCommand};
}

}  // namespace sluice
