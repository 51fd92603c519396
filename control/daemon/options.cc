#include "control/daemon/options.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
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

absl::StatusOr<SimdLevel> ParseSimdLevel(const std::string& text) {
  const std::optional<SimdLevel> level = SimdLevelNamed(text);
  if (!level.has_value()) {
    return absl::InvalidArgumentError("\"" + text +
                                      "\" is no value for --simd: auto, scalar, avx2 or avx512");
  }
  if (*level > DetectSimdLevel()) {
    return absl::InvalidArgumentError("--simd=" + text + ": this CPU has no more than " +
                                      std::string(SimdLevelName(DetectSimdLevel())));
  }
  return *level;
}

absl::StatusOr<ListenAddress> ParseMetricsListen(const std::string& text) {
  const auto refusal = [&text](const std::string& why) {
    return absl::InvalidArgumentError("--metrics_listen=" + text + ": " + why);
  };
  const size_t colon = text.rfind(':');
  ListenAddress listen{.address = text.substr(0, colon)};
  if (colon != std::string::npos) {
    listen.l4_port = text.substr(colon + 1);
  }
  uint32_t number = 0;
  if (listen.l4_port.empty()) {
    return refusal("write ADDRESS:PORT, [ADDRESS]:PORT or :PORT");
  }
  if (listen.l4_port.size() > 5 ||
      !std::all_of(listen.l4_port.begin(), listen.l4_port.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(listen.l4_port, &number) || number > 65535) {
    return refusal("the port is a number 0..65535");
  }
  if (listen.address.size() > 2 && listen.address.front() == '[' && listen.address.back() == ']') {
    listen.address = listen.address.substr(1, listen.address.size() - 2);
  }
  in6_addr ignored = {};  // room for either family
  if (!listen.address.empty() && inet_pton(AF_INET, listen.address.c_str(), &ignored) != 1 &&
      inet_pton(AF_INET6, listen.address.c_str(), &ignored) != 1) {
    return refusal("the address is a number such as 127.0.0.1 or [::1]");
  }
  return listen;
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
