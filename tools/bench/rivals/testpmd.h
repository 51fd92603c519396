// dpdk-testpmd on two net_null ports: what DPDK's own forwarding costs, receiving and sending
// included. Run as a child for a bounded time. Main thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

struct TestpmdResult {
  double ns = 0;  // a packet, of the time the forwarding thread ran
  uint64_t packets = 0;
};

// `mode`: "io" or "mac". Bursts of `burst` <= 512 frames of 64 bytes, one forwarding thread on one
// CPU, for `seconds` <= 10. Unavailable, with the remedy, when it is not installed; Internal, with
// what it said, when it does not run.
absl::StatusOr<TestpmdResult> RunTestpmd(const std::string& mode, uint32_t burst, uint32_t seconds);

// What of its output, with our thread lines before, counts: exposed for the test. Zero packets when
// something is missing.
TestpmdResult ReadTestpmd(const std::string& out);

}  // namespace sluice
