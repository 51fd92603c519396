// `sluice-bench scale`: what workers cost each other.
#include <gflags/gflags.h>

#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/report_output.h"
#include "tools/bench/scale/scale_run.h"
#include "tools/bench/scale/thread_rates.h"

DEFINE_uint32(workers, 2, "Workers that share the table, of `scale`: 2..64.");

namespace sluice {
namespace {

constexpr uint32_t kTracedFlows = 4096;
constexpr uint32_t kSchedules = 5;       // of the one worker and of all others, parts and wholes
constexpr int64_t kTracedPacketNs = 50;  // a trace takes long; to the sessions it must not seem so

// Another key of the bucket has the same tag in 1 % of searches, and its line is looked at in vain.
constexpr double kMostForeignReads = 0.02;

struct Measured {
  ScaleResult scale;
  SharingResult sharing;
  ThreadRates threads;
};

// False after a message.
bool Measure(const Arguments& arguments, const ForwardRequest& request, Measured& measured) {
  ScaleOptions options;
  options.schedule = request.forward.schedule;
  options.workers = FLAGS_workers;
  options.rounds = request.forward.rounds;
  options.round_packets = request.forward.round_packets;
  {
    const auto bench = OpenBench(arguments, FLAGS_flows, request.bench);
    if (bench == nullptr) {
      return false;
    }
    measured.scale = MeasureScale(*bench, options);
    measured.threads =
        MeasureThreadRates(*bench, FLAGS_workers, options.schedule, FLAGS_quick ? 0.1 : 2);
  }
  WatchedMemory memory;
  WorkbenchOptions traced = request.bench;
  traced.burst = 1;
  traced.burst_ns = kTracedPacketNs;
  traced.memory = &memory;
  const auto bench = OpenBench(arguments, std::min(FLAGS_flows, kTracedFlows), traced);
  if (bench == nullptr) {
    return false;
  }
  measured.sharing = MeasureSharing(*bench, memory, options, FLAGS_quick ? 200 : 2000);
  return true;
}

std::vector<std::string> BrokenClaims(const Measured& measured) {
  std::vector<std::string> broken;
  const auto claim = [&](bool holds, const std::string& what) {
    if (!holds) {
      broken.push_back(what);
    }
  };
  const ScaleResult& scale = measured.scale;
  claim(scale.packets != 0 && scale.forwarded == scale.packets && scale.hits == scale.packets,
        "of " + std::to_string(scale.packets) + " packets " + std::to_string(scale.forwarded) +
            " were forwarded and " + std::to_string(scale.hits) + " hit the session cache");
  const SharingResult& sharing = measured.sharing;
  claim(sharing.packets != 0 && sharing.hits == sharing.packets && sharing.written_lines != 0,
        "of " + std::to_string(sharing.packets) + " traced packets " +
            std::to_string(sharing.hits) + " hit the session cache");
  claim(sharing.contested_lines == 0,
        "lines that several workers wrote: " + std::to_string(sharing.contested_lines) +
            ", first in " + sharing.first_contested);
  claim(sharing.foreign_reads <= kMostForeignReads * static_cast<double>(sharing.packets),
        "lines read that another worker writes: " + std::to_string(sharing.foreign_reads) + " by " +
            std::to_string(sharing.packets) + " packets");
  return broken;
}

std::vector<Figure> MakeFigures(const Measured& measured) {
  const ScaleResult& scale = measured.scale;
  Figure figure;
  figure.name = "scale/workers:" + std::to_string(FLAGS_workers);
  figure.ns = scale.workers_ns;
  figure.source_ns = scale.source_ns;
  figure.rounds_ns = {};
  figure.round_items = scale.packets;
  figure.counters = {{"flows", static_cast<double>(FLAGS_flows)},
                     {"workers", static_cast<double>(FLAGS_workers)},
                     {"speedup", scale.speedup.median},
                     {"speedup_low", scale.speedup.low},
                     {"speedup_high", scale.speedup.high},
                     {"one_worker_ns", scale.one_ns.median},
                     {"contested_lines", static_cast<double>(measured.sharing.contested_lines)},
                     {"foreign_reads", static_cast<double>(measured.sharing.foreign_reads)},
                     {"traced_packets", static_cast<double>(measured.sharing.packets)},
                     {"threads", static_cast<double>(measured.threads.threads)},
                     {"threads_are_siblings", measured.threads.siblings ? 1.0 : 0.0},
                     {"one_thread_mpps", measured.threads.one_pps / 1e6},
                     {"threads_mpps", measured.threads.together_pps / 1e6}};
  Figure one = figure;
  one.name = "scale/workers:1";
  one.ns = scale.one_ns;
  one.counters.clear();
  return {one, figure};
}

void PrintThreads(const ThreadRates& rates) {
  if (rates.threads == 0) {
    std::printf("  on threads             not measured: fewer processors than workers\n");
    return;
  }
  std::printf(
      "  on %u threads           %.1f Mpps, one alone %.1f: %.2f times, source included%s\n",
      rates.threads, rates.together_pps / 1e6, rates.one_pps / 1e6,
      rates.together_pps / rates.one_pps, rates.siblings ? "; threads of one core" : "");
}

void PrintTable(const Report& report, const Measured& measured) {
  const ScaleResult& scale = measured.scale;
  std::printf("  %-22s %.1f ns a packet (%.0f ticks)\n", "one worker", scale.one_ns.median,
              Ticks(report.machine, scale.one_ns.median));
  std::printf("  %u %-20s %.1f ns a packet (%.0f ticks), both directions of a flow apart\n",
              FLAGS_workers, "workers in turn", scale.workers_ns.median,
              Ticks(report.machine, scale.workers_ns.median));
  std::printf("  %-22s %.2f [%.2f..%.2f] times one worker, on processors of their own\n", "that is",
              scale.speedup.median, scale.speedup.low, scale.speedup.high);
  PrintThreads(measured.threads);
  const SharingResult& sharing = measured.sharing;
  std::printf(
      "  %-22s %llu lines written by %llu packets; by several workers: %llu; read by "
      "others: %llu\n",
      "shared memory", static_cast<unsigned long long>(sharing.written_lines),
      static_cast<unsigned long long>(sharing.packets),
      static_cast<unsigned long long>(sharing.contested_lines),
      static_cast<unsigned long long>(sharing.foreign_reads));
  std::printf(
      "\nscale: %.2f times with %u workers, %llu flows, %llu lines bounced; dataplane "
      "only, no NIC; %s\n",
      scale.speedup.median, FLAGS_workers, static_cast<unsigned long long>(FLAGS_flows),
      static_cast<unsigned long long>(sharing.contested_lines), Provenance(report).c_str());
}

int RunScaleCommand(const Arguments& arguments) {
  ForwardRequest request;
  if (!FlagsOnly("scale", arguments) || !ReadForwardFlags(request) ||
      !InRange("workers", FLAGS_workers, 2, 64) ||
      !InRange("flows", FLAGS_flows, FLAGS_workers, 64'000'000)) {
    return kExitUsage;
  }
  SetFlows(FLAGS_flows, request);
  if (!MemoryForFlows("scale", "--flows", request, kSchedules)) {
    return kExitNo;
  }
  Measured measured;
  if (!Measure(arguments, request, measured)) {
    return kExitNo;
  }
  Report report = StartForwardReport();
  report.settings.emplace_back("workers", std::to_string(FLAGS_workers));
  report.figures = MakeFigures(measured);
  report.broken_claims = BrokenClaims(measured);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintTable(report, measured);
  }
  return JudgeReport(report);
}

}  // namespace

Verb ScaleCommand() {
  return {
      "scale",
      "[--workers=W] [--flows=N] [-j]",
      "What workers cost each other on established flows.",
      "W workers share one session table; the two directions of a flow come to different ones.\n"
      "One thread runs their bursts in turn, beside one worker that has all packets: the figure\n"
      "is what W of them do on processors of their own, if those share nothing else. Then, on as\n"
      "many threads as there are processors, what this machine makes of it. Last, packets are\n"
      "traced access by access: exit 1 when a line of shared memory was written by two workers,\n"
      "or more lines that one writes were read by another than tags equal by chance explain.",
      {"workers",       "flows",    "keys",  "zipf", "size",          "traffic", "protocol",
       "config",        "senders",  "rules", "simd", "source",        "burst",   "rounds",
       "round_packets", "schedule", "quick", "seed", "benchmark_out", "j"},
      RunScaleCommand};
}

}  // namespace sluice
