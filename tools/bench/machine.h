// What a figure was measured on. Main thread.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

struct Machine {
  std::string host;
  std::string cpu;  // model name, as the kernel prints it
  uint32_t cpu_count = 0;
  double tsc_hz = 0;  // measured against the monotonic clock
  double load = 0;    // of the last minute: others beside this process
  std::string compiler;
  std::string commit;  // of the source, "-dirty" with changes; or "unknown"
};

// Rate of the time-stamp counter; takes 20 ms the first time.
double TscHz();
Machine DescribeMachine();

// How this process's memory is backed now: "2M hugepages", "2M transparent hugepages" when most of
// what is resident lies in them, else "no hugepages".
std::string MemoryModeNow();
// A sensible guess from text of /proc/self/smaps_rollup.
std::string MemoryModeOf(const std::string& smaps_rollup);

}  // namespace sluice
