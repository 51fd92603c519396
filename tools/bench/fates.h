// What became of the packets of a run, summed over ports: read before and after, subtracted. Main
// thread, or any that may read counters.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "dataplane/stage/counters.h"

namespace sluice {

struct Fates {
  uint64_t received = 0;
  uint64_t forwarded = 0;
  uint64_t consumed = 0;
  uint64_t dropped = 0;
  uint64_t hits = 0;    // of the session cache
  uint64_t misses = 0;  // packets of no session
  uint64_t walks = 0;   // of known sessions
  std::array<uint64_t, kDropReasonCount> reasons = {};

  // The reason that most were dropped for, or empty.
  std::string FirstDrop() const;
};

// Packets that found a current session in the session cache, of all; 0 of none.
double HitRate(const Fates& fates);
Fates CountFates(const WorkerCounters& counters);
Fates operator-(const Fates& after, const Fates& before);

}  // namespace sluice
