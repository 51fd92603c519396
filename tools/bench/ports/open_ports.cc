#include "tools/bench/ports/open_ports.h"

#include "absl/status/status.h"
#include "control/daemon/options.h"

namespace sluice {

std::vector<std::string> SplitDevices(const std::string& text) {
  std::vector<std::string> devices;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    if (part.find('=') != std::string::npos && !devices.empty()) {
      devices.back() += "," + part;
    } else {
      devices.push_back(part);
    }
    begin = end + 1;
  }
  return devices;
}

std::vector<std::string> NullDevices(const ValidatedIntent& intent) {
  std::vector<std::string> devices;
  for (size_t p = 0; p < intent.host().ports.size(); ++p) {
    devices.push_back("net_null" + std::to_string(p) + ",size=60");
  }
  return devices;
}

absl::StatusOr<std::unique_ptr<Runtime>> OpenPorts(const ValidatedIntent& intent,
                                                   const std::vector<std::string>& devices) {
  DaemonOptions daemon;
  daemon.workers = 1;
  daemon.poll = PollMode::kBusy;
  absl::StatusOr<RuntimeOptions> options = RuntimeOptionsFor(intent, daemon);
  if (!options.ok()) {
    return options.status();
  }
  if (devices.size() != options->ports.size()) {
    std::string names;
    for (const PortSpec& port : options->ports) {
      names += (names.empty() ? "" : ", ") + port.name;
    }
    return absl::InvalidArgumentError("--ports names " + std::to_string(devices.size()) +
                                      " devices, and the configuration has the ports " + names +
                                      ": name one device for each, in this order");
  }
  for (size_t p = 0; p < devices.size(); ++p) {
    options->ports[p].device = devices[p];
  }
  return Runtime::Open(*options);
}

}  // namespace sluice
