// Counts one call of a stage: always calls and packets, and its ticks where the worker times its
// stages. The second half of a call counts as none. Worker thread.
#pragma once

#include <x86intrin.h>

#include "dataplane/stage/counters.h"
#include "dataplane/stage/worker_context.h"

namespace sluice {

class StageMeter {
 public:
  StageMeter(WorkerContext& worker, StageId stage, uint32_t packets, uint32_t calls = 1) noexcept
      : counters_(worker.counters->stages[static_cast<size_t>(stage)]),
        start_(worker.time_stages ? __rdtsc() : 0) {
    counters_.calls.Add(calls);
    counters_.packets.Add(packets);
  }
  ~StageMeter() {
    if (start_ != 0) {
      counters_.ticks.Add(__rdtsc() - start_);
    }
  }
  // For a stage that may leave its packets to another, which counts them then.
  void CountOne() noexcept {
    counters_.calls.Add(1);
    counters_.packets.Add(1);
  }
  StageMeter(const StageMeter&) = delete;
  StageMeter& operator=(const StageMeter&) = delete;

 private:
  StageCounters& counters_;
  uint64_t start_;
};

}  // namespace sluice
