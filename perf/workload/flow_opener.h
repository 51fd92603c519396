// Opens the flows of a plan through the product's pipeline and learns what the answers look like:
// the way a workload comes to established sessions. Bench's control thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "perf/workload/burst_driver.h"
#include "perf/workload/flow_plan.h"

namespace sluice {

// Both directions of an open flow, as its packets are sent from now on.
struct OpenFlow {
  PacketHeads initiator;
  PacketHeads responder;
};

// TCP: SYN, SYN+ACK, ACK, ACK. UDP: request, answer, and both again, which makes it a stream.
inline constexpr uint32_t kOpeningSteps = 4;
// Step `step` of an open flow; even ones are the initiator's.
PacketHeads OpeningStep(const OpenFlow& flow, uint32_t step);
// A packet of the established flow.
PacketHeads Established(const OpenFlow& flow, bool reply);

class FlowOpener {
 public:
  FlowOpener(BurstDriver& driver, Links& links) : driver_(driver), links_(links) {}

  // Opens these flows, at most a burst. False: one of them was not forwarded both ways; `error()`
  // says which and why.
  bool Open(const PacketHeads* openings, uint32_t count, std::vector<OpenFlow>& flows);
  const std::string& error() const { return error_; }

  // The families that pass, one for each sender, destination and protocol; tried with a flow of
  // their own.
  std::vector<FlowFamily> Passing(const std::vector<FlowFamily>& candidates);

 private:
  bool RunStep(std::vector<OpenFlow>& flows, size_t first, uint32_t step);
  bool LearnAnswer(const SentPacket& sent, OpenFlow& flow);

  BurstDriver& driver_;
  Links& links_;
  std::string error_;
};

}  // namespace sluice
