// Several workers on one session table and one configuration, driven by one thread in turn: what
// they cost each other shows without so many processors. Main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "perf/workload/burst_driver.h"
#include "perf/workload/schedule.h"
#include "tools/bench/workbench.h"

namespace sluice {

// One of them: what a worker has for itself, and the packets that come to it.
class VirtualWorker {
 public:
  // The two directions of a flow come to different workers: of `number` of `count` the initiators'
  // packets of every count-th flow, and the responders' of the next worker's.
  VirtualWorker(Workbench& bench, uint32_t number, uint32_t count, ScheduleOptions schedule);

  // The next burst: stamps and forwards it, at this time; or, of the source alone, lets it pass.
  // Returns the packets forwarded.
  uint32_t RunBurst(const WorkerContext& clock);
  uint32_t PassBurst();

  const WorkerCounters& counters() const { return *counters_; }
  uint32_t burst() const { return driver_->burst(); }
  // The next burst's packets, one after another.
  const Stamp* TakeBurst();

 private:
  std::unique_ptr<WorkerCounters> counters_;
  std::unique_ptr<EmitList> emits_;
  std::unique_ptr<WorkerContext> context_;
  std::unique_ptr<BurstDriver> driver_;
  std::vector<Stamp> stamps_;
  size_t next_ = 0;
};

std::vector<VirtualWorker> MakeVirtualWorkers(Workbench& bench, uint32_t count,
                                              const ScheduleOptions& schedule);

}  // namespace sluice
