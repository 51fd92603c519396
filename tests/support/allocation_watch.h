// Counts allocations made while the pipeline runs: nothing on a worker may allocate. Linked into a
// test together with allocation_watch_link_args, it stands between the callers of RunBurst and
// RunTimers and the real ones, and in place of the allocators. One thread.
#pragma once

#include <cstdint>

namespace sluice::testing {

struct AllocationCounts {
  uint64_t calls = 0;        // of RunBurst and RunTimers
  uint64_t allocations = 0;  // within them: new, malloc and their kin
  uint64_t frees = 0;
};

// Since the program began.
AllocationCounts AllocationsInPipeline();

// Counts what happens from construction to destruction as if it were in the pipeline.
class CountAsPipeline {
 public:
  CountAsPipeline();
  ~CountAsPipeline();
};

}  // namespace sluice::testing
