// Whether the dataplane sent what it should have: every sampled packet is compared, byte for byte,
// with what the reference world makes of it from the configuration as written. The reference world
// shares no code with the pipeline; the NAT ports it is told are the observed ones, and it checks
// that they were legal.
//
// One thread. Slow: a sample, not every packet.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/compile/compiler.h"
#include "perf/workload/burst_driver.h"
#include "perf/workload/flow_opener.h"

namespace sluice {

class OutputCheck {
 public:
  // All outlive the check.
  OutputCheck(const CompiledConfig& config, const std::vector<OpenFlow>& flows, const Links& links);
  ~OutputCheck();

  // Empty when `sent` is right for the packet `stamp`; else one sentence. Opens the packet's flow
  // in the reference world first.
  std::string Complaint(const Stamp& stamp, const SentPacket& sent);
  // The same for one packet of a connection that the reference world has not been told of: packets
  // of it come in their order, and its SYN is answered to `answer`.
  std::string Next(const Stamp& stamp, const SentPacket& sent, const PacketHeads& answer);

 private:
  class Ports;
  struct World;

  std::string Open(uint32_t flow);
  std::string Compare(const Stamp& stamp, const SentPacket& sent);

  const CompiledConfig& config_;
  const std::vector<OpenFlow>& flows_;
  const Links& links_;
  std::unique_ptr<World> world_;
};

}  // namespace sluice
