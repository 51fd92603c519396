// The classifier alone beside its rivals: one list of rules, the same packets in the same bursts,
// rounds of each in turn. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/workload/rule_set.h"
#include "tools/bench/samples.h"

namespace sluice {

struct ContestOptions {
  RuleSetOptions set;
  uint32_t burst = 32;
  uint32_t packets = 1 << 20;  // drawn in advance, then repeated; a multiple of the burst
  uint32_t rounds = 21;
  uint32_t round_packets = 65'536;    // a multiple of the burst
  uint32_t sampled_packets = 65'536;  // on which all must answer alike
  // With more rules (a prefix each) rte_acl is not built: that takes minutes and many GB.
  uint64_t max_acl_rules = 20'000;
};

// What one of them did. `skipped` says why it did not run, or is empty.
struct Contestant {
  std::string name;
  std::string skipped;
  Spread ns;     // a packet
  Spread ratio;  // of its time to ours, round by round; 1 for ours
  double build_ns = 0;
  uint64_t bytes = 0;
  uint64_t asked = 0;  // packets on which it was compared with the plain lookup
  uint64_t wrong = 0;
};

struct ContestResult {
  uint64_t rules = 0;
  uint64_t expanded_rules = 0;
  uint32_t max_steps = 0;
  double matched_share = 0;             // of the packets
  std::vector<Contestant> contestants;  // ours first
};

// Memory this contest takes at its peak; for a refusal before it starts.
uint64_t ContestBytes(const ContestOptions& options);

ContestResult RunContest(const ContestOptions& options);

// The sentences that are not true of this run; empty: the figures may be printed.
std::vector<std::string> BrokenClaims(const ContestResult& result);

}  // namespace sluice
