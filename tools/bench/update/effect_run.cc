// How soon a change is in force, with a real worker beside the real applier.
#include <algorithm>
#include <map>

#include "tools/bench/machine.h"
#include "tools/bench/update/live_worker.h"
#include "tools/bench/update/policy_control.h"
#include "tools/bench/update/update_run.h"

namespace sluice {
namespace {

// A burst that took this many times the usual was interrupted by the system.
constexpr double kInterruptedBursts = 20;

struct Published {
  uint64_t generation = 0;
  uint64_t at_ticks = 0;
};

absl::Status ChangeFor(PolicyControl& control, int64_t until_ns,
                       const std::vector<std::shared_ptr<const ValidatedIntent>>& intents,
                       const EffectOptions& options, std::vector<Published>& published,
                       std::vector<double>& apply_ns) {
  const int64_t period_ns =
      options.changes_per_second == 0 ? 0 : 1'000'000'000 / options.changes_per_second;
  int64_t next_ns = SteadyNs();
  while (SteadyNs() < until_ns) {
    const int64_t start_ns = SteadyNs();
    control.clock.Expect();
    const auto report = control.applier.Apply(intents[(published.size() + 1) % intents.size()]);
    if (!report.ok()) {
      return report.status();
    }
    published.push_back({report->generation, control.clock.published_ticks()});
    apply_ns.push_back(static_cast<double>(SteadyNs() - start_ns));
    next_ns += period_ns;
    RestNs(std::clamp<int64_t>(next_ns - SteadyNs(), 0, until_ns - start_ns));
  }
  return absl::OkStatus();
}

void SetTimes(const LiveWorker& worker, const std::vector<Published>& published,
              EffectResult& result) {
  std::map<uint64_t, Sighted> sighted;
  for (const Sighted& sight : worker.sighted()) {
    sighted[sight.generation] = sight;
  }
  const double ns_per_tick = 1e9 / TscHz();
  const double most_ticks = worker.usual_burst_ticks() * kInterruptedBursts;
  for (const Published& change : published) {
    // A generation that was replaced before the worker came round is in force through its
    // successor.
    const auto sight = sighted.lower_bound(change.generation);
    if (sight == sighted.end()) {
      continue;
    }
    const double ns = std::max(
        0.0, static_cast<double>(static_cast<int64_t>(sight->second.at_ticks - change.at_ticks)) *
                 ns_per_tick);
    result.wall_ns.push_back(ns);
    if (static_cast<double>(sight->second.burst_ticks) > most_ticks) {
      ++result.interrupted;
    } else {
      result.running_ns.push_back(ns);
    }
  }
}

// Packets a second in windows with changes and in those behind them without.
void SetRates(uint32_t burst, const LiveWorker& worker, uint32_t windows, EffectResult& result) {
  std::vector<double> busy, quiet, dips;
  const double packets_by_tsc = burst * TscHz();
  for (uint32_t window = 0; window < windows; ++window) {
    const double with = worker.BurstTicks(2 * window + 1);
    const double without = worker.BurstTicks(2 * window + 2);
    if (with > 0 && without > 0) {
      busy.push_back(packets_by_tsc / with);
      quiet.push_back(packets_by_tsc / without);
      dips.push_back(1 - without / with);
    }
  }
  result.busy_rate = Quantile(busy, 0.5);
  result.quiet_rate = Quantile(quiet, 0.5);
  result.dip = SpreadOf(dips);
}

}  // namespace

absl::StatusOr<EffectResult> RunEffect(
    Workbench& bench, const std::vector<Stamp>& stamps,
    const std::vector<std::shared_ptr<const ValidatedIntent>>& intents, uint64_t seed,
    const EffectOptions& options) {
  EffectResult result;
  PolicyControl control(seed);
  const auto first = control.applier.Apply(intents[0]);
  if (!first.ok()) {
    return first.status();
  }
  EstablishedLoop loop(bench, stamps);
  loop.RunNs(static_cast<uint32_t>(stamps.size()));
  result.before = CheckEstablished(bench, stamps, options.sampled);
  const Fates before = CountFates(bench.dataplane().counters());
  const uint64_t given_before = loop.given();
  const uint64_t sent_before = loop.sent();
  std::vector<Published> published;
  std::vector<double> apply_ns;
  StayOnCpu(1);  // so that making changes takes nothing from the worker's CPU
  LiveWorker worker(bench, loop, control.publisher, control.qsbr);
  while (!worker.IsWarm()) {
    RestNs(1'000'000);
  }
  absl::Status status;
  for (uint32_t window = 0; window < options.windows && status.ok(); ++window) {
    worker.SetWindow(2 * window + 1);
    status = ChangeFor(control, SteadyNs() + options.window_ms * 1'000'000, intents, options,
                       published, apply_ns);
    worker.SetWindow(2 * window + 2);
    RestNs(options.window_ms * 1'000'000);
  }
  worker.Stop();
  RoamCpus();
  if (!status.ok()) {
    return status;
  }
  SetRates(bench.driver().burst(), worker, options.windows, result);
  SetTimes(worker, published, result);
  result.changes = published.size();
  result.apply_ns = Quantile(apply_ns, 0.5);
  result.fates = CountFates(bench.dataplane().counters()) - before;
  result.given = loop.given() - given_before;
  result.sent = loop.sent() - sent_before;
  result.after = CheckEstablished(bench, stamps, options.sampled);
  // The bench goes on with the snapshot it owns: the control's end here.
  bench.driver().Use(*bench.config().snapshot);
  return result;
}

}  // namespace sluice
