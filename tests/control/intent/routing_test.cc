// AWS-RT-*, AWS-IGW-01, AWS-NAT-01, AWS-EP-01, AWS-EP-05, AWS-PEER-01.
#include <gtest/gtest.h>

#include "tests/control/intent/intent_builder.h"

namespace sluice {
namespace {

using testing::Count;
using testing::Found;
using testing::LoadWithBase;

std::string Table(const std::string& routes, const std::string& associations = "") {
  return R"({"RouteTables": [{"RouteTableId": "rtb-x", "VpcId": "vpc-a", "Associations": [)" +
         associations + R"(], "Routes": [)" + routes + "]}]}";
}
std::string RouteTo(const std::string& destination, const std::string& target) {
  return R"({"DestinationCidrBlock": ")" + destination + "\", " + target + "}";
}

const Route* FindRoute(const ValidationResult& result, const std::string& destination) {
  for (const Route& route : result.intent->FindRouteTable("rtb-x")->routes) {
    if (route.destination && ToString(*route.destination) == destination) {
      return &route;
    }
  }
  return nullptr;
}

TEST(RoutingTest, AWS_RT_01_ASubnetHasOneTable) {
  const std::string twice = R"({"RouteTables": [
    {"RouteTableId": "rtb-1", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-a"}]},
    {"RouteTableId": "rtb-2", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-a"}]}]})";
  EXPECT_REFUSED(LoadWithBase(twice), "associated with rtb-1", "", "Resource.AlreadyAssociated");
  const ValidationResult result = LoadWithBase("");
  EXPECT_EQ(result.intent->FindSubnet("subnet-a")->route_table_id, "rtb-main-vpc-a");
}

TEST(RoutingTest, AWS_RT_02_AGatewayTableIsNotMain) {
  EXPECT_REFUSED(LoadWithBase(Table("", R"({"Main": true}, {"GatewayId": "igw-a"})")),
                 "cannot be the main", "", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(R"({"RouteTables": [
    {"RouteTableId": "rtb-1", "VpcId": "vpc-a", "Associations": [{"Main": true}]},
    {"RouteTableId": "rtb-2", "VpcId": "vpc-a", "Associations": [{"Main": true}]}]})"),
                 "main route table already", "", "");
}

TEST(RoutingTest, AWS_RT_03_ALocalRoutesTargetMayBeReplaced) {
  const ValidationResult result =
      LoadWithBase(Table(RouteTo("10.0.0.0/16", R"("NetworkInterfaceId": "eni-a")")));
  EXPECT_LOADS(result);
  EXPECT_EQ(result.intent->FindRouteTable("rtb-x")->routes.size(), 1u);
  EXPECT_EQ(FindRoute(result, "10.0.0.0/16")->target.id, "eni-a");
}

TEST(RoutingTest, AWS_RT_05_MoreSpecificThanLocal) {
  EXPECT_LOADS(LoadWithBase(Table(RouteTo("10.0.2.0/24", R"("NetworkInterfaceId": "eni-a")"))));
  EXPECT_REFUSED(LoadWithBase(Table(RouteTo("10.0.2.0/25", R"("NetworkInterfaceId": "eni-a")"))),
                 "not the whole CIDR of a subnet", ".Routes[0]", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(Table(RouteTo("10.0.2.0/24", R"("GatewayId": "igw-a")"))),
                 "only a NAT gateway", ".Routes[0]", "InvalidParameterValue");
}

TEST(RoutingTest, AWS_RT_06_LinkLocalServicesAreNotRouted) {
  for (const char* inside : {"169.254.168.0/22", "169.254.169.254/32"}) {
    EXPECT_REFUSED(LoadWithBase(Table(RouteTo(inside, R"("NetworkInterfaceId": "eni-a")"))),
                   "169.254.168.0/22", ".Routes[0]", "InvalidParameterValue");
  }
  EXPECT_LOADS(LoadWithBase(Table(RouteTo("169.254.0.0/16", R"("NetworkInterfaceId": "eni-a")"))));
}

TEST(RoutingTest, AWS_RT_07_StaticBeatsPropagated) {
  const ValidationResult result = LoadWithBase(Table(
      RouteTo("172.16.0.0/12", R"("GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation")") +
      "," + RouteTo("172.16.0.0/12", R"("GatewayId": "igw-a", "Origin": "CreateRoute")")));
  EXPECT_LOADS(result);
  EXPECT_EQ(FindRoute(result, "172.16.0.0/12")->target.id, "igw-a");
  EXPECT_REFUSED(LoadWithBase(Table(RouteTo("0.0.0.0/0", R"("GatewayId": "igw-a")") + "," +
                                    RouteTo("0.0.0.0/0", R"("NetworkInterfaceId": "eni-a")"))),
                 "another route", ".Routes[1]", "RouteAlreadyExists");
}

TEST(RoutingTest, AWS_RT_09_AbsentTargetsAreBlackholes) {
  const ValidationResult result =
      LoadWithBase(Table(RouteTo("1.0.0.0/8", R"("NatGatewayId": "nat-gone")") + "," +
                         RouteTo("2.0.0.0/8", R"("GatewayId": "vgw-1")") + "," +
                         RouteTo("3.0.0.0/8", R"("TransitGatewayId": "tgw-1")") + "," +
                         RouteTo("4.0.0.0/8", R"("VpcPeeringConnectionId": "pcx-gone")") + "," +
                         RouteTo("5.0.0.0/8", R"("NetworkInterfaceId": "eni-gone")") + "," +
                         RouteTo("6.0.0.0/8", R"("GatewayId": "igw-gone")")));
  EXPECT_LOADS(result);
  for (const char* d :
       {"1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8", "4.0.0.0/8", "5.0.0.0/8", "6.0.0.0/8"}) {
    EXPECT_TRUE(FindRoute(result, d)->blackhole) << d;
  }
  EXPECT_EQ(Count(result, true, "vgw-", ".Routes[1]"), 1) << Found(result);
  EXPECT_EQ(Count(result, true, "tgw-", ".Routes[2]"), 1) << Found(result);
}

TEST(RoutingTest, AWS_RT_11_GatewayTables) {
  const std::string edge = R"({"GatewayId": "igw-a"})";
  EXPECT_LOADS(
      LoadWithBase(Table(RouteTo("10.0.2.0/24", R"("NetworkInterfaceId": "eni-a")"), edge)));
  EXPECT_REFUSED(
      LoadWithBase(Table(RouteTo("8.8.8.0/24", R"("NetworkInterfaceId": "eni-a")"), edge)),
      "leads only to", ".Routes[0]", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(Table(RouteTo("10.0.2.0/24", R"("GatewayId": "igw-a")"), edge)),
                 "targets are local", ".Routes[0]", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(Table("", R"({"GatewayId": "igw-none"})")), "no internet gateway", "",
                 "InvalidGatewayID.NotFound");
}

TEST(RoutingTest, AWS_RT_13_QuotasWarnOrRefuse) {
  std::string routes;
  for (int i = 0; i < 51; ++i) {
    routes += (i == 0 ? "" : ",") +
              RouteTo("20." + std::to_string(i) + ".0.0/16", R"("GatewayId": "igw-a")");
  }
  const ValidationResult warned = LoadWithBase(Table(routes));
  EXPECT_LOADS(warned);
  EXPECT_EQ(Count(warned, true, "50 routes", ".Routes", "RouteLimitExceeded"), 1);
  EXPECT_REFUSED(LoadWithBase(Table(routes), true), "50 routes", "", "RouteLimitExceeded");
}

TEST(RoutingTest, RoutesHaveOneDestinationAndOneTarget) {
  EXPECT_REFUSED(LoadWithBase(Table(R"({"GatewayId": "igw-a"})")), "no destination", "", "");
  EXPECT_REFUSED(LoadWithBase(Table(RouteTo("", R"("GatewayId": "igw-a")"))), "no destination", "",
                 "");
  const ValidationResult both = LoadWithBase(
      Table(RouteTo("0.0.0.0/0", R"("DestinationIpv6CidrBlock": "", "GatewayId": "igw-a")")));
  EXPECT_LOADS(both);
  EXPECT_NE(FindRoute(both, "0.0.0.0/0"), nullptr);
  EXPECT_REFUSED(LoadWithBase(Table(R"({"DestinationCidrBlock": "0.0.0.0/0"})")), "no target", "",
                 "");
  EXPECT_REFUSED(
      LoadWithBase(Table(RouteTo("0.0.0.0/0", R"("GatewayId": "igw-a", "NatGatewayId": "nat-a")"))),
      "more than one target", "", "InvalidParameterCombination");
  EXPECT_LOADS(LoadWithBase(
      Table(RouteTo("0.0.0.0/0", R"("InstanceId": "i-1", "NetworkInterfaceId": "eni-a")"))));
}

TEST(RoutingTest, AWS_IGW_01_OneGatewayAVpc) {
  EXPECT_REFUSED(LoadWithBase(R"({"InternetGateways": [
    {"InternetGatewayId": "igw-b", "Attachments": [{"VpcId": "vpc-a", "State": "available"}]}]})"),
                 "already", "", "Resource.AlreadyAssociated");
}

