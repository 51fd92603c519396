// The invariants of every pipeline run (reliability.md B.0: P1..P7, P10, P11), checked on what went
// in and what came out. Shares no code with the pipeline.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/stage/counters.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice::testing {

class InvariantChecker {
 public:
  // One input and its result; `broken` gets a sentence when an invariant does not hold.
  void Check(const std::vector<uint8_t>& input, const OfflineResult& result, std::string& broken);
  // At the end: received = forwarded + consumed + dropped, nothing held, nothing undecided (P6,
  // P7).
  void CheckTotals(const WorkerCounters& counters, std::string& broken);

 private:
  uint64_t inputs_ = 0;
};

}  // namespace sluice::testing
