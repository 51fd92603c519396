// The packets of a workload's flows as captures that a switch with a NAT gateway of its own is fed
// with. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "perf/workload/flow_opener.h"

namespace sluice {

struct OvsCaptures {
  std::string inside;   // a packet of every initiator
  std::string outside;  // a packet of every responder, to the NAT address
  uint32_t passes = 1;  // how often each holds all flows, in the same random order
};

// Answers go to `nat_address` (host order) and the port that the flow's initiator sends from: what
// a NAT gateway with one address gives to flows that differ in more than the sender. Bytes as of an
// established flow, 60 a frame; TCP without payload and with an open window.
absl::Status WriteOvsCaptures(const std::vector<OpenFlow>& flows, const Links& links,
                              uint32_t nat_address, uint64_t seed, const OvsCaptures& captures);

// Of both files together.
uint64_t OvsCaptureBytes(uint64_t flows, uint32_t passes);

}  // namespace sluice
