#include "tools/bench/update/live_worker.h"

#include <sched.h>
#include <x86intrin.h>

#include "tools/bench/samples.h"

namespace sluice {
namespace {

// As the process was started; read before any thread is bound.
const cpu_set_t& AllowedCpus() {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  return allowed;
}

}  // namespace

void StayOnCpu(uint32_t nth) {
  const cpu_set_t& allowed = AllowedCpus();
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && nth-- == 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      sched_setaffinity(0, sizeof one, &one);
      return;
    }
  }
}

void RoamCpus() {
  sched_setaffinity(0, sizeof(cpu_set_t), &AllowedCpus());
}

uint32_t UsableCpuCount() {
  return static_cast<uint32_t>(CPU_COUNT(&AllowedCpus()));
}

LiveWorker::LiveWorker(Workbench& bench, EstablishedLoop& loop, Publisher<Snapshot>& publisher,
                       Qsbr& qsbr)
    : bench_(bench), loop_(loop), publisher_(publisher), qsbr_(qsbr) {
  sighted_.reserve(kMostSighted);
  burst_ticks_.reserve(kSampledBursts);
  windows_.resize(kMostWindows);
  thread_ = std::thread([this] { Run(); });
}

void LiveWorker::Stop() {
  stop_.store(true, std::memory_order_release);  // pairs with the load of Run
  if (thread_.joinable()) {
    thread_.join();
  }
}

double LiveWorker::BurstTicks(uint32_t window) const {
  const Window& counted = windows_[window];
  return counted.bursts == 0
             ? 0
             : static_cast<double>(counted.ticks) / static_cast<double>(counted.bursts);
}

void LiveWorker::CountBurst(uint64_t ticks) noexcept {
  if (burst_ticks_.size() < kSampledBursts) {
    burst_ticks_.push_back(static_cast<double>(ticks));
    if (burst_ticks_.size() == kSampledBursts) {
      usual_ticks_ = Quantile(burst_ticks_, 0.5);
      warm_.store(true, std::memory_order_relaxed);
    }
  } else if (static_cast<double>(ticks) <= usual_ticks_ * kCountedBursts) {
    Window& window = windows_[window_.load(std::memory_order_relaxed)];
    window.ticks += ticks;
    ++window.bursts;
  }
}

void LiveWorker::Run() noexcept {
  StayOnCpu(0);
  qsbr_.Online(0);
  uint64_t generation = 0;
  uint64_t before = __rdtsc();
  bool last = false;
  while (!last) {  // once more after Stop, for what was published before
    last = stop_.load(std::memory_order_acquire);
    const Snapshot& snapshot = *publisher_.Load();
    const uint64_t now = __rdtsc();
    if (snapshot.generation != generation) {
      generation = snapshot.generation;
      bench_.driver().Use(snapshot);
      if (sighted_.size() < kMostSighted) {
        sighted_.push_back({generation, now, now - before});
      }
    }
    CountBurst(now - before);
    before = now;
    bench_.ReadClock();
    loop_.Burst();
    qsbr_.ReportQuiescent(0);
  }
  qsbr_.Offline(0);
}

}  // namespace sluice
