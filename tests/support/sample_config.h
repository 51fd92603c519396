// A small configuration as JSON text: two peered VPCs with every kind of gateway, for tests that
// need a whole one.
//
//   vpc-a 10.0.0.0/16   subnet-public 10.0.0.0/24 (default route to igw-a): eni-web 10.0.0.10 =
//   198.51.100.10, nat-a
//                       subnet-private 10.0.1.0/24 (default route to nat-a, 10.1/16 to pcx-ab):
//                       eni-app 10.0.1.10
//   vpc-b 10.1.0.0/16   subnet-b 10.1.0.0/24 (10.0/16 to pcx-ab): eni-b 10.1.0.10
//
// No Host: ports are named by the interfaces' ids. Groups: sg-web lets TCP 80 and 443 in from
// everywhere, sg-app TCP 8080 from sg-web; both let everything out. subnet-private has acl-private,
// the others the VPC's default ACL.
#pragma once

#include <string_view>

namespace sluice::testing {

inline constexpr std::string_view kSampleConfig = R"json({
  "Vpcs": [
    {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"},
    {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16", "OwnerId": "111122223333"}
  ],
  "Subnets": [
    {"SubnetId": "subnet-public", "VpcId": "vpc-a", "CidrBlock": "10.0.0.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"},
    {"SubnetId": "subnet-private", "VpcId": "vpc-a", "CidrBlock": "10.0.1.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"},
    {"SubnetId": "subnet-b", "VpcId": "vpc-b", "CidrBlock": "10.1.0.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"}
  ],
  "InternetGateways": [
    {"InternetGatewayId": "igw-a", "Attachments": [{"VpcId": "vpc-a", "State": "available"}]}
  ],
  "NatGateways": [
    {"NatGatewayId": "nat-a", "VpcId": "vpc-a", "SubnetId": "subnet-public", "State": "available",
     "ConnectivityType": "public",
     "NatGatewayAddresses": [{"PrivateIp": "10.0.0.200", "PublicIp": "198.51.100.200",
                              "AllocationId": "eipalloc-nat"}]}
  ],
  "RouteTables": [
    {"RouteTableId": "rtb-public", "VpcId": "vpc-a",
     "Associations": [{"Main": false, "SubnetId": "subnet-public"}],
     "Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"}]},
    {"RouteTableId": "rtb-private", "VpcId": "vpc-a",
     "Associations": [{"Main": false, "SubnetId": "subnet-private"}],
     "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-a"},
                {"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-ab"}]},
    {"RouteTableId": "rtb-b", "VpcId": "vpc-b", "Associations": [{"Main": true}],
     "Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "VpcPeeringConnectionId": "pcx-ab"}]}
  ],
  "VpcPeeringConnections": [
    {"VpcPeeringConnectionId": "pcx-ab", "Status": {"Code": "active"},
     "RequesterVpcInfo": {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"},
     "AccepterVpcInfo": {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16"}}
  ],
  "NetworkAcls": [
    {"NetworkAclId": "acl-private", "VpcId": "vpc-a", "IsDefault": false,
     "Associations": [{"SubnetId": "subnet-private"}],
     "Entries": [
       {"RuleNumber": 90, "Egress": false, "Protocol": "6", "PortRange": {"From": 22, "To": 22},
        "CidrBlock": "0.0.0.0/0", "RuleAction": "deny"},
       {"RuleNumber": 100, "Egress": false, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
        "RuleAction": "allow"},
       {"RuleNumber": 100, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
        "RuleAction": "allow"},
       {"RuleNumber": 32767, "Egress": false, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
        "RuleAction": "deny"}]}
  ],
  "SecurityGroups": [
    {"GroupId": "sg-web", "GroupName": "web", "VpcId": "vpc-a",
     "IpPermissions": [
       {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
       {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
     "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
    {"GroupId": "sg-app", "GroupName": "app", "VpcId": "vpc-a",
     "IpPermissions": [
       {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080,
        "UserIdGroupPairs": [{"GroupId": "sg-web"}]},
       {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
     "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
  ],
  "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-web", "SubnetId": "subnet-public", "OwnerId": "111122223333",
     "PrivateIpAddress": "10.0.0.10", "MacAddress": "02:0a:00:00:00:10",
     "Groups": [{"GroupId": "sg-web"}], "Association": {"PublicIp": "198.51.100.10"}},
    {"NetworkInterfaceId": "eni-app", "SubnetId": "subnet-private", "OwnerId": "111122223333",
     "PrivateIpAddress": "10.0.1.10", "MacAddress": "02:0a:00:00:01:10",
     "Groups": [{"GroupId": "sg-app"}]},
    {"NetworkInterfaceId": "eni-b", "SubnetId": "subnet-b", "OwnerId": "111122223333",
     "PrivateIpAddress": "10.1.0.10", "MacAddress": "02:0a:01:00:00:10"}
  ]
})json";

}  // namespace sluice::testing
