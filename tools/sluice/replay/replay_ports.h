// The ports of a replay: those of every configuration that will hold, in the order in which they
// appear. Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/sluice/replay/replay.h"

namespace sluice {

std::vector<std::string> PortsOf(const ReplayPlan& plan);

// FailedPrecondition: a port whose name cannot be that of a file. InvalidArgument: an input of a
// port that is not among `ports`, or a capture that a result would overwrite.
absl::Status CheckReplayPorts(const ReplayPlan& plan, const std::vector<std::string>& ports);

std::string CaptureNameOf(const std::string& port);  // "web.pcap"

}  // namespace sluice
