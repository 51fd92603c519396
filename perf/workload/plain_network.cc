#include "perf/workload/plain_network.h"

namespace sluice {
namespace {

constexpr uint32_t kAppliances = 4;

constexpr const char* kParts = R"json({
  "Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16", "OwnerId": "111122223333"}],
  "Subnets": [
    {"SubnetId": "subnet-in", "VpcId": "vpc-a", "CidrBlock": "10.0.16.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"},
    {"SubnetId": "subnet-out", "VpcId": "vpc-a", "CidrBlock": "10.0.1.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"}],
  "NetworkAcls": [{"NetworkAclId": "acl-open", "VpcId": "vpc-a", "IsDefault": true,
    "Associations": [{"SubnetId": "subnet-in"}, {"SubnetId": "subnet-out"}], "Entries": [
      {"RuleNumber": 100, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
       "RuleAction": "allow"},
      {"RuleNumber": 100, "Egress": false, "Protocol": "-1", "CidrBlock": "0.0.0.0/0",
       "RuleAction": "allow"}]}],
  "SecurityGroups": [{"GroupId": "sg-open", "GroupName": "open", "VpcId": "vpc-a",
    "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}],
)json";

std::string Eni(const std::string& id, const std::string& subnet, const std::string& address,
                uint32_t number) {
  return R"({"NetworkInterfaceId": ")" + id + R"(", "SubnetId": ")" + subnet +
         R"(", "OwnerId": "111122223333", "SourceDestCheck": false, "PrivateIpAddress": ")" +
         address + R"(", "MacAddress": "02:00:00:00:00:)" + std::to_string(10 + number) +
         R"(", "Groups": [{"GroupId": "sg-open"}]})";
}

std::string Attachment(const std::string& id, const std::string& port) {
  return R"({"NetworkInterfaceId": ")" + id + R"(", "Port": ")" + port + R"("})";
}

}  // namespace

std::string PlainNetworkJson() {
  std::string interfaces = Eni("eni-in", "subnet-in", "10.0.16.10", 0);
  std::string attachments = Attachment("eni-in", "inside");
  for (uint32_t i = 1; i <= kAppliances; ++i) {
    const std::string id = "eni-out-" + std::to_string(i);
    interfaces += "," + Eni(id, "subnet-out", "10.0.1." + std::to_string(10 + i), i);
    attachments += "," + Attachment(id, "outside");
  }
  std::string routes = R"({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"})";
  for (uint32_t network = kFirstPlainNetwork; network <= kLastPlainNetwork; ++network) {
    routes += R"(,{"DestinationCidrBlock": ")" + std::to_string(network) +
              R"(.0.0.0/8", "NetworkInterfaceId": "eni-out-)" +
              std::to_string(1 + network % kAppliances) + R"("})";
  }
  return kParts +
         (R"("RouteTables": [{"RouteTableId": "rtb-a", "VpcId": "vpc-a",)"
          R"( "Associations": [{"Main": true}], "Routes": [)" +
          routes + R"(]}], "NetworkInterfaces": [)" + interfaces +
          R"(], "Host": {"Ports": [{"Name": "inside", "Device": "net_null0", "Mtu": 1500},)"
          R"( {"Name": "outside", "Device": "net_null1", "Mtu": 1500}],)"
          R"( "Attachments": [)" +
          attachments + R"(], "MaxSessions": 65536}})");
}

}  // namespace sluice
