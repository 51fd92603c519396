#include "control/daemon/options.h"

#include <algorithm>
#include <sstream>

#include "dataplane/table/snapshot.h"

namespace sluice {
namespace {

constexpr uint16_t kSideMtuBytes = 1500;  // uplink and Services, unless written
constexpr uint16_t kEniMtuBytes = 9001;

bool IsSidePort(const Host& host, const std::string& name) {
  return (host.uplink.has_value() && host.uplink->port == name) ||
         std::any_of(host.services.begin(), host.services.end(),
                     [&name](const HostSide& side) { return side.port == name; });
}

}  // namespace

absl::StatusOr<bool> ParseSwitch(const std::string& flag, const std::string& text) {
  if (text == "on" || text == "true" || text == "1") {
    return true;
  }
  if (text == "off" || text == "false" || text == "0") {
    return false;
  }
  return absl::InvalidArgumentError("\"" + text + "\" is no value for --" + flag + ": on or off");
}

absl::StatusOr<PollMode> ParsePollMode(const std::string& text) {
  if (text == "adaptive") {
    return PollMode::kAdaptive;
  }
  if (text == "busy") {
    return PollMode::kBusy;
  }
  return absl::InvalidArgumentError("\"" + text + "\" is no value for --poll: adaptive or busy");
}

std::vector<std::string> SplitPaths(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> paths;
  for (std::string path; std::getline(stream, path, ',');) {
    if (!path.empty()) {
      paths.push_back(path);
    }
  }
  return paths;
}

absl::StatusOr<RuntimeOptions> RuntimeOptionsFor(const ValidatedIntent& intent,
                                                 const DaemonOptions& options) {
  if (!intent.host_was_written()) {
    return absl::FailedPreconditionError(
        "the configuration has no Host, so nothing says which devices carry it; add one, e.g. "
        "{\"Host\": {\"Ports\": [{\"Name\": \"web\", \"Device\": \"net_tap0,iface=web\"}], "
        "\"Attachments\": [{\"NetworkInterfaceId\": \"eni-web\", \"Port\": \"web\"}]}}");
  }
  const Host& host = intent.host();
  RuntimeOptions runtime;
  for (const HostPort& port : host.ports) {
    runtime.ports.push_back(
        {.name = port.name,
         .device = port.device,
         .mtu_bytes = port.mtu,
         .default_mtu_bytes = IsSidePort(host, port.name) ? kSideMtuBytes : kEniMtuBytes});
  }
  runtime.workers = options.workers == 0 ? host.workers : options.workers;
  runtime.poll = options.poll;
  runtime.eal_arguments = options.eal_arguments;
  runtime.show_dpdk_log = options.show_dpdk_log;
  return runtime;
}

}  // namespace sluice
