// Packets that arrive by the clock, as on a wire, and how long each is on its way: from its arrival
// to the end of the burst it was handled in. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/workload/schedule.h"
#include "tools/bench/fates.h"
#include "tools/bench/latency/latency_histogram.h"
#include "tools/bench/latency/load_account.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct LatencyOptions {
  double packets_per_second = 0;  // offered, evenly spaced
  double seconds = 0;
  uint32_t queue_packets = 1024;  // that wait at most; later ones are lost, as on a NIC
  double gap_ns = 0;              // a turn of the loop that takes longer was interrupted
};

struct LatencyResult {
  LatencyHistogram ns;  // a packet
  uint64_t offered = 0;
  uint64_t lost = 0;        // arrived at a full queue
  double lost_in_gaps = 0;  // of them, while the system had the CPU
  std::string not_carried;  // why the load was not carried; empty: it was
  uint64_t bursts = 0;
  double busy_share = 0;     // of the time, in bursts
  double away_share = 0;     // of the time, in interrupted turns
  uint64_t gaps = 0;         // interrupted turns
  uint64_t preemptions = 0;  // involuntary context switches of this thread meanwhile
  Fates fates;
};

// Sends `schedule` again and again. At most the bench's burst is handled at a time; what came
// meanwhile waits.
LatencyResult RunLatency(Workbench& bench, const std::vector<Stamp>& schedule,
                         const LatencyOptions& options);

}  // namespace sluice
