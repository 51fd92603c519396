// Traffic that AWS never logs (AWS-FL-17, D-ROUTER): the Amazon resolver, 169.254.0.0/16 (metadata,
// time, resolver), DHCP, and the addresses every subnet keeps for itself, the router's among them.
// Immutable after building; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "control/intent/intent.h"
#include "dataplane/packet/ipv4.h"

namespace sluice {

// True inside 169.254.0.0/16.
bool IsLinkLocal(Ipv4Address address);

// True for BOOTP ports 67 and 68 on either end (RFC 2131).
bool IsDhcp(uint8_t protocol, uint16_t source_l4_port, uint16_t destination_l4_port);

class NeverLogged {
 public:
  NeverLogged() = default;
  explicit NeverLogged(const Intent& intent);

  // Whether `address`, seen in `vpc_id`, is the VPC's resolver (primary CIDR base+2) or one that a
  // subnet of it reserves (base+0..+3 and the last).
  bool IsReserved(std::string_view vpc_id, Ipv4Address address) const;

  // Whether a packet seen at an interface of `vpc_id` is kept out of flow logs. Ports are ignored
  // unless UDP.
  bool Covers(std::string_view vpc_id, uint8_t protocol, Ipv4Address source,
              uint16_t source_l4_port, Ipv4Address destination, uint16_t destination_l4_port) const;

 private:
  absl::flat_hash_map<std::string, absl::flat_hash_set<uint32_t>> reserved_;  // VPC -> addresses
};

}  // namespace sluice
