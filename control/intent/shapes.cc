#include "control/intent/shapes.h"

#include <array>
#include <cstddef>

namespace sluice {
namespace {

struct ShapeMembers {
  Shape shape;
  std::string_view members;
};

constexpr std::array<ShapeMembers, kShapeCount> kMembers = {{
    {Shape::kVpc,
     "OwnerId InstanceTenancy Ipv6CidrBlockAssociationSet CidrBlockAssociationSet "
     "IsDefault EncryptionControl Tags BlockPublicAccessStates VpcId State CidrBlock "
     "DhcpOptionsId"},
    {Shape::kVpcCidrAssociation, "AssociationId CidrBlock CidrBlockState"},
    {Shape::kCidrState, "State StatusMessage"},
    {Shape::kSubnet,
     "AvailabilityZoneId EnableLniAtDeviceIndex MapCustomerOwnedIpOnLaunch "
     "CustomerOwnedIpv4Pool OwnerId AssignIpv6AddressOnCreation "
     "Ipv6CidrBlockAssociationSet Tags SubnetArn OutpostArn EnableDns64 Ipv6Native "
     "PrivateDnsNameOptionsOnLaunch BlockPublicAccessStates Type SubnetId State VpcId "
     "CidrBlock AvailableIpAddressCount AvailabilityZone DefaultForAz "
     "MapPublicIpOnLaunch"},
    {Shape::kRouteTable, "Associations PropagatingVgws RouteTableId Routes Tags VpcId OwnerId"},
    {Shape::kRoute,
     "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId "
     "EgressOnlyInternetGatewayId GatewayId InstanceId InstanceOwnerId NatGatewayId "
     "TransitGatewayId LocalGatewayId CarrierGatewayId NetworkInterfaceId Origin State "
     "VpcPeeringConnectionId CoreNetworkArn OdbNetworkArn IpAddress"},
    {Shape::kRouteTableAssociation,
     "Main RouteTableAssociationId RouteTableId SubnetId GatewayId PublicIpv4Pool "
     "AssociationState"},
    {Shape::kAssociationState, "State StatusMessage"},
    {Shape::kInternetGateway, "Attachments InternetGatewayId OwnerId Tags"},
    {Shape::kEgressOnlyInternetGateway, "Attachments EgressOnlyInternetGatewayId Tags"},
    {Shape::kGatewayAttachment, "State VpcId"},
    {Shape::kNatGateway,
     "CreateTime DeleteTime FailureCode FailureMessage NatGatewayAddresses "
     "NatGatewayId ProvisionedBandwidth State SubnetId VpcId Tags ConnectivityType "
     "AvailabilityMode AutoScalingIps AutoProvisionZones AttachedAppliances "
     "RouteTableId"},
    {Shape::kNatGatewayAddress,
     "AllocationId NetworkInterfaceId PrivateIp PublicIp AssociationId IsPrimary "
     "FailureMessage Status AvailabilityZone AvailabilityZoneId"},
    {Shape::kNetworkAcl, "Associations Entries IsDefault NetworkAclId Tags VpcId OwnerId"},
    {Shape::kNetworkAclAssociation, "NetworkAclAssociationId NetworkAclId SubnetId"},
    {Shape::kNetworkAclEntry,
     "CidrBlock Egress IcmpTypeCode Ipv6CidrBlock PortRange Protocol RuleAction "
     "RuleNumber"},
    {Shape::kIcmpTypeCode, "Code Type"},
    {Shape::kPortRange, "From To"},
    {Shape::kSecurityGroup,
     "GroupId IpPermissionsEgress Tags VpcId SecurityGroupArn OwnerId GroupName "
     "Description IpPermissions"},
    {Shape::kIpPermission,
     "IpProtocol FromPort ToPort UserIdGroupPairs IpRanges Ipv6Ranges PrefixListIds"},
    {Shape::kIpRange, "Description CidrIp"},
    {Shape::kPrefixListReference, "Description PrefixListId"},
    {Shape::kGroupPair,
     "Description UserId GroupName GroupId VpcId VpcPeeringConnectionId PeeringStatus"},
    {Shape::kSecurityGroupRule,
     "SecurityGroupRuleId GroupId GroupOwnerId IsEgress IpProtocol FromPort ToPort "
     "CidrIpv4 CidrIpv6 PrefixListId ReferencedGroupInfo Description Tags "
     "SecurityGroupRuleArn"},
    {Shape::kReferencedGroup, "GroupId PeeringStatus UserId VpcId VpcPeeringConnectionId"},
    {Shape::kNetworkInterface,
     "Association Attachment AvailabilityZone ConnectionTrackingConfiguration "
     "Description Groups InterfaceType Ipv6Addresses MacAddress NetworkInterfaceId "
     "OutpostArn OwnerId PrivateDnsName PublicDnsName PublicIpDnsNameOptions "
     "PrivateIpAddress PrivateIpAddresses Ipv4Prefixes Ipv6Prefixes RequesterId "
     "RequesterManaged SourceDestCheck Status SubnetId TagSet VpcId DenyAllIgwTraffic "
     "Ipv6Native Ipv6Address Operator AssociatedSubnets AvailabilityZoneId Tags"},
    {Shape::kInterfaceAddress, "Association Primary PrivateDnsName PrivateIpAddress"},
    {Shape::kInterfaceAssociation,
     "AllocationId AssociationId IpOwnerId PublicDnsName PublicIp CustomerOwnedIp "
     "CarrierIp"},
    {Shape::kInterfaceAttachment,
     "AttachTime AttachmentId DeleteOnTermination DeviceIndex NetworkCardIndex "
     "InstanceId InstanceOwnerId Status EnaSrdSpecification EnaQueueCount"},
    {Shape::kGroupIdentifier, "GroupId GroupName"},
    {Shape::kInterfacePrefix, "Ipv4Prefix"},
    {Shape::kConnectionTracking, "TcpEstablishedTimeout UdpStreamTimeout UdpTimeout"},
    {Shape::kAddress,
     "AllocationId AssociationId Domain NetworkInterfaceId NetworkInterfaceOwnerId "
     "PrivateIpAddress Tags PublicIpv4Pool NetworkBorderGroup CustomerOwnedIp "
     "CustomerOwnedIpv4Pool CarrierIp SubnetId ServiceManaged InstanceId PublicIp"},
    {Shape::kPrefixList,
     "Cidrs PrefixListId PrefixListName AddressFamily State StateMessage PrefixListArn "
     "MaxEntries Version Tags OwnerId IpamPrefixListResolverTargetId "
     "IpamPrefixListResolverSyncEnabled Entries"},
    {Shape::kPrefixListEntry, "Cidr Description"},
    {Shape::kVpcEndpoint,
     "VpcEndpointId VpcEndpointType VpcId ServiceName State PolicyDocument "
     "RouteTableIds SubnetIds Groups IpAddressType DnsOptions PrivateDnsEnabled "
     "RequesterManaged NetworkInterfaceIds DnsEntries CreationTimestamp Tags OwnerId "
     "LastError Ipv4Prefixes Ipv6Prefixes FailureReason ServiceNetworkArn "
     "ResourceConfigurationArn ServiceRegion"},
    {Shape::kVpcPeering,
     "AccepterVpcInfo ExpirationTime RequesterVpcInfo Status Tags "
     "VpcPeeringConnectionId"},
    {Shape::kPeeringVpc,
     "CidrBlock Ipv6CidrBlockSet CidrBlockSet OwnerId PeeringOptions VpcId Region"},
    {Shape::kCidrBlock, "CidrBlock"},
    {Shape::kPeeringStatus, "Code Message"},
    {Shape::kFlowLog,
     "CreationTime DeliverLogsErrorMessage DeliverLogsPermissionArn "
     "DeliverCrossAccountRole DeliverLogsStatus FlowLogId FlowLogStatus LogGroupName "
     "ResourceId TrafficType LogDestinationType LogDestination LogFormat Tags "
     "MaxAggregationInterval DestinationOptions"},
    {Shape::kFlowLogDestination, "FileFormat HiveCompatiblePartitions PerHourPartition"},
    {Shape::kDhcpOptions, "OwnerId Tags DhcpOptionsId DhcpConfigurations"},
    {Shape::kDhcpConfiguration, "Key Values"},
    {Shape::kAttributeValue, "Value"},
    {Shape::kHost,
     "Ports Attachments Uplink Services Workers MaxSessions MaxSessionsPerInterface "
     "BehaviorProfile RouterMac FlowLogFolder"},
    {Shape::kHostPort, "Name Device Mtu"},
    {Shape::kHostAttachment, "NetworkInterfaceId Port Vlan MaxSessions"},
    {Shape::kHostSide, "Port Vlan Address NextHop VpcEndpointId"},
}};

constexpr bool IsInOrder() {
  for (size_t i = 0; i < kMembers.size(); ++i) {
    if (static_cast<size_t>(kMembers[i].shape) != i) return false;
  }
  return true;
}
static_assert(IsInOrder());

}  // namespace

std::string_view KnownMembers(Shape shape) {
  return kMembers[static_cast<size_t>(shape)].members;
}

}  // namespace sluice
