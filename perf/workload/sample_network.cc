#include "perf/workload/sample_network.h"

#include <cstdarg>
#include <cstdio>

#include "dataplane/base/check.h"
#include "dataplane/packet/ipv4.h"
#include "perf/workload/key_stream.h"

namespace sluice {
namespace {

constexpr uint32_t kWebEnis = 4;

[[gnu::format(printf, 1, 2)]] std::string Format(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

// A prefix of 172.16/12, where no packet of the workload comes from or goes to.
std::string StrayCidr(WorkloadRandom& random) {
  const uint32_t bits = 16 + static_cast<uint32_t>(random.Below(13));
  const uint32_t network =
      (0xac100000 | static_cast<uint32_t>(random.Below(1u << 20))) & ~uint32_t{0} << (32 - bits);
  return Format("%u.%u.%u.%u/%u", network >> 24, network >> 16 & 255, network >> 8 & 255,
                network & 255, bits);
}

struct StrayPorts {
  uint32_t first;
  uint32_t last;
};
StrayPorts DrawPorts(WorkloadRandom& random) {
  const auto first = static_cast<uint32_t>(1 + random.Below(60000));
  return {first, first + static_cast<uint32_t>(random.Below(4) == 0 ? random.Below(1000) : 0)};
}

std::string NaclEntries(const SampleNetwork& network, WorkloadRandom& random, bool egress) {
  const char* way = egress ? "true" : "false";
  std::string entries;
  for (uint32_t i = 1; i < network.rules; ++i) {
    const StrayPorts ports = DrawPorts(random);
    entries += Format(R"({"RuleNumber": %u, "Egress": %s, "Protocol": "%s", "RuleAction": "deny",)"
                      R"( "CidrBlock": "%s", "PortRange": {"From": %u, "To": %u}},)",
                      i, way, random.Below(2) == 0 ? "6" : "17", StrayCidr(random).c_str(),
                      ports.first, ports.last);
  }
  return entries + Format(R"({"RuleNumber": 32000, "Egress": %s, "Protocol": "-1",)"
                          R"( "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"})",
                          way);
}

std::string Nacl(const SampleNetwork& network, WorkloadRandom& random, const std::string& name,
                 const std::string& ingress = "", const std::string& egress = "") {
  return Format(R"({"NetworkAclId": "acl-%s", "VpcId": "vpc-a", "IsDefault": false,)"
                R"( "Associations": [{"SubnetId": "subnet-%s"}], "Entries": [)",
                name.c_str(), name.c_str()) +
         ingress + NaclEntries(network, random, false) + "," + egress +
         NaclEntries(network, random, true) + "]}";
}

std::string StrayPermissions(const SampleNetwork& network, WorkloadRandom& random) {
  std::string permissions;
  for (uint32_t i = 1; i < network.rules; ++i) {
    const StrayPorts ports = DrawPorts(random);
    permissions += Format(R"({"IpProtocol": "%s", "FromPort": %u, "ToPort": %u,)"
                          R"( "IpRanges": [{"CidrIp": "%s"}]},)",
                          random.Below(2) == 0 ? "tcp" : "udp", ports.first, ports.last,
                          StrayCidr(random).c_str());
  }
  return permissions;
}

std::string EditPermission(uint16_t l4_port) {
  return l4_port == 0 ? std::string()
                      : Format(R"({"IpProtocol": "tcp", "FromPort": %u, "ToPort": %u,)"
                               R"( "IpRanges": [{"CidrIp": "172.31.0.0/16"}]},)",
                               l4_port, l4_port);
}

// A VPC with nothing in it but a group.
std::string OtherVpc(const SampleNetwork& network) {
  return network.other_vpc_l4_port == 0
             ? std::string()
             : R"(, {"VpcId": "vpc-b", "CidrBlock": "10.64.0.0/16", "OwnerId": "111122223333"})";
}

std::string OtherGroup(const SampleNetwork& network) {
  return network.other_vpc_l4_port == 0
             ? std::string()
             : Format(R"(, {"GroupId": "sg-other", "GroupName": "other", "VpcId": "vpc-b",)"
                      R"( "IpPermissions": [{"IpProtocol": "tcp", "FromPort": %u, "ToPort": %u,)"
                      R"( "IpRanges": [{"CidrIp": "172.31.0.0/16"}]}], "IpPermissionsEgress": []})",
                      network.other_vpc_l4_port, network.other_vpc_l4_port);
}

std::string ListPermissions(const SampleNetwork& network) {
  std::string permissions;
  for (uint32_t i = 0; i < network.list_rules; ++i) {
    permissions += Format(R"({"IpProtocol": "tcp", "FromPort": %u, "ToPort": %u,)"
                          R"( "PrefixListIds": [{"PrefixListId": "pl-%u"}]},)",
                          1000 + i, 1000 + i, i / kRulesPerList);
  }
  return permissions;
}

// Lists of /28s in 172.16/12, each behind the last one's.
std::string PrefixLists(const SampleNetwork& network) {
  std::string lists;
  const uint32_t count = (network.list_rules + kRulesPerList - 1) / kRulesPerList;
  for (uint32_t list = 0; list < count; ++list) {
    lists += Format(R"(%s{"PrefixListId": "pl-%u", "PrefixListName": "list %u", "MaxEntries": %u,)"
                    R"( "Entries": [)",
                    list == 0 ? "" : ",", list, list, network.list_prefixes);
    for (uint32_t i = 0; i < network.list_prefixes; ++i) {
      const uint32_t address = 0xac100000 + ((list * network.list_prefixes + i) % 65536) * 16;
      lists += Format(R"(%s{"Cidr": "%u.%u.%u.%u/28"})", i == 0 ? "" : ",", address >> 24,
                      address >> 16 & 255, address >> 8 & 255, address & 255);
    }
    lists += "]}";
  }
  return lists;
}

std::string Routes(const SampleNetwork& network) {
  std::string routes;
  for (uint32_t i = 0; i < network.routes; ++i) {
    const uint32_t address = 0x80000000 + i * 256;
    routes += Format(R"({"DestinationCidrBlock": "%u.%u.%u.0/24", "NatGatewayId": "nat-a"},)",
                     address >> 24, address >> 16 & 255, address >> 8 & 255);
  }
  return routes;
}

// An allow-all rule would hide all others; these hide what others say of their port.
std::string UntrackedPermissions() {
  std::string permissions;
  for (const char* protocol : {"tcp", "udp"}) {
    permissions += Format(R"(%s{"IpProtocol": "%s", "FromPort": %u, "ToPort": %u,)"
                          R"( "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})",
                          permissions.empty() ? "" : ",", protocol, kUntrackedPort, kUntrackedPort);
  }
  return permissions + "]";
}

std::string Groups(const SampleNetwork& network, WorkloadRandom& random) {
  const std::string everything = R"({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])";
  const std::string from_app = R"("UserIdGroupPairs": [{"GroupId": "sg-app"}]})";
  return R"({"GroupId": "sg-app", "GroupName": "app", "VpcId": "vpc-a", "IpPermissions": [)" +
         (network.untracked ? everything : "]") + R"(, "IpPermissionsEgress": [)" +
         network.app_egress_permissions + EditPermission(network.app_edit_l4_port) +
         ListPermissions(network) + StrayPermissions(network, random) +
         (network.untracked ? UntrackedPermissions() : everything) +
         R"(}, {"GroupId": "sg-web", "GroupName": "web", "VpcId": "vpc-a", "IpPermissions": [)" +
         StrayPermissions(network, random) +
         R"({"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, )" + from_app +
         R"(, {"IpProtocol": "udp", "FromPort": 8080, "ToPort": 8080, )" + from_app +
         R"(], "IpPermissionsEgress": [)" + everything + "}";
}

