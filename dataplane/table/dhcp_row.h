// What DHCP tells the hosts of a VPC (AWS-LL-03), of one Snapshot: written by the compiler from the
// VPC's DHCP option set, read by workers. Addresses and numbers in host order.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/packet/ipv4.h"

namespace sluice {

struct DhcpRow {
  static constexpr uint32_t kMaxServers = 4;
  static constexpr uint32_t kMaxDomainBytes = 90;

  uint32_t lease_seconds = 3600;
  uint8_t dns_count = 0;  // AmazonProvidedDNS is the VPC's resolver, primary CIDR base + 2
  uint8_t ntp_count = 0;
  uint8_t domain_bytes = 0;  // 0: no domain name is told
  uint8_t reserved = 0;
  std::array<Ipv4Address, kMaxServers> dns = {};
  std::array<Ipv4Address, kMaxServers> ntp = {};
  std::array<char, kMaxDomainBytes> domain = {};  // not terminated
};
static_assert(sizeof(DhcpRow) <= 136 && std::is_trivially_copyable_v<DhcpRow>);

}  // namespace sluice
