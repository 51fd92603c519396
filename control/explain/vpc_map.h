// Questions about who owns which address in the configuration as written, answered by looking
// through it. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/intent/validated_intent.h"

namespace sluice {

// Does the interface own the address: one of its private addresses or inside a delegated prefix
// (AWS-ADDR-12)?
bool OwnsAddress(const NetworkInterface& eni, Ipv4Address address);

const NetworkInterface* OwnerOf(const ValidatedIntent& intent, std::string_view vpc_id,
                                Ipv4Address address);
const NetworkInterface* InterfaceWithMac(const ValidatedIntent& intent, std::string_view subnet_id,
                                         const MacAddress& mac);
// The subnet of the VPC that contains the address, or nullptr.
const Subnet* SubnetOf(const ValidatedIntent& intent, std::string_view vpc_id, Ipv4Address address);

// 1:1 translations of internet gateways (AWS-IGW-03, -05): only where the VPC has an internet
// gateway.
struct PublicMapping {
  Ipv4Address public_ip;
  Ipv4Address private_ip;
  std::string vpc_id;
};
std::optional<PublicMapping> MappingOfPrivate(const ValidatedIntent& intent,
                                              std::string_view vpc_id, Ipv4Address private_ip);
std::optional<PublicMapping> MappingOfPublic(const ValidatedIntent& intent, Ipv4Address public_ip);

// The NAT gateway whose own interface this is, or nullptr.
const NatGateway* NatGatewayOfInterface(const ValidatedIntent& intent, const NetworkInterface& eni);

bool IsLinkLocal(const ValidatedIntent& intent, std::string_view vpc_id, Ipv4Address address);
// One of the five addresses of any subnet of the VPC (AWS-ADDR-08).
bool IsReserved(const ValidatedIntent& intent, std::string_view vpc_id, Ipv4Address address);
bool IsMartian(Ipv4Address source, Ipv4Address destination);
Ipv4Address RouterAddressOf(const Subnet& subnet);
bool VpcContains(const Vpc& vpc, Ipv4Address address);

const HostAttachment* AttachmentOf(const Host& host, std::string_view eni_id);
// The services side that carries the endpoint, as an index of Host::services.
std::optional<size_t> ServicesSideOf(const Host& host, std::string_view endpoint_id);
// Bytes of an IPv4 packet that the port carries.
size_t PortMtu(const Host& host, std::string_view port, size_t otherwise);

}  // namespace sluice
