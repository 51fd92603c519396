#include "control/daemon/dataplane.h"

#include <time.h>

#include <map>
#include <utility>

namespace sluice {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kPauseNs = 50'000;

int64_t ReadNs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

}  // namespace

int64_t SystemClock::EpochNs() {
  return ReadNs(CLOCK_REALTIME);
}
int64_t SystemClock::MonotonicNs() {
  return ReadNs(CLOCK_MONOTONIC);
}
void SystemClock::Pause() {
  const timespec rest = {0, kPauseNs};
  nanosleep(&rest, nullptr);
}

absl::StatusOr<std::unique_ptr<LiveDataplane>> LiveDataplane::Open(const ValidatedIntent& intent,
                                                                   const DaemonOptions& options,
                                                                   std::mutex& control) {
  absl::StatusOr<RuntimeOptions> runtime_options = RuntimeOptionsFor(intent, options);
  if (!runtime_options.ok()) {
    return runtime_options.status();
  }
  absl::StatusOr<Secrets> secrets =
      options.seed == 0 ? DrawSecrets() : absl::StatusOr<Secrets>(SecretsFromSeed(options.seed));
  if (!secrets.ok()) {
    return secrets.status();
  }
  ForceSimdLevel(options.simd);  // before workers run
  absl::StatusOr<std::unique_ptr<Runtime>> runtime = Runtime::Open(*runtime_options);
  if (!runtime.ok()) {
    return runtime.status();
  }
  const Host& host = intent.host();
  CompileOptions compile;
  compile.hash_seed = secrets->tables;
  for (size_t p = 0; p < host.ports.size(); ++p) {
    compile.device_mtu_bytes[host.ports[p].name] =
        (*runtime)->mtu_bytes(PortIdx(static_cast<uint16_t>(p)));
  }
  WorkerStateOptions state_options;
  state_options.workers = (*runtime)->worker_count();
  state_options.port_count = host.ports.size();
  state_options.max_sessions = host.max_sessions;
  state_options.max_held_frames = (*runtime)->max_held_frames();
  state_options.session_cache = options.session_cache;
  state_options.time_stages = options.time_stages;
  absl::StatusOr<std::unique_ptr<WorkerStates>> states =
      WorkerStates::Make((*runtime)->memory(), state_options, *secrets);
  if (!states.ok()) {
    return states.status();
  }
  std::unique_ptr<FlowLogs> flow_logs = FlowLogs::Make(**states, (*runtime)->memory());
  if (flow_logs == nullptr) {
    return absl::ResourceExhaustedError(
        "not enough memory to account for Host.MaxSessions = " + std::to_string(host.max_sessions) +
        " in flow logs; lower it");
  }
  return std::unique_ptr<LiveDataplane>(new LiveDataplane(
      *std::move(runtime), *std::move(states), std::move(flow_logs), std::move(compile), control));
}

LiveDataplane::LiveDataplane(std::unique_ptr<Runtime> runtime, std::unique_ptr<WorkerStates> states,
                             std::unique_ptr<FlowLogs> flow_logs, CompileOptions compile,
                             std::mutex& control)
    : runtime_(std::move(runtime)),
      states_(std::move(states)),
      flow_logs_(std::move(flow_logs)),
      qsbr_(runtime_->worker_count()),
      compiler_(runtime_->memory(), std::move(compile)),
      publisher_(qsbr_),
      applier_(compiler_, publisher_, clock_, control),
      resolver_(states_->neighbors()) {
  applier_.Follow([this](const CompiledConfig& config) { Follow(config); });
}

LiveDataplane::~LiveDataplane() {
  runtime_->StopWorkers();
}

absl::Status LiveDataplane::StartWorkers() {
  return runtime_->StartWorkers(states_->contexts(), publisher_, qsbr_);
}

void LiveDataplane::Follow(const CompiledConfig& config) {
  resolver_.SetSides(*config.snapshot);
  for (std::string& problem : flow_logs_->Configure(config, clock_.EpochNs())) {
    notes_.push_back("flow log " + problem);
  }
}

BurstClock LiveDataplane::Now() {
  return {runtime_->NowMs(), static_cast<uint64_t>(clock_.EpochNs() / kNsPerMs)};
}

void LiveDataplane::ResolveNextHops(int64_t monotonic_ns) {
  for (uint32_t worker = 0; worker < states_->worker_count(); ++worker) {
    ArpLearned learned;
    while (states_->arp_learned(worker).Pop(learned)) {
      resolver_.Learn(learned.side, learned.mac, monotonic_ns);
    }
  }
  for (const ArpRequest& request : resolver_.Tick(monotonic_ns)) {
    // A request that finds no room is asked again a second later.
    runtime_->SendFrame(request.port, {request.frame.data(), request.bytes});
  }
}

void LiveDataplane::Tick() {
  const int64_t monotonic_ns = clock_.MonotonicNs();
  ResolveNextHops(monotonic_ns);
  flow_logs_->Step(Now(), qsbr_);
  applier_.Reclaim();
  if (monotonic_ns - published_ns_ >= kNsPerSecond) {
    published_ns_ = monotonic_ns;
    if (absl::Status status = flow_logs_->Publish(clock_.EpochNs()); !status.ok()) {
      notes_.push_back("flow logs: " + std::string(status.message()));
    }
  }
}

MbufAccount LiveDataplane::Stop() {
  runtime_->StopWorkers();
  if (absl::Status status = flow_logs_->Finish(Now()); !status.ok()) {
    notes_.push_back("flow logs: " + std::string(status.message()));
  }
  return runtime_->Close();
}

}  // namespace sluice
