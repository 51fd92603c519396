#include "dataplane/runtime/tap_interface.h"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "dataplane/runtime/eal_plan.h"

namespace sluice {
namespace {

// A tun driver's interface runs only while a queue is attached to it (tuntap.rst).
bool RunsAsTap(int fd, const std::string& interface) {
  ifreq request = {};
  std::memcpy(request.ifr_name, interface.c_str(), interface.size() + 1);
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_RUNNING) == 0) {
    return false;
  }
  ethtool_drvinfo driver = {};
  driver.cmd = ETHTOOL_GDRVINFO;
  request.ifr_data = reinterpret_cast<char*>(&driver);
  return ioctl(fd, SIOCETHTOOL, &request) == 0 && std::strcmp(driver.driver, "tun") == 0;
}

}  // namespace

std::string TapInterfaceOf(std::string_view device) {
  return device.starts_with("net_tap") ? std::string(InterfaceArgument(device)) : "";
}

bool TapHasOwner(const std::string& interface) {
  if (interface.empty() || interface.size() >= IFNAMSIZ) {
    return false;
  }
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  const bool owned = RunsAsTap(fd, interface);
  close(fd);
  return owned;
}

}  // namespace sluice
