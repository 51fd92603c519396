// Times of OVS-DPDK's forwarding thread, window by window, each proved to be of what it is named
// after. Main thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench/interruption.h"
#include "tools/bench/rivals/ovs_switch.h"

namespace sluice {

struct OvsClaim {
  uint32_t passes = 1;                  // of every packet through the datapath
  std::optional<uint64_t> connections;  // tracked, of all zones together
  uint64_t after = 0;                   // packets from the start, before anything counts
};

// What was read at one instant.
struct OvsMoment {
  OvsCounters counters;
  OvsTraffic traffic;
  uint64_t connections = 0;
  uint64_t cpu_ns = 0;  // of the thread
  int64_t wall_ns = 0;
};

struct OvsTimes {
  std::vector<double> ns;  // a packet, of the time the thread ran; by window
  std::vector<double>
      ticks;  // a packet, as the switch counts: the time it waited for a CPU included
  uint64_t packets = 0;
};

// Empty when the window between the two is of packets as claimed, all forwarded, none of them by
// way of the slow path; else what was not so. Exposed for the test.
std::string WindowComplaint(const OvsMoment& from, const OvsMoment& to, const OvsClaim& claim);

class OvsWindows {
 public:
  // Interruption is watched: someone holds one.
  OvsWindows(const OvsSwitch& ovs, const OvsClaim& claim) : ovs_(ovs), claim_(claim) {}

  // Waits until a window is as claimed, then takes so many in a row. FailedPrecondition: they were
  // not, within a minute.
  absl::Status Measure(uint32_t count, uint32_t window_ms, OvsTimes& times) const;

 private:
  absl::StatusOr<OvsMoment> Read() const;
  absl::StatusOr<OvsMoment> ReadAfter(uint32_t ms) const;

  const OvsSwitch& ovs_;
  const OvsClaim claim_;
};

}  // namespace sluice
