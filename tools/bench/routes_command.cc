// `sluice-bench routes`: route lookups against the size and the number of tables.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "perf/workload/burst_driver.h"
#include "tools/bench/commands.h"
#include "tools/bench/contest_table.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/routes/plain_run.h"
#include "tools/bench/routes/route_contest.h"
#include "tools/bench/simd_flag.h"

DEFINE_uint32(max_routes, 1'000'000,
              "Routes of the largest table; those before it are powers of ten.");
DEFINE_uint32(max_tables, 10'000, "Route tables of the last row; powers of ten before it.");
DEFINE_uint32(max_lpm_routes, 100'000, "Above so many routes rte_lpm is left out: it adds slowly.");

namespace sluice {
namespace {

constexpr uint32_t kTableRoutes = 100;
constexpr uint32_t kAddressesOfVpc = 100;

// 10, 100, … most, whatever most is.
std::vector<uint32_t> PowersOfTen(uint32_t first, uint32_t most) {
  std::vector<uint32_t> all;
  for (uint64_t n = first; n < most; n *= 10) {
    all.push_back(static_cast<uint32_t>(n));
  }
  all.push_back(most);
  return all;
}

bool MeasureAll(const RouteBenchOptions& options, Report& report) {
  PrintContestHead("ONE TABLE");
  for (const uint32_t routes : PowersOfTen(10, FLAGS_max_routes)) {
    if (!TakeContestRow(MeasureRoutes(routes, options), report)) {
      return false;
    }
  }
  const std::string memory_mode = report.memory_mode;  // of the largest table
  PrintContestHead("TABLES OF 100 ROUTES");
  for (const uint32_t tables : PowersOfTen(1, FLAGS_max_tables)) {
    if (!TakeContestRow(MeasureTables(tables, kTableRoutes, options), report)) {
      return false;
    }
  }
  PrintContestHead("ADDRESSES, 100 A VPC");
  if (!TakeContestRow(MeasureAddresses(FLAGS_max_tables * kAddressesOfVpc, options), report)) {
    return false;
  }
  PrintContestHead("PLAIN FORWARDING, A PACKET");
  const bool taken = TakeContestRow(
      MeasurePlain({options.keys, options.round_keys, options.rounds, options.burst, options.seed}),
      report);
  report.memory_mode = memory_mode;
  return taken;
}

bool ReadFlags(RouteBenchOptions& options) {
  if (!InRange("max_routes", FLAGS_max_routes, 10, 2'000'000) ||
      !InRange("max_tables", FLAGS_max_tables, 1, 40'000) ||
      !InRange("burst", FLAGS_burst, 1, BurstDriver::kMaxBurst) ||
      !InRange("rounds", FLAGS_rounds, 1, 100'000) || !TakeSimdFlag()) {
    return false;
  }
  options.keys = FLAGS_quick ? 1u << 16 : 1u << 20;
  options.round_keys = FLAGS_quick ? 1u << 13 : options.keys;
  options.rounds = FLAGS_quick ? 5 : FLAGS_rounds;
  options.burst = FLAGS_burst;
  options.seed = FLAGS_seed;
  options.max_lpm_routes = FLAGS_max_lpm_routes;
  return true;
}

void PrintLastLine(const Report& report) {
  const std::string largest = "routes/routes:" + std::to_string(FLAGS_max_routes);
  std::string rivals;
  double ns = 0;
  for (const Figure& figure : report.figures) {
    if (figure.name == largest) {
      ns = figure.ns.median;
    } else if (figure.name.rfind(largest + "/", 0) == 0) {
      char text[64];
      std::snprintf(text, sizeof text, ", %.2f times as fast as %s", CounterOf(figure, "ratio"),
                    figure.name.c_str() + largest.size() + 1);
      rivals += text;
    }
  }
  std::printf(
      "\nroutes: %.1f M lookups/s a core, %.2f ns (%.1f ticks) at %u routes%s; dataplane "
      "only, no NIC; %s\n",
      Mpps(ns), ns, Ticks(report.machine, ns), FLAGS_max_routes, rivals.c_str(),
      Provenance(report).c_str());
}

int RunRoutesCommand(const Arguments& arguments) {
  RouteBenchOptions options;
  if (!FlagsOnly("routes", arguments) || !ReadFlags(options)) {
    return kExitUsage;
  }
  const uint64_t need_bytes = RouteRowBytes(FLAGS_max_routes, options);
  if (!MemoryFor("routes", need_bytes, "--max_routes")) {
    return kExitNo;
  }
  Report report = StartReport({{"burst", std::to_string(FLAGS_burst)},
                               {"keys", "uniform"},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  if (!MeasureAll(options, report) || !WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintLastLine(report);
  }
  return JudgeReport(report);
}

}  // namespace

Verb RoutesCommand() {
  return {
      "routes",
      "[--max_routes=N] [--max_tables=N] [--simd=…] [-j]",
      "How route lookups do against the size and the number of tables.",
      "One table of 10, 100, … --max_routes routes, asked for uniform random addresses in bursts,\n"
      "beside rte_fib and rte_lpm with the same routes and keys on the same kind of pages; RATIO\n"
      "is a rival's time over ours, round by round. Then 1 … --max_tables tables of 100 routes,\n"
      "another one each key, and the addresses of as many VPCs. Every rival gave our answers on\n"
      "65,536 keys before it was timed; exit 1 when one did not. At last plain forwarding: a\n"
      "glance at headers, sender, route and link header alone, the source taken off, frames "
      "compared\n"
      "with the pipeline's.",
      {"max_routes", "max_tables", "max_lpm_routes", "burst", "rounds", "simd", "quick", "seed",
       "benchmark_out", "j"},
      RunRoutesCommand};
}

}  // namespace sluice
