// `sluice-bench hero`.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "perf/workload/connection_source.h"
#include "perf/workload/sample_network.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/hero/hero_run.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/simd_flag.h"
#include "tools/sluice/config_source.h"

// A hundredth of the SONiC-DASH hero test's 200G tier.
DEFINE_uint32(connection_rate, 30'000, "New connections a second: 100..1000000.");
DEFINE_uint32(active, 320'000, "Connections that are open at a time: five bursts..4000000.");
DEFINE_uint32(background, 300'000, "Open flows beside them, half TCP, half UDP: 1000..4000000.");
DEFINE_double(background_period, 4.9, "Seconds between packets of a direction of one: 0.1..25.");
DEFINE_uint32(extra_routes, 32'000, "Routes that no packet takes: 0..1000000.");
DEFINE_uint32(list_rules, 3'200, "Rules of the senders' group that name a prefix list: 0..20000.");
DEFINE_uint32(list_prefixes, 100, "Prefixes of a list: 1..1000.");
DEFINE_uint32(churn, 10, "Changes of policy a second that are asked for; 0: none.");
DEFINE_uint32(ring, 4096, "Frames that a device would keep while the worker is away.");

namespace sluice {
namespace {

constexpr uint64_t kSessionBytes = 192;
// Finished connections stay in the table, or are evicted from a full one: room for these seconds.
constexpr uint32_t kKeptSeconds = 60;

struct HeroRequest {
  HeroOptions hero;
  SampleNetwork network;
  uint32_t background = 0;
};

bool ReadHeroFlags(HeroRequest& request) {
  if (!InRange("seconds", FLAGS_seconds, 1, 3600) ||
      !InRange("connection_rate", FLAGS_connection_rate, 100, 1'000'000) ||
      !InRange("active", FLAGS_active, 5, 4'000'000) ||
      !InRange("background", FLAGS_background, 1000, 4'000'000) ||
      !InRange("extra_routes", FLAGS_extra_routes, 0, 1'000'000) ||
      !InRange("list_rules", FLAGS_list_rules, 0, 20'000) ||
      !InRange("list_prefixes", FLAGS_list_prefixes, 1, 1000) ||
      !InRange("churn", FLAGS_churn, 0, 10'000) || !InRange("ring", FLAGS_ring, 32, 1u << 20) ||
      !InRange("senders", FLAGS_senders, 1, 1000) || !InRange("rules", FLAGS_rules, 1, 1000) ||
      !InRange("burst", FLAGS_burst, 1, BurstDriver::kMaxBurst)) {
    return false;
  }
  if (!(FLAGS_background_period >= 0.1 && FLAGS_background_period <= 25)) {
    UsageError("--background_period is not in 0.1..25: a UDP flow ends after 30 silent seconds");
    return false;
  }
  if (!StepsComeApart("active", FLAGS_active, ConnectionSteps(false).size(), FLAGS_burst)) {
    return false;
  }
  const auto quick = [](uint32_t value, uint32_t most) {
    return FLAGS_quick ? std::min(value, most) : value;
  };
  request.hero = {quick(FLAGS_seconds, 1),
                  quick(FLAGS_connection_rate, 2000),
                  quick(FLAGS_active, 2000),
                  FLAGS_churn,
                  FLAGS_background_period,
                  quick(FLAGS_samples, 200),
                  FLAGS_ring};
  request.background = quick(FLAGS_background, 2000);
  SampleNetwork& network = request.network;
  network.senders = FLAGS_senders;
  network.rules = FLAGS_rules;
  network.seed = FLAGS_seed;
  network.routes = quick(FLAGS_extra_routes, 100);
  network.list_rules = quick(FLAGS_list_rules, 20);
  network.list_prefixes = quick(FLAGS_list_prefixes, 10);
  network.max_sessions = uint64_t{request.background} + request.hero.active +
                         uint64_t{std::min(kKeptSeconds, 2 * request.hero.seconds)} *
                             request.hero.connections_per_second +
                         16384;
  return true;
}

uint64_t NeedBytes(const HeroRequest& request) {
  const uint64_t connections = request.hero.active + uint64_t{request.hero.seconds + 1} *
                                                         request.hero.connections_per_second;
  return request.network.max_sessions * kSessionBytes + 2 * connections * 6 * sizeof(Stamp) +
         request.background * (sizeof(OpenFlow) + 2 * sizeof(Stamp)) + (512u << 20);
}

// Even ones differ in another VPC only, the last in the senders' own group.
std::vector<std::shared_ptr<const ValidatedIntent>> Versions(SampleNetwork network) {
  std::vector<std::shared_ptr<const ValidatedIntent>> versions;
  const auto add = [&](uint16_t other_vpc_l4_port, uint16_t app_l4_port) {
    network.other_vpc_l4_port = other_vpc_l4_port;
    network.app_edit_l4_port = app_l4_port;
    versions.push_back(LoadIntentText("generated", SampleNetworkJson(network), {}).intent);
  };
  add(4242, 0);
  add(4242, 4242);
  add(4243, 0);
  return versions;
}

bool IsMet(const HeroResult& result) {
  return result.fates.dropped == 0 && result.sent == result.offered && result.overrun == 0;
}

Report MakeReport(const HeroRequest& request, const HeroResult& result) {
  const HeroOptions& hero = request.hero;
  Report report = StartReport({{"source", "memory, in real time"},
                               {"seconds", std::to_string(hero.seconds)},
                               {"connection_rate", std::to_string(hero.connections_per_second)},
                               {"active", std::to_string(hero.active)},
                               {"background", std::to_string(request.background)},
                               {"extra_routes", std::to_string(request.network.routes)},
                               {"list_rules", std::to_string(request.network.list_rules)},
                               {"list_prefixes", std::to_string(request.network.list_prefixes)},
                               {"max_sessions", std::to_string(request.network.max_sessions)},
                               {"ring", std::to_string(hero.ring)},
                               {"burst", std::to_string(FLAGS_burst)},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  Figure figure;
  figure.name = "hero";
  figure.unit = "packet";
  const double ns = result.offered == 0
                        ? 0
                        : result.busy_share * result.running_share * result.seconds * 1e9 /
                              static_cast<double>(result.offered);
  figure.ns = {ns, ns, ns};
  figure.rounds = 1;
  figure.round_items = result.offered;
  figure.counters = {
      {"met", IsMet(result) ? 1 : 0},
      {"flows", static_cast<double>(request.background + hero.active)},
      {"hit_rate", HitRate(result.fates)},
      {"connections", static_cast<double>(result.connections)},
      {"offered", static_cast<double>(result.offered)},
      {"sent", static_cast<double>(result.sent)},
      {"dropped", static_cast<double>(result.fates.dropped)},
      {"overrun", static_cast<double>(result.overrun)},
      {"changes", static_cast<double>(result.changes)},
      {"felt_changes", static_cast<double>(result.felt_changes)},
      {"apply_ms", result.apply_ms},
      {"busy_share", result.busy_share},
      {"running_share", result.running_share},
      {"control_share", result.control_share},
      {"burst_p50_ns", result.burst_ns[0]},
      {"burst_p99_ns", result.burst_ns[1]},
      {"burst_longest_ns", result.burst_ns[2]},
      {"late_p50_ns", result.late_ns[0]},
      {"late_p99_ns", result.late_ns[1]},
      {"late_longest_ns", result.late_ns[2]},
      {"live_sessions", static_cast<double>(result.live_sessions)},
      {"sessions_returned", static_cast<double>(result.returned)},
      {"sampled", static_cast<double>(result.flow_bytes.sampled + result.connection_bytes.sampled)},
      {"wrong", static_cast<double>(result.flow_bytes.wrong + result.connection_bytes.wrong)}};
  report.figures.push_back(std::move(figure));
  report.broken_claims = BrokenHeroClaims(result, hero);
  return report;
}

void PrintTable(const Report& report, const HeroResult& result) {
  for (const auto& [name, value] : report.settings) {
    std::printf("  %-22s %s\n", name.c_str(), value.c_str());
  }
  std::printf("\n  %-22s %llu connections, %llu packets, %llu dropped, %llu beyond the ring\n",
              "offered", static_cast<unsigned long long>(result.connections),
              static_cast<unsigned long long>(result.offered),
              static_cast<unsigned long long>(result.fates.dropped),
              static_cast<unsigned long long>(result.overrun));
  std::printf("  %-22s %llu, of which every session felt %llu; %.0f ms to apply one\n",
              "changes of policy", static_cast<unsigned long long>(result.changes),
              static_cast<unsigned long long>(result.felt_changes), result.apply_ms);
  std::printf("  %-22s at most %.1f %% of the time it ran; it ran %.1f %% of real time\n",
              "worker busy", 100 * result.busy_share, 100 * result.running_share);
  std::printf("  %-22s %.1f %% of a core, sweep and accounting; %llu sessions returned\n",
              "control thread", 100 * result.control_share,
              static_cast<unsigned long long>(result.returned));
  std::printf("  %-22s %9s %9s %9s\n", "MICROSECONDS", "P50", "P99", "LONGEST");
  std::printf("  %-22s %9.1f %9.1f %9.1f\n", "a burst's way", result.burst_ns[0] / 1e3,
              result.burst_ns[1] / 1e3, result.burst_ns[2] / 1e3);
  std::printf("  %-22s %9.1f %9.1f %9.1f\n\n", "its oldest packet waited", result.late_ns[0] / 1e3,
              result.late_ns[1] / 1e3, result.late_ns[2] / 1e3);
  std::printf(
      "hero: %s: %.0f connections a second and %.0f packets a second for %.0f s, %llu dropped, "
      "%llu beyond the ring, worker %.1f %% busy; dataplane only, no NIC; %s\n",
      IsMet(result) ? "met" : "not met", static_cast<double>(result.connections) / result.seconds,
      static_cast<double>(result.offered) / result.seconds, result.seconds,
      static_cast<unsigned long long>(result.fates.dropped),
      static_cast<unsigned long long>(result.overrun), 100 * result.busy_share,
      Provenance(report).c_str());
}

int RunHeroCommand(const Arguments& arguments) {
  HeroRequest request;
  if (!FlagsOnly("hero", arguments) || !TakeSimdFlag() || !ReadHeroFlags(request)) {
    return kExitUsage;
  }
  if (!MemoryFor("hero", NeedBytes(request), "--active, --background or --seconds")) {
    return kExitNo;
  }
  const auto versions = Versions(request.network);
  WorkbenchOptions options;
  options.intent = versions[0];
  options.flows = request.background;
  options.burst = FLAGS_burst;
  options.seed = FLAGS_seed;
  options.hash = HashOfSimdFlag();
  options.flow_account = true;
  const auto bench = OpenBench(options);
  if (bench == nullptr) {
    return kExitNo;
  }
  const auto result = RunHero(*bench, versions, FLAGS_seed, request.hero);
  if (!result.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(result.status().message()).c_str());
    return kExitNo;
  }
  const Report report = MakeReport(request, *result);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintTable(report, *result);
  }
  return JudgeReport(report);
}

}  // namespace

Verb HeroCommand() {
  return {
      "hero",
      "[--seconds=N] [--connection_rate=N] [--active=N] [--background=N] [-j]",
      "Background flows, new connections and changes of policy at once, nothing lost.",
      "A hundredth of the SONiC-DASH hero test's 200G tier: 30,000 TCP connections a second of\n"
      "six packets, 320,000 of them open, 300,000 flows with a packet a direction every 4.9 s,\n"
      "32,000 routes, 3,200 rules of 100 prefixes. Offered in real time to one worker, beside\n"
      "which a control thread sweeps and the applier changes policy; a third of the changes\n"
      "touch another VPC, the others make every session walk again. Met: nothing dropped, and\n"
      "never more packets waiting than a device's ring holds, which the system's taking the CPU\n"
      "away can spoil; what the worker ran is printed. About --samples packets of the run, of\n"
      "flows and as many of whole connections, are compared byte for byte with the reference\n"
      "world. Exit 1 when packets were lost by the dataplane or had wrong bytes, or it was not\n"
      "offered what is named.",
      {"seconds", "connection_rate", "active", "background", "background_period", "extra_routes",
       "list_rules", "list_prefixes", "churn", "ring", "senders", "rules", "burst", "samples",
       "simd", "quick", "seed", "benchmark_out", "j"},
      RunHeroCommand};
}

}  // namespace sluice
