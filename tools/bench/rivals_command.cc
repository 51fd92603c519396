// `sluice-bench rivals`: everything of DPDK that stands beside ours, in one table.
#include <gflags/gflags.h>

#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/contest_table.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/rivals/ovs_contest.h"
#include "tools/bench/rivals/session_contest.h"
#include "tools/bench/rivals/testpmd.h"
#include "tools/bench/routes/route_contest.h"
#include "tools/bench/rules/rule_contest.h"
#include "tools/bench/simd_flag.h"

DEFINE_bool(ovs, false, "Also OVS-DPDK with connection tracking and NAT.");

namespace sluice {
namespace {

constexpr uint32_t kLargest = 1'000'000;  // routes and sessions
constexpr uint32_t kMostRules = 10'000;
constexpr uint32_t kTestpmdRuns = 3;

uint32_t Keys() {
  return FLAGS_quick ? 1u << 16 : 1u << 20;
}
uint32_t RoundKeys() {
  return FLAGS_quick ? 1u << 13 : Keys();
}
uint32_t Rounds() {
  return FLAGS_quick ? 3 : FLAGS_rounds;
}

RouteBenchOptions RouteOptions() {
  return {Keys(), RoundKeys(), Rounds(), FLAGS_burst, FLAGS_seed, kLargest / 10};
}
SessionContestOptions SessionOptions(uint32_t sessions) {
  return {sessions, Keys(), RoundKeys(), Rounds(), FLAGS_burst, FLAGS_seed};
}
RuleBenchOptions RuleOptions(uint32_t rules) {
  RuleBenchOptions options;
  options.set = {RuleShape::kCloud, RuleListKind::kNacl, rules, FLAGS_seed};
  options.burst = FLAGS_burst;
  options.rounds = Rounds();
  options.round_packets = RoundKeys();
  options.packets = Keys();
  options.max_acl_rules = kMostRules;
  return options;
}

bool MeasureTables(Report& report) {
  PrintContestHead("ROUTES");
  if (!TakeContestRow(MeasureRoutes(100, RouteOptions()), report) ||
      (!FLAGS_quick && !TakeContestRow(MeasureRoutes(kLargest, RouteOptions()), report))) {
    return false;
  }
  PrintContestHead("RULES");
  if (!TakeContestRow(MeasureRules(RuleOptions(40)), report) ||
      (!FLAGS_quick && !TakeContestRow(MeasureRules(RuleOptions(kMostRules)), report))) {
    return false;
  }
  PrintContestHead("SESSIONS, FIND AND TOUCH");
  return TakeContestRow(MeasureSessions(SessionOptions(1000)), report) &&
         (FLAGS_quick || TakeContestRow(MeasureSessions(SessionOptions(kLargest)), report));
}

// The fastest of a few runs: whoever else uses the machine only makes it slower.
void MeasureTestpmd(const std::string& mode, Report& report) {
  std::vector<double> ns;
  uint64_t packets = 0;
  for (uint32_t run = 0; run < (FLAGS_quick ? 1 : kTestpmdRuns); ++run) {
    const auto result = RunTestpmd(mode, FLAGS_burst, FLAGS_quick ? 1 : 2);
    if (!result.ok()) {
      NoteAbsent("testpmd " + mode + ": " + std::string(result.status().message()), report);
      return;
    }
    ns.push_back(result->ns);
    packets += result->packets;
  }
  Figure figure;
  figure.name = "testpmd/" + mode + "/net_null";
  figure.ns = {Quantile(ns, 0), Quantile(ns, 0), Quantile(ns, 1)};
  figure.rounds = static_cast<uint32_t>(ns.size());
  figure.round_items = packets / ns.size();
  PrintContestFigure(report.machine, figure);
  report.figures.push_back(std::move(figure));
}

// False after a message: our own side could not be made.
bool MeasureAllOvs(Report& report) {
  PrintContestHead("ALL SERVICES, ESTABLISHED FLOWS");
  for (const uint32_t flows : {1000u, 100'000u, kLargest}) {
    if (FLAGS_quick && flows != 1000) {
      break;
    }
    if (const absl::Status room = RoomForOvs(flows); !room.ok()) {
      NoteAbsent("OVS-DPDK at " + std::to_string(flows) + " flows: " + std::string(room.message()),
                 report);
      continue;
    }
    ForwardRequest request;
    if (!ReadForwardFlags(request)) {
      return false;
    }
    SetFlows(flows, request);
    const auto bench = OpenBench({}, flows, request.bench);
    if (bench == nullptr) {
      return false;
    }
    OvsContestOptions options = {request.forward, FLAGS_seed};
    options.windows = FLAGS_quick ? 2 : options.windows;
    TakeContestRow(MeasureOvs(*bench, options), report);
  }
  return true;
}

int RunRivalsCommand(const Arguments& arguments) {
  if (!FlagsOnly("rivals", arguments) || !InRange("burst", FLAGS_burst, 1, 64) ||
      !InRange("rounds", FLAGS_rounds, 1, 100'000) || !TakeSimdFlag()) {
    return kExitUsage;
  }
  const uint32_t most = FLAGS_quick ? 1000 : kLargest;
  if (!MemoryFor("rivals", RouteRowBytes(most, RouteOptions()) + SessionContestBytes(most),
                 FLAGS_quick ? "what other programs take" : "the demand with --quick")) {
    return kExitNo;
  }
  Report report = StartReport({{"burst", std::to_string(FLAGS_burst)},
                               {"keys", "uniform"},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  if (!MeasureTables(report)) {
    return kExitNo;
  }
  PrintContestHead("DPDK'S FORWARDING, NULL PORTS");
  MeasureTestpmd("io", report);
  MeasureTestpmd("mac", report);
  if (FLAGS_ovs && !MeasureAllOvs(report)) {
    return kExitNo;
  }
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    std::printf(
        "\nrivals: RATIO is a rival's time over ours in the same rounds; dataplane only, "
        "no NIC; %s\n",
        Provenance(report).c_str());
  }
  return JudgeReport(report);
}

}  // namespace

Verb RivalsCommand() {
  return {
      "rivals",
      "[--ovs] [--simd=…] [-j]",
      "Ours beside what DPDK has for the same work, all in one table.",
      "Routes against rte_fib and rte_lpm, rules against rte_acl and a linear scan, sessions\n"
      "against rte_hash and against a layout with keys in the lines: same keys, same run, same\n"
      "kind of pages, and every rival gave our answers before it was timed. Then dpdk-testpmd\n"
      "on null ports, the fastest of three runs, of the time its forwarding thread ran:\n"
      "receiving and sending are in it. --ovs: all services for the same established flows, with\n"
      "an OVS-DPDK of its own beside, in a temporary folder and network namespace; its packets\n"
      "come from captures, whose cost is measured and taken off; it does no network ACLs. What is\n"
      "not installed or does not run is said to be missing.",
      {"ovs", "burst", "rounds", "simd", "quick", "seed", "benchmark_out", "j"},
      RunRivalsCommand};
}

}  // namespace sluice
