// The time a thread ran: what figures are made of, so that other processes disturb them little. Any
// thread.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <string_view>

namespace sluice {

// Nanoseconds of CPU that the calling thread has used.
inline int64_t ThreadCpuNs() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// The same of the first thread of a process whose name starts so; 0: there is none. As exact as the
// scheduler's tick.
uint64_t CpuNsOfThread(pid_t process, std::string_view name);

}  // namespace sluice
