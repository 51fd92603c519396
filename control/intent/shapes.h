// The member names of the shapes a configuration is made of: those of the EC2 API model
// (2016-11-15), and of `Host`. A name that is not here is warned about; one that is here and not
// read has no effect on packets. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

enum class Shape : uint8_t {
  kVpc,
  kVpcCidrAssociation,
  kCidrState,
  kSubnet,
  kRouteTable,
  kRoute,
  kRouteTableAssociation,
  kAssociationState,
  kInternetGateway,
  kEgressOnlyInternetGateway,
  kGatewayAttachment,
  kNatGateway,
  kNatGatewayAddress,
  kNetworkAcl,
  kNetworkAclAssociation,
  kNetworkAclEntry,
  kIcmpTypeCode,
  kPortRange,
  kSecurityGroup,
  kIpPermission,
  kIpRange,
  kPrefixListReference,
  kGroupPair,
  kSecurityGroupRule,
  kReferencedGroup,
  kNetworkInterface,
  kInterfaceAddress,
  kInterfaceAssociation,
  kInterfaceAttachment,
  kGroupIdentifier,
  kInterfacePrefix,
  kConnectionTracking,
  kAddress,
  kPrefixList,
  kPrefixListEntry,
  kVpcEndpoint,
  kVpcPeering,
  kPeeringVpc,
  kCidrBlock,
  kPeeringStatus,
  kFlowLog,
  kFlowLogDestination,
  kDhcpOptions,
  kDhcpConfiguration,
  kAttributeValue,
  kHost,
  kHostPort,
  kHostAttachment,
  kHostSide,
};
inline constexpr int kShapeCount = static_cast<int>(Shape::kHostSide) + 1;

// Space-separated names.
std::string_view KnownMembers(Shape shape);

}  // namespace sluice
