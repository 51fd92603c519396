#include "control/telemetry/never_logged.h"

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr Ipv4Prefix kLinkLocalRange = {Ipv4Address(169, 254, 0, 0), 16};
constexpr uint32_t kResolverOffset = 2;      // AWS-ADDR-09
constexpr uint32_t kReservedFirstCount = 4;  // AWS-ADDR-08: base+0..+3
constexpr uint16_t kDhcpServerPort = 67;
constexpr uint16_t kDhcpClientPort = 68;

}  // namespace

bool IsLinkLocal(Ipv4Address address) {
  return kLinkLocalRange.Contains(address);
}

bool IsDhcp(uint8_t protocol, uint16_t source_l4_port, uint16_t destination_l4_port) {
  return protocol == kProtocolUdp &&
         ((source_l4_port == kDhcpClientPort && destination_l4_port == kDhcpServerPort) ||
          (source_l4_port == kDhcpServerPort && destination_l4_port == kDhcpClientPort));
}

NeverLogged::NeverLogged(const Intent& intent) {
  for (const Vpc& vpc : intent.vpcs) {
    if (!vpc.cidrs.empty()) {
      reserved_[vpc.id].insert(vpc.cidrs.front().First().value + kResolverOffset);
    }
  }
  for (const Subnet& subnet : intent.subnets) {
    absl::flat_hash_set<uint32_t>& addresses = reserved_[subnet.vpc_id];
    for (uint32_t i = 0; i < kReservedFirstCount; ++i) {
      addresses.insert(subnet.cidr.First().value + i);
    }
    addresses.insert(subnet.cidr.Last().value);
  }
}

bool NeverLogged::IsReserved(std::string_view vpc_id, Ipv4Address address) const {
  const auto it = reserved_.find(std::string(vpc_id));
  return it != reserved_.end() && it->second.contains(address.value);
}

bool NeverLogged::Covers(std::string_view vpc_id, uint8_t protocol, Ipv4Address source,
                         uint16_t source_l4_port, Ipv4Address destination,
                         uint16_t destination_l4_port) const {
  return IsLinkLocal(source) || IsLinkLocal(destination) ||
         IsDhcp(protocol, source_l4_port, destination_l4_port) || IsReserved(vpc_id, source) ||
         IsReserved(vpc_id, destination);
}

}  // namespace sluice