std::string Nat(const std::string& members) {
  return R"({"NatGateways": [{"NatGatewayId": "nat-x", "SubnetId": "subnet-a", )" + members + "}]}";
}

TEST(RoutingTest, AWS_NAT_01_AddressesOfANatGateway) {
  EXPECT_REFUSED(LoadWithBase(Nat(R"("NatGatewayAddresses": [{"PrivateIp": "10.0.1.99"}])")),
                 "needs an Elastic IP", ".NatGatewayAddresses", "MissingParameter");
  EXPECT_LOADS(LoadWithBase(Nat(
      R"("ConnectivityType": "private", "NatGatewayAddresses": [{"PrivateIp": "10.0.1.99"}])")));
  EXPECT_REFUSED(LoadWithBase(Nat(R"("ConnectivityType": "private",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.1.99", "PublicIp": "198.51.100.1"}])")),
                 "no public address", "", "");
  EXPECT_EQ(Count(LoadWithBase(Nat(R"("ConnectivityType": "private",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.2.99"}])")),
                  true, "outside"),
            1);
  EXPECT_REFUSED(LoadWithBase(Nat(R"("ConnectivityType": "private",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.1.10"}])")),
                 "belongs to eni-a", "", "InvalidIPAddress.InUse");
  const ValidationResult by_allocation = LoadWithBase(
      Nat(R"("NatGatewayAddresses": [{"AllocationId": "eipalloc-1"}])") +
      R"({"Addresses": [{"PublicIp": "198.51.100.1", "AllocationId": "eipalloc-1"}]})");
  EXPECT_LOADS(by_allocation);
  const NatGateway* gateway = by_allocation.intent->FindNatGateway("nat-x");
  EXPECT_EQ(ToString(*gateway->addresses[0].public_ip), "198.51.100.1");
  EXPECT_EQ(ToString(gateway->addresses[0].private_ip), "10.0.1.4");
  std::string nine;
  for (int i = 0; i < 9; ++i) {
    nine +=
        std::string(i == 0 ? "" : ",") + R"({"PrivateIp": "10.0.1.5)" + std::to_string(i) + "\"}";
  }
  EXPECT_REFUSED(
      LoadWithBase(Nat(R"("ConnectivityType": "private", "NatGatewayAddresses": [)" + nine + "]")),
      "at most 8", "", "");
}

