// What workers cost each other on established flows: packets of W workers in turn against the same
// number of one worker, and the lines of shared memory that more than one of them writes. Main
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/workload/access_trace.h"
#include "perf/workload/schedule.h"
#include "tools/bench/samples.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct ScaleOptions {
  ScheduleOptions schedule;
  uint32_t workers = 2;
  uint32_t rounds = 0;
  uint32_t round_packets = 0;  // of all workers together
};

struct ScaleResult {
  Spread one_ns;      // a packet; one worker, the source taken off
  Spread workers_ns;  // the same with W in turn
  Spread source_ns;
  Spread speedup;  // W workers' rate over one's, on processors of their own: W * one / workers
  uint64_t packets = 0;
  uint64_t forwarded = 0;
  uint64_t hits = 0;
};
ScaleResult MeasureScale(Workbench& bench, const ScaleOptions& options);

struct SharingResult {
  uint64_t packets = 0;
  uint64_t hits = 0;
  uint64_t written_lines = 0;    // of shared memory, by all workers
  uint64_t contested_lines = 0;  // written by more than one of them
  uint64_t foreign_reads = 0;    // of lines that another one writes
  std::string first_contested;   // where
};
// `bench` was made with this memory and burst 1; `packets` of each worker are traced.
SharingResult MeasureSharing(Workbench& bench, const WatchedMemory& memory,
                             const ScaleOptions& options, uint32_t packets);

}  // namespace sluice
