// The time a thread ran: what figures are made of, so that other processes disturb them little. Any
// thread.
#pragma once

#include <time.h>

#include <cstdint>

namespace sluice {

// Nanoseconds of CPU that the calling thread has used.
inline int64_t ThreadCpuNs() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace sluice
