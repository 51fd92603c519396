// New connections a second: what is measured, in which order, and what has to be true of it. Main
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/byte_check.h"
#include "tools/bench/fates.h"
#include "tools/bench/samples.h"
#include "tools/bench/stage_tally.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct CpsOptions {
  bool data = false;       // one data packet each way
  uint32_t round = 0;      // connections of a round
  uint32_t rounds = 0;     // of each kind
  uint32_t in_flight = 0;  // connections open at a time
  uint32_t sampled = 0;    // connections compared with the reference world
  bool stages = false;     // also what each stage costs, in rounds of their own
};

struct StepCost {
  std::string name;  // "syn", "syn_ack", ...
  Spread ns;         // a packet, source taken off
  Spread source_ns;
  double hit_rate = 0;
  uint32_t rounds = 0;
};

struct CpsResult {
  // A connection, all its packets; the source taken off.
  Spread filling_ns;  // while the table has room: nothing is reclaimed
  Spread steady_ns;   // while it is full of finished connections: each one evicts another
  Spread source_ns;
  double filling_hit_rate = 0;  // packets that found their session current, of all
  double steady_hit_rate = 0;
  std::vector<StepCost> steps;          // of the full table, a step at a time
  std::vector<StepCost> filling_steps;  // the same while it has room
  double control_ns = 0;                // a connection: what the control thread does meanwhile
  double expiry_ns = 0;                 // a connection that nobody evicts: the sweep's cost
  double fill_seconds = 0;
  uint32_t filling_rounds = 0;

  std::vector<StageCost> stages;  // of the mix on a full table

  Fates fates;
  uint64_t connections = 0;
  uint64_t packets = 0;
  uint64_t sent = 0;
  uint64_t strangers = 0;
  uint64_t attempted = 0;  // as the NAT gateways count
  uint64_t established = 0;
  uint64_t steady_connections = 0;
  uint64_t evicted = 0;  // in the steady rounds: pairs that came back
  uint64_t expired = 0;  // of the full table, by the sweep
  uint64_t freed = 0;    // pairs returned, in all
  uint64_t left = 0;     // sessions beside the flows that stay open, at the end
  ByteCheck compared;
};

CpsResult RunCps(Workbench& bench, const CpsOptions& options);

// The sentences that are not true of this run; empty: the figure may be printed.
std::vector<std::string> BrokenCpsClaims(const CpsResult& result, uint32_t steps);

}  // namespace sluice