TEST(RoutingTest, AWS_NAT_14_DeletedGatewaysAreIgnoredWithOneWarning) {
  const ValidationResult result = LoadWithBase(
      Nat(R"("State": "deleted", "NatGatewayAddresses": 7)") +
      R"({"NatGateways": [{"NatGatewayId": "nat-y", "SubnetId": "gone", "State": "failed"}]})" +
      Table(RouteTo("0.0.0.0/0", R"("NatGatewayId": "nat-x")")));
  EXPECT_LOADS(result);
  EXPECT_EQ(Count(result, true, "final state"), 1) << Found(result);
  EXPECT_TRUE(FindRoute(result, "0.0.0.0/0")->blackhole);
}

TEST(RoutingTest, AWS_NAT_01_ARegionalGatewayIsNotCarried) {
  const ValidationResult result = LoadWithBase(
      R"({"NatGateways": [{"NatGatewayId": "nat-x", "VpcId": "vpc-a", "State": "available",
          "AvailabilityMode": "regional", "NatGatewayAddresses": [
          {"PublicIp": "203.0.113.9", "NetworkInterfaceId": "eni-a"}]}]})" +
      Table(RouteTo("0.0.0.0/0", R"("NatGatewayId": "nat-x")")));
  EXPECT_LOADS(result);
  EXPECT_EQ(Count(result, true, "regional NAT gateways are not carried", "NatGateways[0]"), 1)
      << Found(result);
  EXPECT_TRUE(FindRoute(result, "0.0.0.0/0")->blackhole);
}

