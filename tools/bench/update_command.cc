// `sluice-bench update`.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>

#include "perf/workload/sample_network.h"
#include "perf/workload/schedule.h"
#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/simd_flag.h"
#include "tools/bench/update/live_worker.h"
#include "tools/bench/update/update_run.h"
#include "tools/sluice/config_source.h"

DEFINE_uint32(sessions, 1'000'000, "Open flows while policy changes: 1000..16000000.");
DEFINE_uint32(windows, 20, "Windows with changes, and as many without: 1..1000.");
DEFINE_uint32(window_ms, 100, "Length of a window: 10..10000.");
DEFINE_uint32(changes_per_second, 0, "Within a window with changes; 0: as fast as they compile.");

namespace sluice {
namespace {

constexpr uint64_t kSessionBytes = 192;
constexpr uint64_t kOtherBytes = 224u << 20;  // configurations that are compiled, for the most part
constexpr uint32_t kLogRounds = 5;
constexpr uint32_t kStaleChanges = 5;
constexpr double kNsPerMinute = 60e9;

struct UpdateRequest {
  uint32_t sessions = 0;
  uint32_t stale_round = 0;
  EffectOptions effect;
  WorkbenchOptions bench;
};

struct CompileRow {
  std::string what;
  CompileCost cost;
};

struct UpdateResult {
  EffectResult effect;
  std::vector<StaleResult> stale;  // a change each
  FlowLogResult logs;
  std::vector<CompileRow> compile;
};

bool ReadUpdateFlags(UpdateRequest& request) {
  if (!InRange("sessions", FLAGS_sessions, 1000, 16'000'000) ||
      !InRange("windows", FLAGS_windows, 1, 1000) ||
      !InRange("window_ms", FLAGS_window_ms, 10, 10'000) ||
      !InRange("changes_per_second", FLAGS_changes_per_second, 0, 1'000'000) ||
      !InRange("senders", FLAGS_senders, 1, 1000) || !InRange("rules", FLAGS_rules, 1, 1000) ||
      !InRange("burst", FLAGS_burst, 1, BurstDriver::kMaxBurst)) {
    return false;
  }
  request.sessions = FLAGS_quick ? std::min(FLAGS_sessions, 4096u) : FLAGS_sessions;
  request.stale_round = FLAGS_quick ? 1024 : 65536;
  request.stale_round -= request.stale_round % FLAGS_burst;
  request.effect = {FLAGS_quick ? std::min(FLAGS_windows, 3u) : FLAGS_windows,
                    FLAGS_quick ? std::min(FLAGS_window_ms, 20u) : FLAGS_window_ms,
                    FLAGS_changes_per_second,
                    FLAGS_quick ? std::min(FLAGS_samples, 200u) : FLAGS_samples};
  request.bench.flows = request.sessions;
  request.bench.burst = FLAGS_burst;
  request.bench.seed = FLAGS_seed;
  request.bench.hash = HashOfSimdFlag();
  request.bench.flow_account = true;
  return true;
}

SampleNetwork NetworkOf(uint64_t max_sessions) {
  SampleNetwork network;
  network.senders = FLAGS_senders;
  network.rules = FLAGS_rules;
  network.seed = FLAGS_seed;
  network.max_sessions = max_sessions;
  return network;
}

std::shared_ptr<const ValidatedIntent> Load(const SampleNetwork& network) {
  return LoadIntentText("generated", SampleNetworkJson(network), {}).intent;
}

// A network and the same with another rule in a VPC beside it, where no sender feels it.
std::vector<std::shared_ptr<const ValidatedIntent>> Versions(SampleNetwork network) {
  network.other_vpc_l4_port = 4242;
  std::vector<std::shared_ptr<const ValidatedIntent>> versions = {Load(network)};
  network.other_vpc_l4_port = 4243;
  versions.push_back(Load(network));
  return versions;
}

std::vector<Stamp> UniformStamps(const Workbench& bench) {
  ScheduleOptions options;
  options.sizes = *FrameSizes::Parse("64");
  options.packets = std::max<uint32_t>(1u << 16, 4 * static_cast<uint32_t>(bench.flows().size()));
  options.seed = FLAGS_seed;
  return MakeSchedule(bench.flows(), bench.links(), options);
}

// Each direction of each flow once, shuffled.
std::vector<Stamp> EachLineOnce(const Workbench& bench) {
  std::vector<Stamp> stamps;
  stamps.reserve(2 * bench.flows().size());
  for (uint32_t flow = 0; flow < bench.flows().size(); ++flow) {
    for (const bool reply : {false, true}) {
      const PacketHeads heads = Established(bench.flows()[flow], reply);
      stamps.push_back(MakeStamp(heads, bench.links()[heads.link], kMinFrameBytes - kFcsBytes,
                                 flow | (reply ? kReplyBit : 0)));
    }
  }
  WorkloadRandom random(FLAGS_seed);
  for (size_t left = stamps.size(); left > 1; --left) {
    std::swap(stamps[left - 1], stamps[random.Below(left)]);
  }
  return stamps;
}

absl::Status MeasureCompiles(std::vector<CompileRow>& rows) {
  struct Size {
    const char* word;
    uint32_t SampleNetwork::*member;
    std::vector<uint32_t> values;
  };
  const std::vector<Size> sizes = {{"rules", &SampleNetwork::rules, {40, 200, 1000}},
                                   {"senders", &SampleNetwork::senders, {16, 100, 1000}},
                                   {"routes", &SampleNetwork::routes, {1000, 10'000, 100'000}}};
  for (const Size& size : sizes) {
    for (const uint32_t value : size.values) {
      if (FLAGS_quick && value != size.values.front()) {
        break;
      }
      SampleNetwork network = NetworkOf(65536);
      network.*size.member = value;
      const auto cost = MeasureCompile(Versions(network), FLAGS_quick ? 1 : 5);
      if (!cost.ok()) {
        return cost.status();
      }
      rows.push_back({std::string(size.word) + ":" + std::to_string(value), *cost});
    }
  }
  return absl::OkStatus();
}

absl::Status Measure(const UpdateRequest& request, UpdateResult& result) {
  const uint64_t max_sessions =
      std::max<uint64_t>(1024, uint64_t{request.sessions} + request.sessions / 16);
  WorkbenchOptions options = request.bench;
  const auto versions = Versions(NetworkOf(max_sessions));
  options.intent = versions[0];
  auto bench = Workbench::Make(options);
  if (!bench.ok()) {
    return bench.status();
  }
  const std::vector<Stamp> uniform = UniformStamps(**bench);
  auto effect = RunEffect(**bench, uniform, versions, FLAGS_seed, request.effect);
  if (!effect.ok()) {
    return effect.status();
  }
  result.effect = *std::move(effect);
  {
    const std::vector<Stamp> once = EachLineOnce(**bench);
    result.logs = RunFlowLogs(**bench, once, FLAGS_quick ? 2 : kLogRounds);
  }
  SampleNetwork edited = NetworkOf(max_sessions);
  edited.other_vpc_l4_port = 4242;
  for (uint32_t change = 0; change < kStaleChanges; ++change) {
    edited.app_edit_l4_port = 4242 + change;
    auto stale =
        RunStale(**bench, uniform, Load(edited), request.stale_round, request.effect.sampled);
    if (!stale.ok()) {
      return stale.status();
    }
    result.stale.push_back(*std::move(stale));
  }
  return MeasureCompiles(result.compile);
}

double LogShare(const UpdateRequest& request, const UpdateResult& result) {
  // Every line ends one window a minute.
  return 2.0 * request.sessions * result.logs.ended_ns / kNsPerMinute;
}

Figure EffectFigure(double flows, const EffectResult& effect) {
  Figure figure;
  figure.name = "update/effect";
  figure.unit = "change";
  figure.ns = SpreadOf(effect.wall_ns);
  figure.rounds = static_cast<uint32_t>(effect.changes);
  figure.round_items = 1;
  figure.counters = {
      {"flows", flows},
      {"hit_rate", HitRate(effect.fates)},
      {"p50_ns", Quantile(effect.wall_ns, 0.5)},
      {"p99_ns", Quantile(effect.wall_ns, 0.99)},
      {"p999_ns", Quantile(effect.wall_ns, 0.999)},
      {"running_p50_ns", Quantile(effect.running_ns, 0.5)},
      {"running_p99_ns", Quantile(effect.running_ns, 0.99)},
      {"running_p999_ns", Quantile(effect.running_ns, 0.999)},
      {"p999_us", Quantile(effect.wall_ns, 0.999) / 1e3},
      {"running_p999_us", Quantile(effect.running_ns, 0.999) / 1e3},
      {"dip_percent", 100 * effect.dip.median},
      {"changes", static_cast<double>(effect.changes)},
      {"interrupted", static_cast<double>(effect.interrupted)},
      {"apply_ns", effect.apply_ns},
      {"dip", effect.dip.median},
      {"dip_low", effect.dip.low},
      {"dip_high", effect.dip.high},
      {"rate_with_changes", effect.busy_rate},
      {"rate_without", effect.quiet_rate},
      {"packets", static_cast<double>(effect.given)},
      {"lost", static_cast<double>(effect.given - std::min(effect.given, effect.sent))},
      {"sampled", static_cast<double>(effect.before.sampled + effect.after.sampled)},
      {"wrong", static_cast<double>(effect.before.wrong + effect.after.wrong)}};
  return figure;
}

// Of the change in the middle, with the range of all.
Figure StaleFigure(uint32_t flows, const std::vector<StaleResult>& changes) {
  const StaleResult& middle = MiddleOf(changes);
  std::vector<double> shares;
  uint64_t sampled = 0;
  uint64_t wrong = 0;
  for (const StaleResult& change : changes) {
    shares.push_back(change.RateShare());
    sampled += change.walking.sampled + change.after.sampled;
    wrong += change.walking.wrong + change.after.wrong;
  }
  const auto [low, high] = std::minmax_element(shares.begin(), shares.end());
  Figure figure;
  figure.name = "update/stale/flows:" + std::to_string(flows);
  figure.ns = {middle.mean_ns, middle.mean_ns, middle.mean_ns};
  figure.rounds = static_cast<uint32_t>(changes.size());
  figure.round_items = middle.packets;
  figure.counters = {
      {"flows", flows},
      {"hit_rate", static_cast<double>(middle.hits) / static_cast<double>(middle.packets)},
      {"usual_ns", middle.usual_ns.median},
      {"first_ns", middle.first_ns},
      {"rate_share", middle.RateShare()},
      {"rate_share_low", *low},
      {"rate_share_high", *high},
      {"rate_percent", 100 * middle.RateShare()},
      {"first_rate_share", middle.usual_ns.median / middle.first_ns},
      {"walked", static_cast<double>(middle.walked)},
      {"sampled", static_cast<double>(sampled)},
      {"wrong", static_cast<double>(wrong)}};
  return figure;
}

void AddFigures(const UpdateRequest& request, const UpdateResult& result, Report& report) {
  const double flows = request.sessions;
  report.figures.push_back(EffectFigure(flows, result.effect));
  report.figures.push_back(StaleFigure(request.sessions, result.stale));
  Figure logs;
  logs.name = "update/flow_logs/flows:" + std::to_string(request.sessions);
  logs.unit = "record";
  logs.ns = {result.logs.ended_ns, result.logs.ended_ns, result.logs.ended_ns};
  logs.rounds = kLogRounds;
  logs.round_items = result.logs.packets;
  logs.counters = {{"flows", flows},
                   {"hit_rate", result.logs.hit_rate},
                   {"usual_ns", result.logs.usual_ns.median},
                   {"records", static_cast<double>(result.logs.records)},
                   {"core_percent", 100 * LogShare(request, result)}};
  report.figures.push_back(std::move(logs));
  for (const CompileRow& row : result.compile) {
    Figure figure;
    figure.name = "update/compile/" + row.what;
    figure.unit = "configuration";
    figure.ns = {row.cost.first_ns, row.cost.first_ns, row.cost.first_ns};
    figure.rounds = 1;
    figure.counters = {{"change_ns", row.cost.change_ns}};
    report.figures.push_back(std::move(figure));
  }
}

std::vector<std::string> BrokenUpdateClaims(const UpdateResult& result) {
  std::vector<std::string> broken;
  const auto claim = [&](bool holds, const std::string& what) {
    if (!holds) {
      broken.push_back(what);
    }
  };
  const EffectResult& effect = result.effect;
  claim(effect.changes != 0 && effect.wall_ns.size() == effect.changes,
        "changes that were seen to be in force: " + std::to_string(effect.wall_ns.size()) + " of " +
            std::to_string(effect.changes));
  claim(effect.given == effect.sent && effect.fates.dropped == 0,
        "packets lost while policy changed: " + std::to_string(effect.given - effect.sent) + " " +
            effect.fates.FirstDrop());
  claim(effect.fates.misses == 0, "packets without their session while policy changed: " +
                                      std::to_string(effect.fates.misses));
  for (const StaleResult& stale : result.stale) {
    claim(stale.fates.dropped == 0 && stale.fates.forwarded == stale.given,
          "packets lost while sessions walked again: " + stale.fates.FirstDrop());
    claim(stale.walked * 100 >= stale.lines * 95,
          "stale directions that walked again: " + std::to_string(stale.walked) + " of " +
              std::to_string(stale.lines));
    stale.walking.Judge("while sessions were stale", broken);
    stale.after.Judge("when sessions had walked again", broken);
  }
  claim(result.logs.records >= result.logs.packets * 9 / 10,
        "flow-log records: " + std::to_string(result.logs.records) + " for " +
            std::to_string(result.logs.packets) + " ended windows");
  effect.before.Judge("before the changes", broken);
  effect.after.Judge("after the changes, in the same tables", broken);
  return broken;
}

void PrintTable(const UpdateRequest& request, const Report& report, const UpdateResult& result) {
  for (const auto& [name, value] : report.settings) {
    std::printf("  %-22s %s\n", name.c_str(), value.c_str());
  }
  const EffectResult& effect = result.effect;
  std::printf("\n  %-34s %9s %9s %9s\n", "UNTIL A CHANGE IS IN FORCE, US", "P50", "P99", "P99.9");
  for (const auto& [name, values] :
       {std::pair{"by the clock", &effect.wall_ns},
        std::pair{"while the worker was left running", &effect.running_ns}}) {
    std::printf("  %-34s %9.1f %9.1f %9.1f\n", name, Quantile(*values, 0.5) / 1e3,
                Quantile(*values, 0.99) / 1e3, Quantile(*values, 0.999) / 1e3);
  }
  std::printf("  %llu changes, of which the system took the worker's CPU in %llu; %llu packets\n",
              static_cast<unsigned long long>(effect.changes),
              static_cast<unsigned long long>(effect.interrupted),
              static_cast<unsigned long long>(effect.given));
  std::printf("  forwarding dips by %.1f %% (quartiles %.1f..%.1f), 0 packets lost\n\n",
              100 * effect.dip.median, 100 * effect.dip.low, 100 * effect.dip.high);
  const StaleResult& stale = MiddleOf(result.stale);
  std::printf("  %-34s %8.1f ns a packet; %.1f while all are stale, %.1f until 99 %% are not\n",
              "SESSIONS MADE STALE", stale.usual_ns.median, stale.first_ns, stale.mean_ns);
  std::printf("  %-34s %8.1f ns more than %.1f; %.2f %% of a core with every flow's a minute\n\n",
              "A FLOW-LOG WINDOW THAT ENDS", result.logs.ended_ns, result.logs.usual_ns.median,
              100 * LogShare(request, result));
  std::printf("  %-34s %12s %16s\n", "COMPILE, MS OF CPU", "FIRST", "ONE RULE CHANGED");
  for (const CompileRow& row : result.compile) {
    std::printf("  %-34s %12.2f %16.2f\n", row.what.c_str(), row.cost.first_ns / 1e6,
                row.cost.change_ns / 1e6);
  }
  std::printf(
      "\nupdate: in force after %.1f us (p99.9 %.1f), dip %.1f %%, 0 lost; stale sessions %.0f %% "
      "of the rate; flow logs %.2f %%; %u flows; dataplane only, no NIC; %s\n",
      Quantile(effect.wall_ns, 0.5) / 1e3, Quantile(effect.wall_ns, 0.999) / 1e3,
      100 * effect.dip.median, 100 * stale.RateShare(), 100 * LogShare(request, result),
      request.sessions, Provenance(report).c_str());
}

int RunUpdateCommand(const Arguments& arguments) {
  UpdateRequest request;
  if (!FlagsOnly("update", arguments) || !TakeSimdFlag() || !ReadUpdateFlags(request)) {
    return kExitUsage;
  }
  const uint64_t need_bytes =
      request.sessions * (kSessionBytes + (4 + 2) * sizeof(Stamp) + sizeof(OpenFlow)) + kOtherBytes;
  if (!MemoryFor("update", need_bytes, "--sessions")) {
    return kExitNo;
  }
  UpdateResult result;
  if (const absl::Status status = Measure(request, result); !status.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(status.message()).c_str());
    return kExitNo;
  }
  Report report = StartReport({{"source", "memory"},
                               {"sessions", std::to_string(request.sessions)},
                               {"rules", std::to_string(FLAGS_rules)},
                               {"senders", std::to_string(FLAGS_senders)},
                               {"burst", std::to_string(FLAGS_burst)},
                               {"simd", SimdInUse()},
                               {"seed", std::to_string(FLAGS_seed)}});
  if (UsableCpuCount() < 2) {
    report.settings.emplace_back(
        "cpus", "one: worker and changes take turns, times to effect are the scheduler's");
  }
  AddFigures(request, result, report);
  report.broken_claims = BrokenUpdateClaims(result);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintTable(request, report, result);
  }
  return JudgeReport(report);
}

}  // namespace

