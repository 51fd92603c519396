#include "dataplane/runtime/attach_hint.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "dataplane/base/remedy.h"
#include "dataplane/runtime/eal_plan.h"

namespace sluice {
namespace {

constexpr char kTunPath[] = "/dev/net/tun";

bool IsOf(std::string_view device, std::string_view driver) {
  return DeviceName(device).starts_with(driver);
}

uint64_t EffectiveCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) {
    return ~uint64_t{0};
  }
  return sets[0].effective | uint64_t{sets[1].effective} << 32;
}

bool Has(const AttachFacts& facts, int capability) {
  return (facts.capabilities >> capability & 1) != 0;
}

}  // namespace

AttachFacts ReadAttachFacts(std::string_view device) {
  AttachFacts facts;
  const int tun = open(kTunPath, O_RDWR | O_CLOEXEC);
  facts.tun_opens = tun >= 0;
  facts.tun_exists = tun >= 0 || (errno != ENOENT && errno != ENOTDIR);
  if (tun >= 0) {
    close(tun);
  }
  facts.capabilities = EffectiveCapabilities();
  if (IsPciDevice(device)) {
    const std::string path = "/sys/bus/pci/devices/" + std::string(DeviceName(device));
    facts.device_exists = access(path.c_str(), F_OK) == 0;
  } else if (const std::string name(InterfaceArgument(device)); !name.empty()) {
    facts.device_exists = if_nametoindex(name.c_str()) != 0;
  }
  return facts;
}

std::string AttachHint(std::string_view device, const AttachFacts& facts) {
  if (IsOf(device, "net_tap")) {
    return !facts.tun_exists            ? Advice(NoTunDevice())
           : !facts.tun_opens           ? Advice(TunForbidden())
           : !Has(facts, CAP_NET_ADMIN) ? Advice(NoNetAdmin())
                                        : "";
  }
  if (IsOf(device, "net_af_packet")) {
    return !Has(facts, CAP_NET_RAW) ? Advice(NoNetRaw())
           : !facts.device_exists   ? Advice(NoInterface(InterfaceArgument(device)))
                                    : "";
  }
  if (IsPciDevice(device)) {
    const std::string_view address = DeviceName(device);
    return !facts.device_exists
               ? Advice(NoPciDevice(address))
               : Advice({"it may have to be bound to vfio-pci", BindCommand(address)});
  }
  return "";
}

}  // namespace sluice
