// Who is behind the uplink and the Services sides: the MAC address that a next hop's own ARP names
// in the capture of its port; 02:00:00:00:00:fe where none does. The first one counts.
//
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "control/intent/intent.h"
#include "dataplane/packet/mac.h"

namespace sluice {

class NextHopMacs {
 public:
  // The sides of a configuration are of interest.
  void Want(const Host& host);
  // A frame that came in on `port`.
  void Look(const std::string& port, std::span<const uint8_t> frame);
  MacAddress Of(const std::string& port, uint16_t vlan, Ipv4Address next_hop) const;

 private:
  using Key = std::tuple<std::string, uint16_t, uint32_t>;  // port, VLAN, address
  std::map<Key, MacAddress> macs_;                          // all zero: not seen
};

}  // namespace sluice
