#include "tools/bench/workbench.h"

#include <x86intrin.h>

#include <chrono>

#include "tools/bench/machine.h"

namespace sluice {
namespace {

// Where the session clock starts: any instant, long enough after the epoch.
constexpr int64_t kStartNs = 1'700'000'000'000'000'000;

}  // namespace

absl::StatusOr<std::unique_ptr<Workbench>> Workbench::Make(const WorkbenchOptions& options) {
  std::unique_ptr<Workbench> bench(new Workbench());
  bench->ns_per_tick_ = 1e9 / TscHz();
  bench->burst_ns_ = options.burst_ns;
  OfflineOptions offline;
  offline.seed = options.seed;
  offline.session_cache = options.session_cache;
  offline.hash = options.hash;
  offline.memory = options.memory;
  offline.flow_account = options.flow_account;
  auto dataplane = OfflineDataplane::Make(options.intent, offline);
  if (!dataplane.ok()) {
    return dataplane.status();
  }
  bench->dataplane_ = *std::move(dataplane);
  bench->start_ticks_ = __rdtsc();
  bench->ReadClock();
  const absl::Status opened = bench->OpenFlows(options);
  if (!opened.ok()) {
    return opened;
  }
  return bench;
}

absl::Status Workbench::OpenFlows(const WorkbenchOptions& options) {
  const std::vector<FlowFamily> candidates =
      options.targets.empty()
          ? CandidateFamilies(config(), options.traffic, options.protocols, links_)
          : FamiliesOf(config(), options.targets, links_);
  driver_ = std::make_unique<BurstDriver>(*config().snapshot, worker(), links_, options.burst);
  {
    // Probes in a small dataplane of their own, so that they leave no session here.
    OfflineOptions offline;
    offline.seed = options.seed;
    offline.max_sessions = 1024 + 2 * candidates.size();
    auto scratch = OfflineDataplane::Make(options.intent, offline);
    if (!scratch.ok()) {
      return scratch.status();
    }
    BurstDriver probe(*(*scratch)->config().snapshot, (*scratch)->worker(), links_, 1);
    families_ = FlowOpener(probe, links_).Passing(candidates);
  }
  if (families_.empty()) {
    return absl::FailedPreconditionError(
        "the configuration lets no flow of this kind pass both ways; try --traffic=mixed, or "
        "`sluice explain` to see why");
  }
  const FlowPlan plan(families_);
  if (options.flows > plan.capacity()) {
    return absl::FailedPreconditionError(
        "the configuration has room for " + std::to_string(plan.capacity()) +
        " different flows of this kind; lower --flows or raise --senders");
  }
  const auto start = std::chrono::steady_clock::now();
  flows_.reserve(options.flows);
  FlowOpener opener(*driver_, links_);
  std::vector<PacketHeads> openings(driver_->burst());
  for (uint32_t first = 0; first < options.flows; first += driver_->burst()) {
    const uint32_t count = std::min(driver_->burst(), options.flows - first);
    for (uint32_t i = 0; i < count; ++i) {
      openings[i] = plan.Opening(first + i);
    }
    ReadClock();
    if (!opener.Open(openings.data(), count, flows_)) {
      return absl::InternalError(opener.error());
    }
  }
  open_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return absl::OkStatus();
}

double Workbench::bytes_per_session() const {
  return static_cast<double>(table_bytes()) /
         static_cast<double>(config().intent->host().max_sessions);
}

void Workbench::ReadClock() noexcept {
  steps_ns_ += burst_ns_;
  const int64_t ns =
      burst_ns_ != 0
          ? steps_ns_
          : static_cast<int64_t>(static_cast<double>(__rdtsc() - start_ticks_) * ns_per_tick_);
  worker().now_ns = kStartNs + ns;
  worker().now_ms = static_cast<uint32_t>(ns / 1'000'000);
}

}  // namespace sluice