TEST(RoutingTest, AWS_ADDR_06_TheLocalRouteOfAFormerCidrGoesWithIt) {
  const std::string vpc = R"({"Vpcs": [{"VpcId": "vpc-f", "CidrBlock": "10.7.0.0/16",
    "CidrBlockAssociationSet": [
      {"CidrBlock": "10.7.0.0/16", "CidrBlockState": {"State": "associated"}},
      {"CidrBlock": "10.8.0.0/16", "CidrBlockState": {"State": "disassociated"}}]}],
    "RouteTables": [{"RouteTableId": "rtb-x", "VpcId": "vpc-f", "Routes": [)";
  const auto local = [](const std::string& cidr) {
    return RouteTo(cidr, R"("GatewayId": "local")");
  };
  const ValidationResult result =
      LoadWithBase(vpc + local("10.7.0.0/16") + "," + local("10.8.0.0/16") + "]}]}");
  EXPECT_LOADS(result);
  EXPECT_NE(FindRoute(result, "10.7.0.0/16"), nullptr);
  EXPECT_EQ(FindRoute(result, "10.8.0.0/16"), nullptr);
  EXPECT_EQ(Count(result, true, "not associated with the VPC any more", "Routes[1]"), 1)
      << Found(result);
  EXPECT_REFUSED(LoadWithBase(vpc + local("10.9.0.0/16") + "]}]}"), "10.9.0.0/16 is none",
                 "Routes[0]", "InvalidParameterValue");
}

constexpr char kEndpoint[] = R"({"PrefixLists": [{"PrefixListId": "pl-s3",
    "PrefixListName": "com.amazonaws.eu-west-1.s3", "Cidrs": ["52.218.0.0/17"]}],
  "VpcEndpoints": [{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway", "VpcId": "vpc-a",
    "ServiceName": "com.amazonaws.eu-west-1.s3", "State": "available", "RouteTableIds": )";

TEST(RoutingTest, AWS_EP_01_TheEndpointsRouteComesFromEitherPlace) {
  const std::string from_table = R"({"DestinationPrefixListId": "pl-s3", "GatewayId": "vpce-s3"})";
  for (const std::string& text : {kEndpoint + std::string(R"(["rtb-x"]}]})") + Table(""),
                                  kEndpoint + std::string("[]}]}") + Table(from_table),
                                  kEndpoint + std::string(R"(["rtb-x"]}]})") + Table(from_table)}) {
    const ValidationResult result = LoadWithBase(text);
    EXPECT_LOADS(result);
    int routes = 0;
    for (const Route& route : result.intent->FindRouteTable("rtb-x")->routes) {
      routes += route.prefix_list_id == "pl-s3" && route.target.id == "vpce-s3" &&
                route.target.kind == RouteTargetKind::kGatewayEndpoint && !route.blackhole;
    }
    EXPECT_EQ(routes, 1) << text;
    EXPECT_EQ(result.intent->FindVpcEndpoint("vpce-s3")->route_table_ids,
              std::vector<std::string>{"rtb-x"});
    EXPECT_EQ(result.intent->FindVpcEndpoint("vpce-s3")->prefix_list_id, "pl-s3");
  }
  EXPECT_REFUSED(LoadWithBase(kEndpoint + std::string(R"(["rtb-none"]}]})")), "no route table", "",
                 "InvalidRouteTableID.NotFound");
}

TEST(RoutingTest, AWS_EP_05_AnInterfaceEndpointHasAnInterfaceASubnet) {
  const ValidationResult result = LoadWithBase(R"({"VpcEndpoints": [
    {"VpcEndpointId": "vpce-i", "VpcEndpointType": "Interface", "VpcId": "vpc-a",
     "SubnetIds": ["subnet-a", "subnet-b"], "Groups": [{"GroupId": "sg-a"}],
     "NetworkInterfaceIds": ["eni-1"]}]})");
  EXPECT_LOADS(result);
  const NetworkInterface* eni = result.intent->FindNetworkInterface("eni-1");
  ASSERT_NE(eni, nullptr);
  EXPECT_EQ(eni->kind, InterfaceKind::kInterfaceEndpoint);
  EXPECT_EQ(eni->group_ids, std::vector<std::string>{"sg-a"});
  EXPECT_NE(result.intent->FindNetworkInterface("eni-vpce-i-subnet-b"), nullptr);
  EXPECT_EQ(result.intent->FindVpcEndpoint("vpce-i")->network_interface_ids.size(), 2u);
}

