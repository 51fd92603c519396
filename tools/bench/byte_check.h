// Whether packets leave with the bytes they should have: what came of a sample that was compared
// with the reference world, and samples of established flows taken between timed parts. Main
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "perf/workload/stamp.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct ByteCheck {
  uint64_t sampled = 0;  // packets
  uint64_t wrong = 0;    // of them
  std::string first_wrong;

  // One more packet; `complaint` is empty when it was right.
  void Add(const std::string& complaint);
  void Add(const ByteCheck& more);
  // Says what is not true of it; `when` it was taken stands in the sentence.
  void Judge(const std::string& when, std::vector<std::string>& broken) const;
};

// At least `count` packets of `stamps`, from the first on, through the pipeline with the tables,
// the snapshot and the clock that the bench has now, in bursts of every length that it knows;
// nothing is timed. The reference world has the bench's configuration.
ByteCheck CheckEstablished(Workbench& bench, const std::vector<Stamp>& stamps, uint64_t count);

}  // namespace sluice
