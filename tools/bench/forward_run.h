// Forwarding established flows from memory: rounds of the product's pipeline and rounds of the
// source alone, interleaved, and the proof that what was measured is what is named. Main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "perf/workload/output_check.h"
#include "perf/workload/schedule.h"
#include "tools/bench/samples.h"
#include "tools/bench/stage_tally.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct ForwardOptions {
  ScheduleOptions schedule;
  uint32_t rounds = 0;         // of each kind
  uint32_t round_packets = 0;  // a multiple of the burst
  uint32_t warmup_packets = 0;
  uint32_t sampled_packets = 0;  // compared with the reference world, at least
  bool session_cache = true;
  // Before each round of the pipeline, not timed; empty: nothing. Makes every session stale.
  std::function<void()> make_stale;
  // How many of the lines (directions of flows) are still stale when a round begins: the others of
  // the schedule have had a packet since, not timed. Which is drawn anew for each round.
  double stale_share = 1;
};

// What the rounds of the pipeline did, all together.
struct ForwardTotals {
  uint64_t packets = 0;  // given to the pipeline
  uint64_t received = 0;
  uint64_t forwarded = 0;
  uint64_t consumed = 0;
  uint64_t dropped = 0;
  std::string first_drop;  // the reason most dropped, or empty
  uint64_t sent = 0;       // as the driver saw them leave
  uint64_t hits = 0;
  uint64_t walks = 0;     // of known sessions
  bool stale = false;     // each round began with every session stale
  uint64_t sessions = 0;  // live ones, at the end
  uint64_t flows = 0;
  uint64_t sampled = 0;
  uint64_t wrong = 0;  // of the sampled
  std::string first_wrong;
};

struct ForwardResult {
  ForwardTotals totals;
  Spread pipeline_ns;             // a packet; the source taken off, round by round
  std::vector<double> rounds_ns;  // the rounds themselves
  Spread source_ns;
  Spread whole_ns;             // both
  double p99_burst_ns = 0;     // a packet, in the slowest hundredth of all bursts; with the source
  double preempted_share = 0;  // of the time, by other processes; not in the figures
  double mean_frame_bytes = 0;
};

// The sentences that are not true of this run; empty: the figure may be printed.
std::vector<std::string> BrokenClaims(const ForwardTotals& totals, bool session_cache);

// With an Interruption that happened it ends early, and its result says nothing.
ForwardResult RunForward(Workbench& bench, const ForwardOptions& options);

// The same packets with the stage meter on: what each stage costs. Medians of short rounds, the
// cost of reading the counter taken off.
std::vector<StageCost> MeasureStages(Workbench& bench, const ForwardOptions& options);

}  // namespace sluice