std::string Peering(const std::string& cidr, const std::string& status = "active") {
  return R"({"Vpcs": [{"VpcId": "vpc-p", "CidrBlock": ")" + cidr + R"("}],
    "VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": ")" +
         status +
         R"("}, "RequesterVpcInfo": {"VpcId": "vpc-a"}, "AccepterVpcInfo": {"VpcId": "vpc-p"}}]})";
}

TEST(RoutingTest, AWS_PEER_01_PeersDoNotOverlap) {
  EXPECT_LOADS(LoadWithBase(Peering("10.9.0.0/16")));
  EXPECT_REFUSED(LoadWithBase(Peering("10.0.0.0/20")), "overlaps", "", "");
  const ValidationResult failed = LoadWithBase(Peering("10.0.0.0/20", "failed"));
  EXPECT_LOADS(failed);
  EXPECT_EQ(failed.intent->FindVpcPeering("pcx-1"), nullptr);
  EXPECT_EQ(Count(failed, true, "final state"), 1);
}

TEST(RoutingTest, TwoViewsOfAPeeringUnite) {
  const ValidationResult result =
      LoadWithBase(Peering("10.9.0.0/16") +
                   R"({"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1",
       "RequesterVpcInfo": {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"}}]})");
  EXPECT_LOADS(result);
  EXPECT_EQ(result.intent->FindVpcPeering("pcx-1")->requester_cidrs.size(), 1u);
  EXPECT_EQ(result.intent->FindVpcPeering("pcx-1")->accepter_vpc_id, "vpc-p");
}

std::string EndpointWithPolicy(const std::string& policy) {
  std::string quoted;
  for (const char c : policy) {
    quoted += c == '"' ? std::string("\\\"") : std::string(1, c);
  }
  return R"({"VpcEndpoints": [{"VpcEndpointId": "vpce-p", "VpcEndpointType": "Gateway",
    "VpcId": "vpc-a", "ServiceName": "com.amazonaws.eu-west-1.s3", "State": "available",
    "PolicyDocument": ")" +
         quoted + "\"}]}";
}

TEST(RoutingTest, AWS_EP_03_APolicysLengthIsAQuotaAndItsWordsAreNotForPackets) {
  const std::string open =
      R"({"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})";
  EXPECT_LOADS(LoadWithBase(EndpointWithPolicy(open), true));
  EXPECT_EQ(Count(LoadWithBase(EndpointWithPolicy(open)), true, "policies", "", ""), 0);
  const std::string narrow =
      R"({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]})";
  EXPECT_EQ(
      Count(LoadWithBase(EndpointWithPolicy(narrow)), true, "not enforced", ".PolicyDocument", ""),
      1);
  const auto of_length = [&](size_t characters) {
    return EndpointWithPolicy(open + std::string(characters - open.size(), ' '));
  };
  EXPECT_LOADS(LoadWithBase(of_length(20480), true));
  const ValidationResult warned = LoadWithBase(of_length(20481));
  EXPECT_LOADS(warned);
  EXPECT_EQ(Count(warned, true, "20480", ".PolicyDocument", "InvalidPolicyDocument"), 1);
  EXPECT_REFUSED(LoadWithBase(of_length(20481), true), "20480", ".PolicyDocument",
                 "InvalidPolicyDocument");
}

}  // namespace
}  // namespace sluice