Verb UpdateCommand() {
  return {"update",
          "[--sessions=N] [--windows=N] [--window_ms=N] [-j]",
          "What a change of policy costs, and how soon it is in force.",
          "Effect: a worker forwards open flows while the applier compiles and publishes one-rule\n"
          "changes in another VPC; for each, the time from publication until every\n"
          "packet is judged by it, and the rate of windows with changes against those without, by\n"
          "bursts that the system did not interrupt. Needs two CPUs; where the system takes the "
          "worker's, the clock's "
          "figure\n"
          "has that in it and the other row has not. Stale: a change that every flow feels; all\n"
          "sessions walk again as their packets come; of five changes the one in the middle. Flow "
          "logs: what the end of a line's window "
          "costs\n"
          "the worker, times one a minute and line (the source is in both halves); writing the "
          "files is\n"
          "the control thread's. --samples packets of the same flows are compared byte for byte\n"
          "with the reference world before the changes and after them, and when the sessions have\n"
          "walked again; a hundredth of the stale ones while they walk. Exit 1 when a packet was\n"
          "lost, had wrong bytes, or it was not measured what is named.",
          {"sessions", "windows", "window_ms", "changes_per_second", "senders", "rules", "burst",
           "samples", "simd", "quick", "seed", "benchmark_out", "j"},
          RunUpdateCommand};
}

}  // namespace sluice
