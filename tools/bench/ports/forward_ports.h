// `sluice-bench forward --ports=…`: the report on packets as they come from real ports. Main
// thread.
#pragma once

#include <string>

#include "tools/sluice/command_line.h"

namespace sluice {

// After the flags of `forward` were read; FLAGS_ports names devices. The exit code.
int ForwardOnPorts(const Arguments& arguments, const std::string& ports);

}  // namespace sluice
