#include "tools/bench/scale/virtual_workers.h"

#include <algorithm>

namespace sluice {
namespace {

std::vector<OpenFlow> EveryNth(const std::vector<OpenFlow>& flows, uint32_t first, uint32_t step) {
  std::vector<OpenFlow> some;
  for (size_t i = first; i < flows.size(); i += step) {
    some.push_back(flows[i]);
  }
  return some;
}

// Half of the bursts of each direction, in turn.
std::vector<Stamp> Alternate(const std::vector<Stamp>& a, const std::vector<Stamp>& b,
                             uint32_t burst) {
  std::vector<Stamp> both;
  for (size_t at = 0; at + burst <= std::min(a.size(), b.size()); at += burst) {
    both.insert(both.end(), a.begin() + at, a.begin() + at + burst);
    both.insert(both.end(), b.begin() + at, b.begin() + at + burst);
  }
  return both;
}

}  // namespace

VirtualWorker::VirtualWorker(Workbench& bench, uint32_t number, uint32_t count,
                             ScheduleOptions schedule)
    : counters_(std::make_unique<WorkerCounters>(bench.dataplane().counters().ports.size())),
      emits_(std::make_unique<EmitList>()),
      context_(std::make_unique<WorkerContext>(bench.worker())) {
  context_->worker = number;
  context_->counters = counters_.get();
  context_->emits = emits_.get();
  const uint32_t burst = bench.driver().burst();
  driver_ =
      std::make_unique<BurstDriver>(*bench.config().snapshot, *context_, bench.links(), burst);
  schedule.packets /= 2;
  schedule.seed += number;
  schedule.direction = Direction::kOut;
  const std::vector<Stamp> out =
      MakeSchedule(EveryNth(bench.flows(), number, count), bench.links(), schedule);
  schedule.direction = Direction::kIn;
  const std::vector<Stamp> in =
      MakeSchedule(EveryNth(bench.flows(), (number + 1) % count, count), bench.links(), schedule);
  stamps_ = Alternate(out, in, burst);
}

const Stamp* VirtualWorker::TakeBurst() {
  next_ = next_ + burst() > stamps_.size() ? 0 : next_;
  const Stamp* taken = &stamps_[next_];
  next_ += burst();
  return taken;
}

uint32_t VirtualWorker::RunBurst(const WorkerContext& clock) {
  context_->now_ns = clock.now_ns;
  context_->now_ms = clock.now_ms;
  driver_->Load(TakeBurst(), burst());
  driver_->Judge();
  return driver_->Send();
}

uint32_t VirtualWorker::PassBurst() {
  driver_->Load(TakeBurst(), burst());
  driver_->PassThrough();
  return driver_->Send();
}

std::vector<VirtualWorker> MakeVirtualWorkers(Workbench& bench, uint32_t count,
                                              const ScheduleOptions& schedule) {
  std::vector<VirtualWorker> workers;
  for (uint32_t number = 0; number < count; ++number) {
    workers.emplace_back(bench, number, count, schedule);
  }
  return workers;
}

}  // namespace sluice
