// A worker as the daemon has it, without devices: takes the published snapshot at each burst, runs
// the pipeline, reports that it holds nothing. It notes when it first saw each generation.
//
// Made and joined by the main thread, which may meanwhile publish and read what is atomic.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "dataplane/publish/publisher.h"
#include "dataplane/table/snapshot.h"
#include "tools/bench/update/established_loop.h"

namespace sluice {

// When a worker began to judge by a generation.
struct Sighted {
  uint64_t generation = 0;
  uint64_t at_ticks = 0;     // every later packet is judged by it
  uint64_t burst_ticks = 0;  // length of the burst before: that of the older generation
};

// Keeps the calling thread on the `nth` of the CPUs that this process may use; with fewer,
// anywhere.
void StayOnCpu(uint32_t nth);
// Undoes it.
void RoamCpus();
// How many CPUs this process may use.
uint32_t UsableCpuCount();

class LiveWorker {
 public:
  // All outlive it. Runs at once.
  LiveWorker(Workbench& bench, EstablishedLoop& loop, Publisher<Snapshot>& publisher, Qsbr& qsbr);
  ~LiveWorker() { Stop(); }

  void Stop();
  // Has seen enough bursts to know the usual one; windows count from then on.
  bool IsWarm() const { return warm_.load(std::memory_order_relaxed); }
  // What is counted from now on counts for window `window` < kMostWindows.
  void SetWindow(uint32_t window) { window_.store(window, std::memory_order_relaxed); }

  // After Stop.
  const std::vector<Sighted>& sighted() const { return sighted_; }
  // Ticks of a burst: the median of a sample.
  double usual_burst_ticks() const { return usual_ticks_; }
  // Ticks of a burst of a window, those left out that the system interrupted; 0: no bursts.
  double BurstTicks(uint32_t window) const;

  static constexpr uint32_t kMostWindows = 2048;

 private:
  static constexpr size_t kMostSighted = 1u << 20;
  static constexpr size_t kSampledBursts = 4096;

  // Longer than this many usual bursts: interrupted, or the first behind an interruption.
  static constexpr double kCountedBursts = 4;
  struct Window {
    uint64_t ticks = 0;
    uint64_t bursts = 0;
  };

  void Run() noexcept;
  void CountBurst(uint64_t ticks) noexcept;

  Workbench& bench_;
  EstablishedLoop& loop_;
  Publisher<Snapshot>& publisher_;
  Qsbr& qsbr_;
  std::vector<Sighted> sighted_;
  std::vector<double> burst_ticks_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> warm_{false};  // this and the next relaxed: nothing is ordered by them
  std::atomic<uint32_t> window_{0};
  double usual_ticks_ = 0;
  std::vector<Window> windows_;
  std::thread thread_;
};

}  // namespace sluice