// What its names end in; subnet 0 is subnet-app.
std::string AppSubnet(uint32_t number) {
  return number == 0 ? "app" : Format("app-%u", number);
}

// The first address of the others.
uint32_t MoreSubnet(uint32_t number) {
  return 0x0a002000 + (number - 1) * 256;
}

struct Eni {
  std::string id;
  std::string json;
};

// `more`: members, each with a comma before it.
Eni MakeEni(const char* role, uint32_t number, const std::string& subnet, uint32_t address,
            const std::string& more = "") {
  Eni eni;
  eni.id = Format("eni-%s-%u", role, number);
  eni.json =
      Format(R"({"NetworkInterfaceId": "%s", "SubnetId": "subnet-%s", "OwnerId": "111122223333",)"
             R"( "PrivateIpAddress": "%u.%u.%u.%u", "MacAddress": "02:%02x:%02x:%02x:%02x:%02x",)"
             R"( "Groups": [{"GroupId": "sg-%s"}]%s})",
             eni.id.c_str(), subnet.c_str(), address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255, address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255,
             1, role, more.c_str());
  return eni;
}

std::string PublicAddress(uint32_t sender) {
  SLUICE_CHECK(sender < 250);
  return Format(R"(, "Association": {"PublicIp": "203.0.113.%u"})", 1 + sender);
}

