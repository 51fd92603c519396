#include "control/intent/shapes.h"

namespace sluice {

std::string_view KnownMembers(Shape shape) {
  switch (shape) {
    case Shape::kVpc:
      return "OwnerId InstanceTenancy Ipv6CidrBlockAssociationSet CidrBlockAssociationSet "
             "IsDefault EncryptionControl Tags BlockPublicAccessStates VpcId State CidrBlock "
             "DhcpOptionsId";
    case Shape::kVpcCidrAssociation:
      return "AssociationId CidrBlock CidrBlockState";
    case Shape::kCidrState:
      return "State StatusMessage";
    case Shape::kSubnet:
      return "AvailabilityZoneId EnableLniAtDeviceIndex MapCustomerOwnedIpOnLaunch "
             "CustomerOwnedIpv4Pool OwnerId AssignIpv6AddressOnCreation "
             "Ipv6CidrBlockAssociationSet Tags SubnetArn OutpostArn EnableDns64 Ipv6Native "
             "PrivateDnsNameOptionsOnLaunch BlockPublicAccessStates Type SubnetId State VpcId "
             "CidrBlock AvailableIpAddressCount AvailabilityZone DefaultForAz "
             "MapPublicIpOnLaunch";
    case Shape::kRouteTable:
      return "Associations PropagatingVgws RouteTableId Routes Tags VpcId OwnerId";
    case Shape::kRoute:
      return "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId "
             "EgressOnlyInternetGatewayId GatewayId InstanceId InstanceOwnerId NatGatewayId "
             "TransitGatewayId LocalGatewayId CarrierGatewayId NetworkInterfaceId Origin State "
             "VpcPeeringConnectionId CoreNetworkArn OdbNetworkArn IpAddress";
    case Shape::kRouteTableAssociation:
      return "Main RouteTableAssociationId RouteTableId SubnetId GatewayId PublicIpv4Pool "
             "AssociationState";
    case Shape::kAssociationState:
      return "State StatusMessage";
    case Shape::kInternetGateway:
      return "Attachments InternetGatewayId OwnerId Tags";
    case Shape::kEgressOnlyInternetGateway:
      return "Attachments EgressOnlyInternetGatewayId Tags";
    case Shape::kGatewayAttachment:
      return "State VpcId";
    case Shape::kNatGateway:
      return "CreateTime DeleteTime FailureCode FailureMessage NatGatewayAddresses "
             "NatGatewayId ProvisionedBandwidth State SubnetId VpcId Tags ConnectivityType "
             "AvailabilityMode AutoScalingIps AutoProvisionZones AttachedAppliances "
             "RouteTableId";
    case Shape::kNatGatewayAddress:
      return "AllocationId NetworkInterfaceId PrivateIp PublicIp AssociationId IsPrimary "
             "FailureMessage Status AvailabilityZone AvailabilityZoneId";
    case Shape::kNetworkAcl:
      return "Associations Entries IsDefault NetworkAclId Tags VpcId OwnerId";
    case Shape::kNetworkAclAssociation:
      return "NetworkAclAssociationId NetworkAclId SubnetId";
    case Shape::kNetworkAclEntry:
      return "CidrBlock Egress IcmpTypeCode Ipv6CidrBlock PortRange Protocol RuleAction "
             "RuleNumber";
    case Shape::kIcmpTypeCode:
      return "Code Type";
    case Shape::kPortRange:
      return "From To";
    case Shape::kSecurityGroup:
      return "GroupId IpPermissionsEgress Tags VpcId SecurityGroupArn OwnerId GroupName "
             "Description IpPermissions";
    case Shape::kIpPermission:
      return "IpProtocol FromPort ToPort UserIdGroupPairs IpRanges Ipv6Ranges PrefixListIds";
    case Shape::kIpRange:
      return "Description CidrIp";
    case Shape::kPrefixListReference:
      return "Description PrefixListId";
    case Shape::kGroupPair:
      return "Description UserId GroupName GroupId VpcId VpcPeeringConnectionId PeeringStatus";
    case Shape::kSecurityGroupRule:
      return "SecurityGroupRuleId GroupId GroupOwnerId IsEgress IpProtocol FromPort ToPort "
             "CidrIpv4 CidrIpv6 PrefixListId ReferencedGroupInfo Description Tags "
             "SecurityGroupRuleArn";
    case Shape::kReferencedGroup:
      return "GroupId PeeringStatus UserId VpcId VpcPeeringConnectionId";
    case Shape::kNetworkInterface:
      return "Association Attachment AvailabilityZone ConnectionTrackingConfiguration "
             "Description Groups InterfaceType Ipv6Addresses MacAddress NetworkInterfaceId "
             "OutpostArn OwnerId PrivateDnsName PublicDnsName PublicIpDnsNameOptions "
             "PrivateIpAddress PrivateIpAddresses Ipv4Prefixes Ipv6Prefixes RequesterId "
             "RequesterManaged SourceDestCheck Status SubnetId TagSet VpcId DenyAllIgwTraffic "
             "Ipv6Native Ipv6Address Operator AssociatedSubnets AvailabilityZoneId Tags";
    case Shape::kInterfaceAddress:
      return "Association Primary PrivateDnsName PrivateIpAddress";
    case Shape::kInterfaceAssociation:
      return "AllocationId AssociationId IpOwnerId PublicDnsName PublicIp CustomerOwnedIp "
             "CarrierIp";
    case Shape::kInterfaceAttachment:
      return "AttachTime AttachmentId DeleteOnTermination DeviceIndex NetworkCardIndex "
             "InstanceId InstanceOwnerId Status EnaSrdSpecification EnaQueueCount";
    case Shape::kGroupIdentifier:
      return "GroupId GroupName";
    case Shape::kInterfacePrefix:
      return "Ipv4Prefix";
    case Shape::kConnectionTracking:
      return "TcpEstablishedTimeout UdpStreamTimeout UdpTimeout";
    case Shape::kAddress:
      return "AllocationId AssociationId Domain NetworkInterfaceId NetworkInterfaceOwnerId "
             "PrivateIpAddress Tags PublicIpv4Pool NetworkBorderGroup CustomerOwnedIp "
             "CustomerOwnedIpv4Pool CarrierIp SubnetId ServiceManaged InstanceId PublicIp";
    case Shape::kPrefixList:
      return "Cidrs PrefixListId PrefixListName AddressFamily State StateMessage PrefixListArn "
             "MaxEntries Version Tags OwnerId IpamPrefixListResolverTargetId "
             "IpamPrefixListResolverSyncEnabled Entries";
    case Shape::kPrefixListEntry:
      return "Cidr Description";
    case Shape::kVpcEndpoint:
      return "VpcEndpointId VpcEndpointType VpcId ServiceName State PolicyDocument "
             "RouteTableIds SubnetIds Groups IpAddressType DnsOptions PrivateDnsEnabled "
             "RequesterManaged NetworkInterfaceIds DnsEntries CreationTimestamp Tags OwnerId "
             "LastError Ipv4Prefixes Ipv6Prefixes FailureReason ServiceNetworkArn "
             "ResourceConfigurationArn ServiceRegion";
    case Shape::kVpcPeering:
      return "AccepterVpcInfo ExpirationTime RequesterVpcInfo Status Tags "
             "VpcPeeringConnectionId";
    case Shape::kPeeringVpc:
      return "CidrBlock Ipv6CidrBlockSet CidrBlockSet OwnerId PeeringOptions VpcId Region";
    case Shape::kCidrBlock:
      return "CidrBlock";
    case Shape::kPeeringStatus:
      return "Code Message";
    case Shape::kFlowLog:
      return "CreationTime DeliverLogsErrorMessage DeliverLogsPermissionArn "
             "DeliverCrossAccountRole DeliverLogsStatus FlowLogId FlowLogStatus LogGroupName "
             "ResourceId TrafficType LogDestinationType LogDestination LogFormat Tags "
             "MaxAggregationInterval DestinationOptions";
    case Shape::kFlowLogDestination:
      return "FileFormat HiveCompatiblePartitions PerHourPartition";
    case Shape::kDhcpOptions:
      return "OwnerId Tags DhcpOptionsId DhcpConfigurations";
    case Shape::kDhcpConfiguration:
      return "Key Values";
    case Shape::kAttributeValue:
      return "Value";
    case Shape::kHost:
      return "Ports Attachments Uplink Services Workers MaxSessions BehaviorProfile RouterMac "
             "FlowLogFolder";
    case Shape::kHostPort:
      return "Name Device Mtu";
    case Shape::kHostAttachment:
      return "NetworkInterfaceId Port Vlan";
    case Shape::kHostSide:
      return "Port Vlan Address NextHop VpcEndpointId";
  }
  return "";
}

}  // namespace sluice
