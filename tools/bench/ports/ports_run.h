// Packets as they come from real ports, for a bounded time: the product's own worker loop between
// devices, and the same ports without it. Main thread; the worker runs on an lcore of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/runtime/runtime.h"
#include "tools/bench/fates.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice {

struct PortsOptions {
  uint32_t run_ms = 10'000;
  uint32_t plain_ms = 1000;  // before
};

struct PortsTotals {
  Fates fates;
  uint64_t sent = 0;
  uint64_t tx_full = 0;    // a port took no more
  uint64_t rx_missed = 0;  // by the devices: no room in their queues, no buffer, errors
  uint64_t missing = 0;    // buffers that did not come back
  uint64_t sessions = 0;   // at the end
};

struct PortsResult {
  PortsTotals totals;
  // A packet, by the time-stamp counter, times the share of a CPU that the thread had.
  double whole_ns = 0;     // of rounds of polling that found packets
  double pipeline_ns = 0;  // its stages, by the stage meter; the rest is receiving and sending
  double plain_ns = 0;     // from port to next port, untouched; 0: no packet came meanwhile
  double cpu_share = 0;    // that the worker had, who asks for all of one
  double busy_share = 0;   // of the time, with packets to handle
  double seconds = 0;
  double mean_frame_bytes = 0;  // of what came, with FCS
};

// What can be said of packets that somebody else sends: some came, none was dropped or lost, all
// were accounted for. The sentences that are not true.
std::vector<std::string> BrokenPortsClaims(const PortsTotals& totals);

// Once a runtime; it is closed then. Interruption is watched: someone holds one.
absl::StatusOr<PortsResult> RunPorts(Runtime& runtime, OfflineDataplane& dataplane,
                                     const PortsOptions& options);

}  // namespace sluice
