// What a machine may lack for sluiced, and the command that mends it: the same words from the
// daemon whose start fails for it and from `sluice doctor`, which looks before. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

struct Remedy {
  std::string what;     // one sentence
  std::string command;  // to type
};

inline Remedy NoTunDevice() {
  return {"there is no /dev/net/tun: net_tap ports do not work",
          "sudo modprobe tun || { sudo mkdir -p /dev/net && sudo mknod -m 0666 /dev/net/tun c 10 "
          "200; }"};
}

inline Remedy TunForbidden() {
  return {"/dev/net/tun may not be opened by this user: net_tap ports do not work",
          "sudo chmod 0666 /dev/net/tun"};
}

inline Remedy NoNetAdmin() {
  return {"no CAP_NET_ADMIN: TAP ports can be made by root, or inside a user namespace",
          "unshare -Urnm sluiced --config=PATH"};
}

inline Remedy NoNetRaw() {
  return {"no CAP_NET_RAW: net_af_packet ports can be opened by root, or inside a user namespace",
          "unshare -Urnm sluiced --config=PATH"};
}

inline Remedy NoInterface(std::string_view name) {
  return {"there is no network interface " + std::string(name) + "; those there are:",
          "ip -br link"};
}

inline Remedy NoPciDevice(std::string_view pci_address) {
  return {"there is no PCI device " + std::string(pci_address) + "; those there are:",
          "dpdk-devbind.py --status-dev net"};
}

inline std::string BindCommand(std::string_view pci_address) {
  return "sudo modprobe vfio-pci && sudo dpdk-devbind.py --bind=vfio-pci " +
         std::string(pci_address);
}

inline Remedy NoRuntimeFolder() {
  return {"none of RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, TMPDIR and /tmp is writable",
          "export RUNTIME_DIRECTORY=\"$(mktemp -d -p \"$HOME\")\""};
}

// Pages of 2 MB.
inline std::string HugePagesCommand(uint64_t pages) {
  return "sudo sysctl -w vm.nr_hugepages=" + std::to_string(pages);
}

// As the end of an error's one line.
inline std::string Advice(const Remedy& remedy) {
  return "; " + remedy.what + (remedy.what.ends_with(':') ? "" : ":") + " `" + remedy.command + "`";
}

}  // namespace sluice
