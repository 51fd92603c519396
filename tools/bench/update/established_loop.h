// A worker's loop over packets of established flows, from memory: a burst at a time, for who has
// something else to do between bursts. One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "perf/workload/schedule.h"
#include "tools/bench/workbench.h"

namespace sluice {

class EstablishedLoop {
 public:
  // `stamps`: repeated for ever. Both outlive the loop.
  EstablishedLoop(Workbench& bench, const std::vector<Stamp>& stamps)
      : bench_(bench), stamps_(stamps) {}

  // One burst through the pipeline; the clock is the caller's.
  void Burst() noexcept {
    BurstDriver& driver = bench_.driver();
    if (next_ + driver.burst() > stamps_.size()) {
      next_ = 0;
    }
    driver.Load(&stamps_[next_], driver.burst());
    next_ += driver.burst();
    driver.Judge();
    sent_ += driver.Send();
    given_ += driver.burst();
  }
  // Of the thread, for `packets` of them; on real time.
  double RunNs(uint32_t packets);

  uint64_t given() const { return given_; }
  uint64_t sent() const { return sent_; }

 private:
  Workbench& bench_;
  const std::vector<Stamp>& stamps_;
  size_t next_ = 0;
  uint64_t given_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace sluice
