// Who has a TAP interface open already. DPDK's TAP driver would join it as one more queue: each
// owner then gets some of the other's packets, and the first one that ends takes the link down.
// Main thread, in the network namespace of the ports.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// "net_tap0,iface=web" -> "web"; empty when the device is no TAP or leaves the name to the driver.
std::string TapInterfaceOf(std::string_view device);

// Whether a process holds this TAP interface open. False for one that does not exist, and for one
// that was made with `ip tuntap add` and waits for an owner.
bool TapHasOwner(const std::string& interface);

}  // namespace sluice
