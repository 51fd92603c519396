// What receiving and sending cost by themselves: frames go from port to port, untouched. Main
// thread, which is an lcore of DPDK; no worker runs.
#pragma once

#include <cstdint>

#include "dataplane/runtime/runtime.h"

namespace sluice {

struct PlainForward {
  uint64_t packets = 0;
  uint64_t unsent = 0;      // the port took no more
  uint64_t busy_ticks = 0;  // of rounds of polling that found packets
};

// For `ms`: frames of port n leave by port n + 1, of the last by the first. Ports are started.
PlainForward ForwardPlainly(const Runtime& runtime, size_t ports, uint32_t ms) noexcept;

}  // namespace sluice
