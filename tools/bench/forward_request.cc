#include "tools/bench/forward_request.h"

#include <algorithm>
#include <cstdio>

#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/memory_check.h"
#include "tools/bench/report_output.h"
#include "tools/bench/simd_flag.h"
#include "tools/sluice/config_source.h"

namespace sluice {
namespace {

uint32_t ScheduleLength(uint32_t flows) {
  constexpr uint64_t kLeast = 1u << 18;
  constexpr uint64_t kMost = 32'000'000;
  return FLAGS_schedule != 0 ? FLAGS_schedule
                             : static_cast<uint32_t>(std::clamp<uint64_t>(
                                   uint64_t{flows} * 4, FLAGS_quick ? 8192 : kLeast, kMost));
}

bool ReadSource(bool any, PacketSource& source) {
  using enum PacketSource;
  return any ? OneOf<PacketSource>("source", FLAGS_source,
                                   {{"memory", kMemory}, {"net_null", kNullPorts}}, source)
             : OneOf<PacketSource>("source", FLAGS_source, {{"memory", kMemory}}, source);
}

bool ReadWords(ForwardRequest& request) {
  return OneOf<KeyLaw>("keys", FLAGS_keys, {{"uniform", KeyLaw::kUniform}, {"zipf", KeyLaw::kZipf}},
                       request.forward.schedule.law) &&
         OneOf<Direction>(
             "direction", FLAGS_direction,
             {{"both", Direction::kBoth}, {"out", Direction::kOut}, {"in", Direction::kIn}},
             request.forward.schedule.direction) &&
         OneOf<Traffic>(
             "traffic", FLAGS_traffic,
             {{"nat", Traffic::kNat}, {"vpc", Traffic::kVpc}, {"mixed", Traffic::kMixed}},
             request.bench.traffic) &&
         OneOf<Protocols>(
             "protocol", FLAGS_protocol,
             {{"tcp", Protocols::kTcp}, {"udp", Protocols::kUdp}, {"mixed", Protocols::kMixed}},
             request.bench.protocols) &&
         TakeSimdFlag();
}

bool ReadNumbers(ForwardRequest& request) {
  const auto sizes = FrameSizes::Parse(FLAGS_size);
  if (!sizes) {
    UsageError("--size=" + FLAGS_size + " is neither imix nor in 64..1518");
    return false;
  }
  if (!(FLAGS_zipf > 0 && FLAGS_zipf <= 10)) {  // no number is neither
    UsageError("--zipf is not above 0 and at most 10");
    return false;
  }
  request.forward.schedule.sizes = *sizes;
  return InRange("flows", FLAGS_flows, 1, 64'000'000) &&
         InRange("senders", FLAGS_senders, 1, 1000) && InRange("rules", FLAGS_rules, 1, 1000) &&
         InRange("burst", FLAGS_burst, 1, BurstDriver::kMaxBurst) &&
         InRange("rounds", FLAGS_rounds, 1, 100'000) &&
         InRange("round_packets", FLAGS_round_packets, BurstDriver::kMaxBurst, 1u << 30) &&
         InRange("schedule", ScheduleLength(FLAGS_flows), BurstDriver::kMaxBurst, 1u << 30) &&
         InRange("samples", FLAGS_samples, 1, 1'000'000) &&
         InRange("burst_ns", FLAGS_burst_ns, 0, 1'000'000'000);
}

}  // namespace

bool ReadForwardFlags(ForwardRequest& request, bool any_source) {
  return ReadSource(any_source, request.source) && ReadWords(request) && ReadNumbers(request);
}

std::shared_ptr<const ValidatedIntent> LoadBenchConfig(const Arguments& arguments, uint32_t flows) {
  const std::vector<std::string> paths = SplitPaths(arguments.All("config"));
  if (!paths.empty()) {
    return LoadOrReport(paths);
  }
  return LoadIntentText("generated", SampleNetworkJson(ForwardNetwork(flows)), {}).intent;
}

SampleNetwork ForwardNetwork(uint32_t flows) {
  SampleNetwork network;
  network.senders = FLAGS_senders;
  network.rules = FLAGS_rules;
  network.seed = FLAGS_seed;
  network.max_sessions = std::max<uint64_t>(1024, uint64_t{flows} + flows / 16);
  return network;
}

void SetFlows(uint32_t flows, ForwardRequest& request) {
  request.bench.flows = flows;
  request.bench.burst = FLAGS_burst;
  request.bench.seed = FLAGS_seed;
  request.bench.hash = HashOfSimdFlag();
  request.bench.burst_ns = static_cast<int64_t>(FLAGS_burst_ns);
  request.bench.session_cache = FLAGS_session_cache;
  ForwardOptions& forward = request.forward;
  forward.schedule.zipf_exponent = FLAGS_zipf;
  forward.schedule.packets = ScheduleLength(flows);
  forward.schedule.seed = FLAGS_seed;
  forward.rounds = FLAGS_quick ? 3 : FLAGS_rounds;
  const uint32_t packets = FLAGS_quick ? std::min(FLAGS_round_packets, 8192u) : FLAGS_round_packets;
  forward.round_packets = packets / FLAGS_burst * FLAGS_burst;
  // All of it, so that no flow was idle since it was opened.
  forward.warmup_packets = forward.schedule.packets;
  forward.sampled_packets = FLAGS_quick ? std::min(FLAGS_samples, 200u) : FLAGS_samples;
  forward.session_cache = FLAGS_session_cache;
}

bool MemoryForFlows(const char* command, const char* flag, const ForwardRequest& request,
                    uint32_t schedules, uint64_t more_bytes) {
  const auto need_bytes = [schedules, more_bytes](uint32_t flows, uint32_t packets) {
    constexpr uint64_t kSessionBytes = 192;
    constexpr uint64_t kOtherBytes = 64u << 20;
    return flows * (kSessionBytes + kSessionBytes / 16 + sizeof(OpenFlow)) +
           uint64_t{schedules} * packets * sizeof(Stamp) + kOtherBytes + more_bytes;
  };
  const uint64_t available_bytes = AvailableBytes();
  uint32_t fit = request.bench.flows;
  while (fit > 0 && need_bytes(fit, ScheduleLength(fit)) > available_bytes) {
    fit -= (fit + 15) / 16;
  }
  std::string remedy = schedules != 0 ? "--schedule" : flag;
  if (fit > 0) {
    remedy = std::string(flag) + " (" + std::to_string(fit) + " fit)" +
             (schedules != 0 ? " or --schedule" : "");
  }
  return MemoryFor(command, need_bytes(request.bench.flows, request.forward.schedule.packets),
                   remedy);
}

std::unique_ptr<Workbench> OpenBench(const WorkbenchOptions& options) {
  auto bench = Workbench::Make(options);
  if (!bench.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(bench.status().message()).c_str());
    return nullptr;
  }
  return *std::move(bench);
}

std::unique_ptr<Workbench> OpenBench(const Arguments& arguments, uint32_t flows,
                                     WorkbenchOptions options) {
  options.flows = flows;
  options.intent = LoadBenchConfig(arguments, flows);
  return options.intent == nullptr ? nullptr : OpenBench(options);
}

Report StartForwardReport() {
  return StartReport(
      {{"source", FLAGS_source},
       {"config", FLAGS_config.empty() ? "generated" : FLAGS_config},
       {"traffic", FLAGS_traffic},
       {"protocol", FLAGS_protocol},
       {"direction", FLAGS_direction},
       {"keys", FLAGS_keys},
       {"size", FLAGS_size},
       {"rules", FLAGS_config.empty() ? std::to_string(FLAGS_rules) : "as configured"},
       {"burst", std::to_string(FLAGS_burst)},
       {"session_cache", FLAGS_session_cache ? "on" : "off"},
       {"simd", SimdInUse()},
       {"seed", std::to_string(FLAGS_seed)}});
}

Figure MakeForwardFigure(const Workbench& bench, const ForwardRequest& request,
                         const ForwardResult& result) {
  Figure figure;
  figure.name = "forward/flows:" + std::to_string(request.bench.flows) + "/size:" + FLAGS_size +
                "/keys:" + FLAGS_keys;
  figure.ns = result.pipeline_ns;
  figure.rounds_ns = result.rounds_ns;
  figure.source_ns = result.source_ns;
  figure.frame_bytes = result.mean_frame_bytes;
  figure.rounds = request.forward.rounds;
  figure.round_items = request.forward.round_packets;
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
      {"open_seconds", bench.open_seconds()},
      {"table_bytes", static_cast<double>(bench.table_bytes())},
      {"bytes_per_session", bench.bytes_per_session()}};
  return figure;
}

}  // namespace sluice
