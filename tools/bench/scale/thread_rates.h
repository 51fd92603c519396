// Workers on threads of their own: the rate of one and of several at once, by the clock on the
// wall. Main thread.
#pragma once

#include <cstdint>
#include <string>

#include "perf/workload/schedule.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct ThreadRates {
  uint32_t threads = 0;
  double one_pps = 0;       // source included
  double together_pps = 0;  // of all
  bool siblings = false;    // two of the processors are threads of one core
};

// As many threads as `workers`, each pinned to a processor of its own that this process may use;
// nothing is measured when there are not so many (threads = 0).
ThreadRates MeasureThreadRates(Workbench& bench, uint32_t workers, const ScheduleOptions& schedule,
                               double seconds);

}  // namespace sluice
