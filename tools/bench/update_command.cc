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
#include "tools/bench/update/update_report.h"
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

struct UpdateRequest {
  uint32_t sessions = 0;
  uint32_t stale_round = 0;
  EffectOptions effect;
  WorkbenchOptions bench;
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
    result.log_rounds = FLAGS_quick ? 2 : kLogRounds;
    result.logs = RunFlowLogs(**bench, once, result.log_rounds);
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
  result.sessions = request.sessions;
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
  AddUpdateFigures(result, report);
  report.broken_claims = BrokenUpdateClaims(result);
  if (!WriteGoogleBenchmark(report)) {
    return kExitNo;
  }
  PrintJson(report);
  if (!FLAGS_j && report.broken_claims.empty()) {
    PrintUpdateTable(report, result);
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
