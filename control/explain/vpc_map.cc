#include "control/explain/vpc_map.h"

#include <algorithm>

namespace sluice {

bool OwnsAddress(const NetworkInterface& eni, Ipv4Address address) {
  return std::any_of(eni.addresses.begin(), eni.addresses.end(),
                     [&](const PrivateAddress& own) { return own.address == address; }) ||
         std::any_of(eni.prefixes.begin(), eni.prefixes.end(),
                     [&](const Ipv4Prefix& prefix) { return prefix.Contains(address); });
}

const NetworkInterface* OwnerOf(const ValidatedIntent& intent, std::string_view vpc_id,
                                Ipv4Address address) {
  for (const NetworkInterface& eni : intent.intent().network_interfaces) {
    if (eni.vpc_id == vpc_id && OwnsAddress(eni, address)) {
      return &eni;
    }
  }
  return nullptr;
}

const NetworkInterface* InterfaceWithMac(const ValidatedIntent& intent, std::string_view subnet_id,
                                         const MacAddress& mac) {
  for (const NetworkInterface& eni : intent.intent().network_interfaces) {
    if (eni.subnet_id == subnet_id && eni.mac == mac) {
      return &eni;
    }
  }
  return nullptr;
}

const Subnet* SubnetOf(const ValidatedIntent& intent, std::string_view vpc_id,
                       Ipv4Address address) {
  for (const Subnet& subnet : intent.intent().subnets) {
    if (subnet.vpc_id == vpc_id && subnet.cidr.Contains(address)) {
      return &subnet;
    }
  }
  return nullptr;
}

namespace {

// Every 1:1 mapping of the configuration, those of NAT gateways included, until `accept` takes one.
template <typename Accept>
std::optional<PublicMapping> FindMapping(const ValidatedIntent& intent, Accept accept) {
  const auto offer = [&](const std::string& vpc_id, Ipv4Address private_ip,
                         const std::optional<Ipv4Address>& public_ip) {
    return public_ip.has_value() && intent.InternetGatewayOf(vpc_id) != nullptr &&
           accept(vpc_id, private_ip, *public_ip);
  };
  for (const NetworkInterface& eni : intent.intent().network_interfaces) {
    for (const PrivateAddress& own : eni.addresses) {
      if (offer(eni.vpc_id, own.address, own.public_ip)) {
        return PublicMapping{*own.public_ip, own.address, eni.vpc_id};
      }
    }
  }
  for (const NatGateway& gateway : intent.intent().nat_gateways) {
    for (const NatGatewayAddress& own : gateway.addresses) {
      if (gateway.is_public && offer(gateway.vpc_id, own.private_ip, own.public_ip)) {
        return PublicMapping{*own.public_ip, own.private_ip, gateway.vpc_id};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<PublicMapping> MappingOfPrivate(const ValidatedIntent& intent,
                                              std::string_view vpc_id, Ipv4Address private_ip) {
  return FindMapping(intent, [&](const std::string& vpc, Ipv4Address inside, Ipv4Address) {
    return vpc == vpc_id && inside == private_ip;
  });
}

std::optional<PublicMapping> MappingOfPublic(const ValidatedIntent& intent, Ipv4Address public_ip) {
  return FindMapping(intent, [&](const std::string&, Ipv4Address, Ipv4Address outside) {
    return outside == public_ip;
  });
}

const NatGateway* NatGatewayOfInterface(const ValidatedIntent& intent,
                                        const NetworkInterface& eni) {
  for (const NatGateway& gateway : intent.intent().nat_gateways) {
    if (gateway.network_interface_id == eni.id) {
      return &gateway;
    }
  }
  return nullptr;
}

bool IsLinkLocal(const ValidatedIntent& intent, std::string_view vpc_id, Ipv4Address address) {
  if (Ipv4Prefix{Ipv4Address(169, 254, 0, 0), 16}.Contains(address)) {
    return true;
  }
  const Vpc* vpc = intent.FindVpc(vpc_id);
  return vpc != nullptr && !vpc->cidrs.empty() &&
         address.value == vpc->cidrs.front().First().value + 2;
}

bool IsReserved(const ValidatedIntent& intent, std::string_view vpc_id, Ipv4Address address) {
  const Subnet* subnet = SubnetOf(intent, vpc_id, address);
  return subnet != nullptr &&
         (address.value <= subnet->cidr.First().value + 3 || address == subnet->cidr.Last());
}

bool IsMartian(Ipv4Address source, Ipv4Address destination) {
  const auto bad = [](Ipv4Address address) {
    const uint32_t top = address.value >> 24;
    return top == 0 || top == 127 || top >= 240;
  };
  const bool multicast_source = source.value >> 28 == 0xe;
  return bad(source) || bad(destination) || multicast_source || source == destination;
}

Ipv4Address RouterAddressOf(const Subnet& subnet) {
  return Ipv4Address(subnet.cidr.First().value + 1);
}

bool VpcContains(const Vpc& vpc, Ipv4Address address) {
  return std::any_of(vpc.cidrs.begin(), vpc.cidrs.end(),
                     [&](const Ipv4Prefix& cidr) { return cidr.Contains(address); });
}

const HostAttachment* AttachmentOf(const Host& host, std::string_view eni_id) {
  for (const HostAttachment& attachment : host.attachments) {
    if (attachment.network_interface_id == eni_id) {
      return &attachment;
    }
  }
  return nullptr;
}

std::optional<size_t> ServicesSideOf(const Host& host, std::string_view endpoint_id) {
  std::optional<size_t> fallback;
  for (size_t i = 0; i < host.services.size(); ++i) {
    const std::vector<std::string>& ids = host.services[i].endpoint_ids;
    if (std::find(ids.begin(), ids.end(), endpoint_id) != ids.end()) {
      return i;
    }
    if (ids.empty() && !fallback.has_value()) {
      fallback = i;
    }
  }
  return fallback;
}

size_t PortMtu(const Host& host, std::string_view port, size_t otherwise) {
  for (const HostPort& candidate : host.ports) {
    if (candidate.name == port) {
      return candidate.mtu.value_or(static_cast<uint16_t>(otherwise));
    }
  }
  return otherwise;
}

}  // namespace sluice
