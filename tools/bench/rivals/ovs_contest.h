// All services for established flows: ours beside OVS-DPDK with connection tracking and NAT, the
// same flows in one run. Main thread.
//
// What stands for our services there: two zones of connection tracking (the groups of both sides),
// a zone with source NAT, routing with both MACs and TTL. No network ACLs: they would be more
// tables.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "tools/bench/contest_row.h"
#include "tools/bench/forward_run.h"

namespace sluice {

struct OvsContestOptions {
  ForwardOptions forward;  // our side of it
  uint64_t seed = 1;
  uint32_t windows = 7;  // that are measured
  uint32_t window_ms = 300;
};

// Installed, with memory for so many flows and disk for their captures; or what is missing.
absl::Status RoomForOvs(uint32_t flows);

// Ours, then theirs, each packet's source taken off; half of our rounds before and half after.
// Theirs is there only when every connection was tracked, established and translated, and when in
// every window each packet that came left again, none of them by way of the slow path; otherwise it
// is absent, with the reason. Leaves nothing behind, on signals neither.
ContestRow MeasureOvs(Workbench& bench, const OvsContestOptions& options);

}  // namespace sluice