// Interfaces and attachments, each behind its key.
std::string Interfaces(const SampleNetwork& network, std::string& attachments) {
  const auto subnets = static_cast<uint32_t>(network.more_app_acls.size()) + 1;
  std::string interfaces;
  const auto add = [&](const Eni& eni) {
    const char* comma = interfaces.empty() ? "" : ",";
    interfaces += comma + eni.json;
    attachments +=
        Format(R"(%s{"NetworkInterfaceId": "%s", "Port": "inside"})", comma, eni.id.c_str());
  };
  for (uint32_t i = 0; i < network.senders; ++i) {
    const uint32_t subnet = i % subnets;
    const uint32_t host = 4 + i / subnets;
    SLUICE_CHECK(subnet == 0 || host < 255);
    add(MakeEni("app", i, AppSubnet(subnet), (subnet == 0 ? 0x0a001000 : MoreSubnet(subnet)) + host,
                network.untracked ? PublicAddress(i) : ""));
  }
  for (uint32_t i = 0; i < kWebEnis; ++i) {
    add(MakeEni("web", i, "web", 0x0a000104 + i));
  }
  return interfaces;
}

std::string MoreSubnets(const SampleNetwork& network) {
  std::string subnets;
  for (uint32_t i = 1; i <= network.more_app_acls.size(); ++i) {
    subnets += Format(R"({"SubnetId": "subnet-%s", "VpcId": "vpc-a", "CidrBlock": "%s/24",)"
                      R"( "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"},)",
                      AppSubnet(i).c_str(), ToString(Ipv4Address(MoreSubnet(i))).c_str());
  }
  return subnets;
}

// From the first subnet on, behind MoreSubnets.
constexpr const char* kFixedParts = R"json(
    {"SubnetId": "subnet-nat", "VpcId": "vpc-a", "CidrBlock": "10.0.0.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"},
    {"SubnetId": "subnet-web", "VpcId": "vpc-a", "CidrBlock": "10.0.1.0/24",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"},
    {"SubnetId": "subnet-app", "VpcId": "vpc-a", "CidrBlock": "10.0.16.0/20",
     "AvailabilityZone": "eu-west-1a", "AvailabilityZoneId": "euw1-az1"}],
  "InternetGateways": [
    {"InternetGatewayId": "igw-a", "Attachments": [{"VpcId": "vpc-a", "State": "available"}]}],
  "NatGateways": [
    {"NatGatewayId": "nat-a", "VpcId": "vpc-a", "SubnetId": "subnet-nat", "State": "available",
     "ConnectivityType": "public",
     "NatGatewayAddresses": [{"PrivateIp": "10.0.0.200", "PublicIp": "198.51.100.200",
                              "AllocationId": "eipalloc-nat"}]}],
  "RouteTables": [
    {"RouteTableId": "rtb-nat", "VpcId": "vpc-a",
     "Associations": [{"Main": false, "SubnetId": "subnet-nat"}],
     "Routes": [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"}]},
)json";

}  // namespace

std::string SampleNetworkJson(const SampleNetwork& network) {
  SLUICE_CHECK(network.more_app_acls.size() < kMostAppSubnets);
  WorkloadRandom random(network.seed);
  std::string attachments;
  const std::string interfaces = Interfaces(network, attachments);
  std::string json = R"({"Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16",)"
                     R"( "OwnerId": "111122223333"})" +
                     OtherVpc(network) + R"(], "Subnets": [)" + MoreSubnets(network) + kFixedParts;
  json +=
      R"({"RouteTableId": "rtb-app", "VpcId": "vpc-a", "Associations": [{"Main": true}], "Routes": [)";
  json += Routes(network) +
          R"({"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"},)"
          R"( {"DestinationCidrBlock": "0.0.0.0/0", )" +
          (network.untracked ? R"("GatewayId": "igw-a"}]}],)" : R"("NatGatewayId": "nat-a"}]}],)");
  if (network.list_rules != 0 || !network.prefix_lists.empty()) {
    const char* comma = network.list_rules != 0 && !network.prefix_lists.empty() ? "," : "";
    json +=
        R"("ManagedPrefixLists": [)" + network.prefix_lists + comma + PrefixLists(network) + "],";
  }
  json += R"("NetworkAcls": [)";
  json += Nacl(network, random, "app", network.app_ingress_entries, network.app_egress_entries) +
          "," + Nacl(network, random, "web") + "," + Nacl(network, random, "nat");
  for (uint32_t i = 0; i < network.more_app_acls.size(); ++i) {
    const AclEntries& entries = network.more_app_acls[i];
    json += "," + Nacl(network, random, AppSubnet(i + 1), entries.ingress, entries.egress);
  }
  json += R"(], "SecurityGroups": [)" + Groups(network, random) + OtherGroup(network);
  json += R"(], "NetworkInterfaces": [)" + interfaces;
  json += R"(], "Host": {"Ports": [{"Name": "inside", "Device": "net_null0", "Mtu": 1500},)"
          R"( {"Name": "outside", "Device": "net_null1", "Mtu": 1500}], "Attachments": [)" +
          attachments;
  json += Format(R"(], "Uplink": {"Port": "outside", "Address": "198.51.100.2/24",)"
                 R"( "NextHop": "198.51.100.1"}, "MaxSessions": %llu}})",
                 static_cast<unsigned long long>(network.max_sessions));
  return json;
}

}  // namespace sluice
