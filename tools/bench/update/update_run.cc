#include "tools/bench/update/update_run.h"

#include <x86intrin.h>

#include <algorithm>

#include "tools/bench/machine.h"
#include "tools/bench/thread_clock.h"
#include "tools/bench/update/established_loop.h"

namespace sluice {
namespace {

constexpr uint32_t kUsualRounds = 9;
constexpr double kCurrentShare = 0.99;
constexpr uint64_t kStaleLinesASample = 100;
constexpr uint64_t kMostRounds = 4000;
constexpr int64_t kNsPerMinute = 60'000'000'000;

// Directions of flows that are in the schedule at all.
uint64_t DistinctLines(const std::vector<Stamp>& stamps, size_t flows) {
  std::vector<bool> seen(2 * flows);
  uint64_t distinct = 0;
  for (const Stamp& stamp : stamps) {
    const size_t line =
        2 * size_t{stamp.flow & ~kReplyBit} + ((stamp.flow & kReplyBit) != 0 ? 1 : 0);
    distinct += seen[line] ? 0 : 1;
    seen[line] = true;
  }
  return distinct;
}

}  // namespace

absl::StatusOr<StaleResult> RunStale(Workbench& bench, const std::vector<Stamp>& stamps,
                                     std::shared_ptr<const ValidatedIntent> edited,
                                     uint32_t round_packets, uint32_t sampled) {
  StaleResult result;
  EstablishedLoop loop(bench, stamps);
  loop.RunNs(static_cast<uint32_t>(stamps.size()));
  const WorkerCounters& counters = bench.dataplane().counters();
  const Fates start = CountFates(counters);
  const uint64_t given_before = loop.given();
  std::vector<double> usual;
  for (uint32_t round = 0; round < kUsualRounds; ++round) {
    usual.push_back(loop.RunNs(round_packets) / round_packets);
  }
  result.usual_ns = SpreadOf(usual);
  if (absl::Status status = bench.dataplane().Apply(std::move(edited)); !status.ok()) {
    return status;
  }
  bench.driver().Use(*bench.config().snapshot);
  result.lines = DistinctLines(stamps, bench.flows().size());
  const Fates before_sample = CountFates(counters);
  bench.ReadClock();
  result.walking = CheckEstablished(
      bench, stamps,
      std::clamp<uint64_t>(result.lines / kStaleLinesASample, 1, std::max(1u, sampled)));
  result.walked = (CountFates(counters) - before_sample).walks;
  double ns = 0;
  for (uint64_t round = 0; round < kMostRounds; ++round) {
    const Fates before = CountFates(counters);
    const double round_ns = loop.RunNs(round_packets);
    const Fates fates = CountFates(counters) - before;
    ns += round_ns;
    result.first_ns = round == 0 ? round_ns / round_packets : result.first_ns;
    result.packets += fates.received;
    result.hits += fates.hits;
    result.walked += fates.walks;
    if (static_cast<double>(fates.hits) >= kCurrentShare * static_cast<double>(fates.received)) {
      break;
    }
  }
  result.mean_ns = ns / static_cast<double>(result.packets);
  result.fates = CountFates(counters) - start;
  result.given = loop.given() - given_before + result.walking.sampled;
  result.after = CheckEstablished(bench, stamps, sampled);
  return result;
}

const StaleResult& MiddleOf(const std::vector<StaleResult>& changes) {
  std::vector<const StaleResult*> order;
  for (const StaleResult& change : changes) {
    order.push_back(&change);
  }
  std::nth_element(
      order.begin(), order.begin() + order.size() / 2, order.end(),
      [](const auto* one, const auto* other) { return one->RateShare() < other->RateShare(); });
  return *order[order.size() / 2];
}

FlowLogResult RunFlowLogs(Workbench& bench, const std::vector<Stamp>& stamps, uint32_t rounds) {
  FlowLogResult result;
  EstablishedLoop loop(bench, stamps);
  FlowAccount& account = *bench.dataplane().account();
  const double ns_per_tick = 1e9 / TscHz();
  const size_t whole = stamps.size() / bench.driver().burst() * bench.driver().burst();
  // All of whole bursts once; the control thread's emptying of the ring between bursts is taken
  // off.
  const auto once = [&] {
    uint64_t off_ticks = 0;
    FlowRecord record;
    const int64_t start = ThreadCpuNs();
    for (size_t done = 0; done < whole; done += bench.driver().burst()) {
      loop.Burst();
      const uint64_t before = __rdtsc();
      while (account.Take(&record)) {
        ++result.records;
      }
      off_ticks += __rdtsc() - before;
    }
    return (static_cast<double>(ThreadCpuNs() - start) -
            static_cast<double>(off_ticks) * ns_per_tick) /
           static_cast<double>(whole);
  };
  bench.ReadClock();
  once();
  result.records = 0;
  const Fates before = CountFates(bench.dataplane().counters());
  std::vector<double> usual, ended;
  for (uint32_t round = 0; round < rounds; ++round) {
    usual.push_back(once());
    bench.worker().now_ns += kNsPerMinute;  // the session clock stands: nothing has aged
    ended.push_back(once());
    result.packets += whole;
  }
  result.hit_rate = HitRate(CountFates(bench.dataplane().counters()) - before);
  result.usual_ns = SpreadOf(usual);
  result.ended_ns = Quantile(ended, 0.5) - result.usual_ns.median;
  return result;
}

absl::StatusOr<CompileCost> MeasureCompile(
    const std::vector<std::shared_ptr<const ValidatedIntent>>& intents, uint32_t repetitions) {
  std::vector<double> first, change;
  for (uint32_t i = 0; i < repetitions; ++i) {
    Compiler compiler(HeapMemory(), {});
    for (uint64_t generation = 1; generation <= 3; ++generation) {
      const int64_t start = ThreadCpuNs();
      const auto compiled =
          compiler.Compile(intents[(generation - 1) % intents.size()], generation);
      if (!compiled.ok()) {
        return compiled.status();
      }
      (generation == 1 ? first : change).push_back(static_cast<double>(ThreadCpuNs() - start));
    }
  }
  return CompileCost{Quantile(first, 0.5), Quantile(change, 0.5)};
}

}  // namespace sluice
