#include "tools/sluice/replay/replay_ports.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tools/sluice/replay/result_folder.h"

namespace sluice {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr size_t kMaxListedPorts = 50;

using FileIdentity = std::pair<dev_t, ino_t>;

bool CanNameFile(const std::string& port) {
  return !port.empty() && port.find('/') == std::string::npos &&
         port.find('\0') == std::string::npos && CaptureNameOf(port).size() <= kMaxNameBytes;
}

absl::Status UnknownPort(const std::string& port, const std::vector<std::string>& ports) {
  std::string what = "there is no port \"" + port + "\"; the ports are";
  for (size_t i = 0; i < std::min(ports.size(), kMaxListedPorts); ++i) {
    what += (i == 0 ? " " : ", ") + ports[i];
  }
  if (ports.size() > kMaxListedPorts) {
    what += " and " + std::to_string(ports.size() - kMaxListedPorts) + " more";
  }
  return absl::InvalidArgumentError(ports.empty() ? what + " none" : what);
}

}  // namespace

std::string CaptureNameOf(const std::string& port) {
  return port + ".pcap";
}

std::vector<std::string> PortsOf(const ReplayPlan& plan) {
  std::vector<std::string> ports;
  std::set<std::string> seen;
  const auto add = [&](const Host& host) {
    for (const HostPort& port : host.ports) {
      if (seen.insert(port.name).second) {
        ports.push_back(port.name);
      }
    }
  };
  add(plan.intent->host());
  for (const ReplayChange& change : plan.changes) {
    add(change.intent->host());
  }
  return ports;
}

absl::Status CheckReplayPorts(const ReplayPlan& plan, const std::vector<std::string>& ports) {
  for (const std::string& port : ports) {
    if (!CanNameFile(port)) {
      return absl::FailedPreconditionError("port \"" + port +
                                           "\" cannot be the name of a capture: rename it");
    }
  }
  std::map<FileIdentity, std::string> captures;
  struct stat about = {};
  for (const ReplayInput& input : plan.inputs) {
    if (std::find(ports.begin(), ports.end(), input.port) == ports.end()) {
      return UnknownPort(input.port, ports);
    }
    if (::stat(input.path.c_str(), &about) == 0) {
      captures[{about.st_dev, about.st_ino}] = input.path;
    }
  }
  std::set<std::string> results = EarlierOutputs(plan.out);  // those go, too
  for (const std::string& port : ports) {
    results.insert(CaptureNameOf(port));
  }
  for (const std::string& name : results) {
    const std::string result = plan.out + "/" + name;
    const bool exists = ::stat(result.c_str(), &about) == 0;
    const auto capture = captures.find({about.st_dev, about.st_ino});
    if (exists && capture != captures.end()) {
      return absl::InvalidArgumentError("the result " + result + " would overwrite the capture " +
                                        capture->second + "; name another folder with --out");
    }
  }
  return absl::OkStatus();
}

}  // namespace sluice
