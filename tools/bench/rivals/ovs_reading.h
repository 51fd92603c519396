// What ovs-appctl and ovs-vswitchd's /proc files say, as numbers. Pure. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

// Of the one forwarding thread, since it started.
struct OvsCounters {
  uint64_t received = 0;  // packets
  uint64_t recirculations = 0;
  uint64_t upcalls = 0;  // packets that no flow of the datapath knew, lost ones included
  uint64_t idle_ticks = 0;
  uint64_t busy_ticks = 0;  // of rounds of polling that found packets
};

// Text of `dpif-netdev/pmd-stats-show`. An error when it is not of one forwarding thread, or a line
// is missing.
absl::StatusOr<OvsCounters> ReadOvsCounters(const std::string& text);
// Packets received and sent, of `dpif-netdev/pmd-perf-show`: both of one instant, to a few bursts.
struct OvsTraffic {
  uint64_t received = 0;
  uint64_t sent = 0;
};
absl::StatusOr<OvsTraffic> ReadOvsTraffic(const std::string& text);

// Entries of `dpctl/dump-conntrack`.
struct OvsConnections {
  uint64_t all = 0;
  uint64_t translated = 0;   // answers go to `nat_address` and the port that the packets came from
  uint64_t established = 0;  // TCP connections in this state, and all of UDP, which has none
};
OvsConnections CountOvsConnections(const std::string& dump, const std::string& nat_address);

}  // namespace sluice
