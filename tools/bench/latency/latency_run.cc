#include "tools/bench/latency/latency_run.h"

#include <sys/resource.h>
#include <x86intrin.h>

#include <algorithm>

#include "tools/bench/machine.h"

namespace sluice {
namespace {

uint64_t Preemptions() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_nivcsw);
}

// The wire: packet n arrives n intervals after the start.
class Arrivals {
 public:
  Arrivals(double packets_per_second, uint64_t start)
      : interval_ticks_(TscHz() / packets_per_second), start_(start) {}

  uint64_t CountAt(uint64_t now) const {
    return static_cast<uint64_t>(static_cast<double>(now - start_) / interval_ticks_) + 1;
  }
  uint64_t TimeOf(uint64_t packet) const {
    return start_ + static_cast<uint64_t>(static_cast<double>(packet) * interval_ticks_);
  }

 private:
  double interval_ticks_;
  uint64_t start_;
};

class Schedule {
 public:
  explicit Schedule(const std::vector<Stamp>& stamps) : stamps_(stamps) {}

  const Stamp* Take(uint32_t count) {
    next_ = next_ + count > stamps_.size() ? 0 : next_;
    const Stamp* taken = &stamps_[next_];
    next_ += count;
    return taken;
  }

 private:
  const std::vector<Stamp>& stamps_;
  size_t next_ = 0;
};

void Handle(Workbench& bench, const Stamp* stamps, uint32_t count) {
  bench.ReadClock();
  bench.driver().Load(stamps, count);
  bench.driver().Judge();
  bench.driver().Send();
}

}  // namespace

LatencyResult RunLatency(Workbench& bench, const std::vector<Stamp>& schedule,
                         const LatencyOptions& options) {
  LatencyResult result;
  Schedule stamps(schedule);
  const double ns_per_tick = 1e9 / TscHz();
  const Fates before = CountFates(bench.dataplane().counters());
  const uint64_t preemptions = Preemptions();
  const uint64_t start = __rdtsc();
  const uint64_t end = start + static_cast<uint64_t>(options.seconds * TscHz());
  const Arrivals arrivals(options.packets_per_second, start);
  uint64_t next = 0;  // packet to be handled
  uint64_t busy_ticks = 0;
  LoadAccount account(options.packets_per_second / TscHz(),
                      static_cast<uint64_t>(options.gap_ns / ns_per_tick));
  uint64_t turn = start;
  for (uint64_t now = start; now < end; now = __rdtsc()) {
    uint64_t waiting = arrivals.CountAt(now) - next;
    const uint64_t lost = waiting - std::min<uint64_t>(waiting, options.queue_packets);
    next += lost;
    waiting -= lost;
    account.Turn(now - turn, lost);
    turn = now;
    if (waiting == 0) {
      account.Empty();
      _mm_pause();
      continue;
    }
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(waiting, bench.driver().burst()));
    Handle(bench, stamps.Take(count), count);
    const uint64_t done = __rdtsc();
    for (uint32_t i = 0; i < count; ++i) {
      const double ticks = static_cast<double>(done - arrivals.TimeOf(next + i));
      result.ns.Add(static_cast<uint64_t>(ticks * ns_per_tick));
    }
    next += count;
    busy_ticks += done - now;
    ++result.bursts;
  }
  result.offered = next;
  result.lost = account.lost();
  result.lost_in_gaps = account.explained();
  result.not_carried = account.WhyNotCarried(next);
  result.gaps = account.gaps();
  result.away_share =
      static_cast<double>(account.gaps_ticks()) / static_cast<double>(__rdtsc() - start);
  result.busy_share = static_cast<double>(busy_ticks) / static_cast<double>(__rdtsc() - start);
  result.preemptions = Preemptions() - preemptions;
  result.fates = CountFates(bench.dataplane().counters()) - before;
  return result;
}

}  // namespace sluice
