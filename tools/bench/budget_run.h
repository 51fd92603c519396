// What an established packet touches of shared memory, counted access by access: the claims behind
// "two cold lines, no shared writes". Main thread; one packet a burst, so that each is alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/workload/access_trace.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct BudgetResult {
  uint64_t packets = 0;
  uint64_t forwarded = 0;
  uint64_t hits = 0;
  // Distinct lines read or written, of all packets together.
  uint64_t index_lines = 0;
  uint64_t session_lines = 0;      // more than one a packet: keys whose tags are the same by chance
  uint64_t peer_lines = 0;         // of these, the other direction's
  uint64_t cold_lines = 0;         // of what a pair keeps apart: NAT, counts by interface, timeouts
  uint64_t table_lines = 0;        // of the compiled configuration
  uint64_t most_lines = 0;         // of one packet, in index and sessions
  uint64_t own_writes = 0;         // to session lines
  uint64_t shared_writes = 0;      // to anything else that is watched
  std::string first_shared_write;  // where
  uint64_t contested_lines = 0;    // session lines that both directions wrote
  double bytes_per_session = 0;    // both directions, index, NAT and cold part, at full capacity
};

struct BudgetOptions {
  uint32_t packets = 0;  // of each direction
  uint64_t seed = 1;
};

// `bench` was made with this memory and burst 1.
BudgetResult MeasureBudget(Workbench& bench, const WatchedMemory& memory,
                           const BudgetOptions& options);

// What of "at most 2 session lines on average, own line only, nothing shared written, 192 bytes" is
// not so.
std::vector<std::string> BrokenBudget(const BudgetResult& result);

}  // namespace sluice
