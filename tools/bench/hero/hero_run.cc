#include "tools/bench/hero/hero_run.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>

#include "perf/workload/key_stream.h"
#include "perf/workload/output_check.h"
#include "perf/workload/stamp.h"
#include "tools/bench/cps/control_side.h"
#include "tools/bench/hero/hero_worker.h"
#include "tools/bench/machine.h"
#include "tools/bench/samples.h"
#include "tools/bench/update/live_worker.h"
#include "tools/bench/update/policy_control.h"

namespace sluice {
namespace {

constexpr int64_t kSweepPauseNs = 1'000'000;

// Both directions of every open flow, in an order of chance.
std::vector<Stamp> BackgroundOf(const Workbench& bench, uint64_t seed) {
  std::vector<Stamp> stamps;
  for (uint32_t flow = 0; flow < bench.flows().size(); ++flow) {
    for (const bool reply : {false, true}) {
      const PacketHeads heads = Established(bench.flows()[flow], reply);
      stamps.push_back(MakeStamp(heads, bench.links()[heads.link], ConnectionSource::kFrameBytes,
                                 flow | (reply ? kReplyBit : 0)));
    }
  }
  WorkloadRandom random(seed);
  for (size_t left = stamps.size(); left > 1; --left) {
    std::swap(stamps[left - 1], stamps[random.Below(left)]);
  }
  return stamps;
}

// The control thread of the daemon: looks after sessions.
class Caretaker {
 public:
  Caretaker(ControlSide& side, const HeroClock& clock) : side_(side), clock_(clock) {
    thread_ = std::thread([this] {
      StayOnCpu(1);
      while (!stop_.load(std::memory_order_relaxed)) {
        side_.Between(clock_.Now());
        RestNs(kSweepPauseNs);
      }
    });
  }
  ~Caretaker() { Stop(); }
  void Stop() {
    stop_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  ControlSide& side_;
  const HeroClock& clock_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Changes until the worker has ended; on the main thread.
absl::Status Churn(PolicyControl& control, const std::atomic<bool>& ended,
                   const std::vector<std::shared_ptr<const ValidatedIntent>>& versions,
                   const HeroOptions& options, HeroResult& result) {
  const int64_t period_ns = 1'000'000'000 / std::max(1u, options.changes_per_second);
  std::vector<double> apply_ms;
  int64_t next_ns = SteadyNs() + period_ns;
  size_t at = 0;
  while (!ended.load(std::memory_order_acquire)) {
    if (options.changes_per_second == 0 || SteadyNs() < next_ns) {
      RestNs(1'000'000);
      continue;
    }
    const int64_t start_ns = SteadyNs();
    const size_t next = (at + 1) % versions.size();
    const auto report = control.applier.Apply(versions[next]);
    if (!report.ok()) {
      return report.status();
    }
    ++result.changes;
    result.felt_changes += at % 2 != 0 || next % 2 != 0 ? 1 : 0;
    at = next;
    apply_ms.push_back(static_cast<double>(SteadyNs() - start_ns) / 1e6);
    next_ns = std::max(next_ns + period_ns, SteadyNs());
  }
  result.apply_ms = Quantile(apply_ms, 0.5);
  return absl::OkStatus();
}

void SetTimes(const HeroWorker& worker, const ControlSide& side, HeroResult& result) {
  const double ns_per_tick = 1e9 / TscHz();
  const double quantiles[3] = {0.5, 0.99, 1};
  for (int i = 0; i < 3; ++i) {
    result.burst_ns[i] = Quantile(worker.burst_ticks(), quantiles[i]) * ns_per_tick;
    result.late_ns[i] = Quantile(worker.late_ns(), quantiles[i]);
  }
  result.seconds = worker.run_seconds();
  result.running_share = worker.cpu_seconds() / worker.run_seconds();
  result.busy_share = std::min(1.0, worker.busy_seconds() / worker.cpu_seconds());
  result.control_share = side.cpu_ns() / 1e9 / worker.run_seconds();
}

// What left while everything went on is what the configuration asks for.
void CompareSamples(const Workbench& bench, const ConnectionSource& source,
                    const HeroWorker& worker, HeroResult& result) {
  OutputCheck check(bench.config(), bench.flows(), bench.links());
  for (const HeroSample& sample : worker.flow_samples()) {
    result.flow_bytes.Add(check.Complaint(sample.stamp, sample.sent));
  }
  for (const HeroSample& sample : worker.connection_samples()) {
    result.connection_bytes.Add(
        check.Next(sample.stamp, sample.sent, source.Ends(sample.connection).responder));
  }
}

}  // namespace

absl::StatusOr<HeroResult> RunHero(
    Workbench& bench, const std::vector<std::shared_ptr<const ValidatedIntent>>& versions,
    uint64_t seed, const HeroOptions& options) {
  HeroResult result;
  const uint32_t connections =
      options.active + (options.seconds + 1) * options.connections_per_second;
  const std::vector<Stamp> background = BackgroundOf(bench, seed);
  ConnectionSource source(bench.families(), bench.flows(), bench.links(), false,
                          std::bit_ceil(connections));
  source.Prepare(0, connections);
  PolicyControl control(seed);
  if (const auto first = control.applier.Apply(versions[0]); !first.ok()) {
    return first.status();
  }
  const auto side =
      ControlSide::Make(bench.dataplane().sessions(), bench.dataplane().account(), &control.qsbr);
  HeroWorker worker(bench, source, background, control.publisher, control.qsbr, options);
  {
    const HeroClock clock(bench.worker());
    worker.FillUp(clock);
  }
  const Fates before = CountFates(bench.dataplane().counters());
  const HeroClock clock(bench.worker());
  std::atomic<bool> ended{false};
  Caretaker caretaker(*side, clock);
  std::thread thread([&] {
    worker.Run(clock);
    ended.store(true, std::memory_order_release);  // pairs with the load of Churn
  });
  StayOnCpu(1);
  const absl::Status churned = Churn(control, ended, versions, options, result);
  thread.join();
  caretaker.Stop();
  RoamCpus();
  if (!churned.ok()) {
    return churned;
  }
  SetTimes(worker, *side, result);
  CompareSamples(bench, source, worker, result);
  result.fates = CountFates(bench.dataplane().counters()) - before;
  result.connections = worker.begun();
  result.offered = worker.offered();
  result.sent = worker.sent();
  result.overrun = worker.overrun();
  result.live_sessions = bench.dataplane().sessions().Counts().counted;
  result.returned = side->counts().freed;
  bench.driver().Use(*bench.config().snapshot);
  return result;
}

std::vector<std::string> BrokenHeroClaims(const HeroResult& result, const HeroOptions& options) {
  std::vector<std::string> broken;
  const auto equal = [&](const char* what, uint64_t observed, uint64_t expected,
                         const std::string& more) {
    if (observed != expected) {
      broken.push_back(std::string(what) + ": " + std::to_string(observed) + ", expected " +
                       std::to_string(expected) + (more.empty() ? "" : " (" + more + ")"));
    }
  };
  equal("packets counted as received", result.fates.received, result.offered, "");
  equal("packets forwarded", result.fates.forwarded, result.offered, result.fates.FirstDrop());
  equal("packets that left", result.sent, result.offered, "");
  equal("packets that found no session", result.fates.misses, result.connections, "connections");
  const uint64_t due = uint64_t{options.connections_per_second} * options.seconds;
  if (result.connections > due + 1 || result.connections + 1 < due) {  // one may straddle an end
    broken.push_back("connections begun: " + std::to_string(result.connections) + ", expected " +
                     std::to_string(due));
  }
  result.flow_bytes.Judge("of background flows", broken);
  result.connection_bytes.Judge("of new connections", broken);
  return broken;
}

}  // namespace sluice
