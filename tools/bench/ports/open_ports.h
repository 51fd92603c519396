// DPDK ports for a bench, opened as sluiced opens them, for the ports of a configuration in turn.
// Once a process. Main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/intent/validated_intent.h"
#include "dataplane/runtime/runtime.h"

namespace sluice {

// "net_tap0,iface=web,0000:3b:00.0" is two devices: a part with '=' belongs to the one before it.
std::vector<std::string> SplitDevices(const std::string& text);

// A net_null device for each port of the configuration.
std::vector<std::string> NullDevices(const ValidatedIntent& intent);

// One line on failure; nothing is left then. InvalidArgument: not as many devices as the
// configuration has ports.
absl::StatusOr<std::unique_ptr<Runtime>> OpenPorts(const ValidatedIntent& intent,
                                                   const std::vector<std::string>& devices);

}  // namespace sluice
