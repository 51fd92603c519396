// DPDK's environment for the rivals: no devices, no hugepages of its own, no files left behind.
// What a rival allocates comes from a RivalHeap. Main thread.
#pragma once

#include "absl/status/status.h"

namespace sluice {

// Starts DPDK, once a process; later calls return the first one's answer. The calling thread keeps
// its CPUs. DPDK's code may use 512-bit vectors, so that a rival runs the best variant it has.
absl::Status StartRivalEal();

}  // namespace sluice
