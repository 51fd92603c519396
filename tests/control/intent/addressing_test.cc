// AWS-ADDR-01..14: CIDRs of VPCs and subnets, addresses of interfaces.
#include <gtest/gtest.h>

#include "tests/control/intent/intent_builder.h"

namespace sluice {
namespace {

using testing::Count;
using testing::Found;
using testing::Load;
using testing::LoadWithBase;

std::string Vpc(const std::string& cidr, const std::string& more = "") {
  std::string set;
  if (!more.empty()) {
    set = R"(, "CidrBlockAssociationSet": [{"CidrBlock": ")" + more + R"("}])";
  }
  return R"({"Vpcs": [{"VpcId": "vpc-x", "CidrBlock": ")" + cidr + "\"" + set + "}]}";
}

std::string Eni(const std::string& members) {
  return R"({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-x", "SubnetId": "subnet-a", )" +
         members + "}]}";
}

TEST(AddressingTest, AWS_ADDR_01_VpcLengthIs16To28) {
  EXPECT_LOADS(Load(Vpc("10.0.0.0/16")));
  EXPECT_LOADS(Load(Vpc("10.0.0.0/28")));
  EXPECT_REFUSED(Load(Vpc("10.0.0.0/15")), "/16", ".Vpcs[0].CidrBlock", "InvalidVpc.Range");
  EXPECT_REFUSED(Load(Vpc("10.0.0.0/29")), "/28", ".Vpcs[0].CidrBlock", "InvalidVpc.Range");
}

TEST(AddressingTest, AWS_ADDR_02_HostBitsAreCleared) {
  const ValidationResult result = Load(Vpc("100.68.0.18/18"));
  EXPECT_LOADS(result);
  EXPECT_EQ(ToString(result.intent->FindVpc("vpc-x")->cidrs[0]), "100.68.0.0/18");
}

TEST(AddressingTest, AWS_ADDR_03_SecondaryMayNotOverlap) {
  EXPECT_LOADS(Load(Vpc("10.0.0.0/16", "10.1.0.0/16")));
  EXPECT_REFUSED(Load(Vpc("10.0.0.0/16", "10.0.128.0/20")), "overlaps",
                 ".CidrBlockAssociationSet[0].CidrBlock", "InvalidVpc.Range");
}

TEST(AddressingTest, AWS_ADDR_04_NoRouteInsideAVpcCidr) {
  const std::string text = R"({
    "Vpcs": [{"VpcId": "vpc-x", "CidrBlock": "10.1.0.0/16",
              "CidrBlockAssociationSet": [{"CidrBlock": "10.2.0.0/16"}]}],
    "RouteTables": [{"RouteTableId": "rtb-x", "VpcId": "vpc-x", "Routes": [
      {"DestinationCidrBlock": "10.2.0.0/16", "TransitGatewayId": "tgw-1"}]}]})";
  EXPECT_REFUSED(Load(text), "equal to or more specific", ".Routes[0]", "InvalidParameterValue");
}

TEST(AddressingTest, AWS_ADDR_05_RangesThatDoNotMix) {
  EXPECT_REFUSED(Load(Vpc("169.254.0.0/16")), "link-local", "", "InvalidVpc.Range");
  EXPECT_REFUSED(Load(Vpc("127.0.0.0/16")), "loopback", "", "InvalidVpc.Range");
  EXPECT_REFUSED(Load(Vpc("10.0.0.0/16", "192.168.0.0/16")), "do not mix", "", "InvalidVpc.Range");
  EXPECT_REFUSED(Load(Vpc("172.16.0.0/16", "198.19.0.0/16")), "do not mix", "", "");
  EXPECT_LOADS(Load(Vpc("10.0.0.0/16", "100.64.0.0/16")));
  EXPECT_LOADS(Load(Vpc("192.168.0.0/16", "203.0.113.0/24")));
}

TEST(AddressingTest, AWS_ADDR_06_EveryCidrIsLocalInEveryTable) {
  const ValidationResult result = Load(Vpc("10.0.0.0/16", "10.1.0.0/16"));
  EXPECT_LOADS(result);
  EXPECT_EQ(result.intent->FindRouteTable("rtb-main-vpc-x")->routes.size(), 2u);
}

TEST(AddressingTest, AWS_ADDR_07_SubnetsLieInTheVpcAndApart) {
  const auto subnet = [](const std::string& cidr) {
    return LoadWithBase(
        R"({"Subnets": [{"SubnetId": "subnet-x", "VpcId": "vpc-a", "CidrBlock": ")" + cidr +
        "\"}]}");
  };
  EXPECT_LOADS(subnet("10.0.3.0/28"));
  EXPECT_REFUSED(subnet("10.0.3.0/29"), "/28", ".Subnets[0].CidrBlock", "InvalidSubnet.Range");
  EXPECT_REFUSED(subnet("10.1.0.0/24"), "no CIDR", "", "InvalidSubnet.Range");
  EXPECT_REFUSED(subnet("10.0.1.128/25"), "overlaps", "", "InvalidSubnet.Conflict");
  EXPECT_EQ(Count(subnet("10.0.0.0/16"), false, "overlaps", "", "InvalidSubnet.Conflict"), 2);
}

TEST(AddressingTest, AWS_ADDR_08_FiveAddressesAreReserved) {
  for (const char* last : {"0", "1", "2", "3", "255"}) {
    EXPECT_REFUSED(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.)" + std::string(last) + "\"")),
                   "reserved", ".PrivateIpAddress", "InvalidParameterValue");
  }
  EXPECT_LOADS(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.4")")));
  EXPECT_LOADS(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.254")")));
  EXPECT_REFUSED(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.2.4")")), "outside", "", "");
}

TEST(AddressingTest, AWS_ADDR_11_ASubnetHasOneZone) {
  const std::string zone = R"({"Subnets": [{"SubnetId": "subnet-z", "VpcId": "vpc-a",
      "CidrBlock": "10.0.9.0/24", "AvailabilityZone": "eu-west-1a"}],
    "NetworkInterfaces": [{"NetworkInterfaceId": "eni-z", "SubnetId": "subnet-z",
      "PrivateIpAddress": "10.0.9.9", "AvailabilityZone": "eu-west-1b"}]})";
  EXPECT_REFUSED(LoadWithBase(zone), "eu-west-1a", ".AvailabilityZone", "InvalidParameterValue");
}

TEST(AddressingTest, AWS_ADDR_12_AddressesOfAnInterface) {
  EXPECT_REFUSED(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.10")")), "belongs to eni-a", "",
                 "InvalidIPAddress.InUse");
  const ValidationResult result = LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.20",
    "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.21"},
                           {"PrivateIpAddress": "10.0.1.20", "Primary": true}],
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.32/28"}])"));
  EXPECT_LOADS(result);
  const NetworkInterface* eni = result.intent->FindNetworkInterface("eni-x");
  ASSERT_EQ(eni->addresses.size(), 2u);
  EXPECT_EQ(ToString(eni->addresses[0].address), "10.0.1.20");
  EXPECT_REFUSED(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.20",
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.33/28"}])")),
                 "whole /28", "", "");
  EXPECT_REFUSED(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.20",
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.16/28"}])")),
                 "belongs to", "", "InvalidIPAddress.InUse");
  EXPECT_REFUSED(LoadWithBase(Eni(R"("Description": "no address")")), "missing", "",
                 "MissingParameter");
}

TEST(AddressingTest, AWS_ADDR_14_SourceDestCheckIsOnByDefault) {
  const ValidationResult result = LoadWithBase("");
  EXPECT_TRUE(result.intent->FindNetworkInterface("eni-a")->source_dest_check);
}

TEST(AddressingTest, MissingMacsComeFromTheId) {
  const ValidationResult a = LoadWithBase("");
  const ValidationResult b = LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.30")"));
  const MacAddress mac = *a.intent->FindNetworkInterface("eni-a")->mac;
  EXPECT_EQ(mac, *b.intent->FindNetworkInterface("eni-a")->mac);
  EXPECT_EQ(mac.bytes[0], 0x02);
  EXPECT_NE(mac, *b.intent->FindNetworkInterface("eni-x")->mac);
}

TEST(AddressingTest, AWS_SG_13_TimeoutsHaveRanges) {
  EXPECT_REFUSED(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.30",
    "ConnectionTrackingConfiguration": {"TcpEstablishedTimeout": 59})")),
                 "59 is outside", ".TcpEstablishedTimeout", "InvalidParameterValue");
  EXPECT_LOADS(LoadWithBase(Eni(R"("PrivateIpAddress": "10.0.1.30",
    "ConnectionTrackingConfiguration": {"UdpStreamTimeout": 60, "UdpTimeout": 60})")));
}

TEST(AddressingTest, PublicAddressesAreUnitedAndContradictionsRefused) {
  const std::string eni =
      Eni(R"("PrivateIpAddress": "10.0.1.30", "Association": {"PublicIp": "198.51.100.7"})");
  const ValidationResult united = LoadWithBase(eni + R"({"Addresses": [
    {"PublicIp": "198.51.100.7", "NetworkInterfaceId": "eni-x", "PrivateIpAddress": "10.0.1.30"},
    {"PublicIp": "198.51.100.8", "NetworkInterfaceId": "eni-a"}]})");
  EXPECT_LOADS(united);
  EXPECT_EQ(ToString(*united.intent->FindNetworkInterface("eni-a")->addresses[0].public_ip),
            "198.51.100.8");
  EXPECT_REFUSED(LoadWithBase(eni + R"({"Addresses": [
    {"PublicIp": "198.51.100.9", "NetworkInterfaceId": "eni-x"}]})"),
                 "elsewhere", "", "InvalidParameterValue");
  EXPECT_REFUSED(LoadWithBase(eni + R"({"Addresses": [
    {"PublicIp": "198.51.100.7", "NetworkInterfaceId": "eni-a"}]})"),
                 "stands for", "", "");
}

TEST(AddressingTest, AWS_ADDR_05_TestRangeJoinsNoPrivateBlockEvenAsSecondary) {
  EXPECT_REFUSED(Load(R"({"Vpcs": [{"VpcId": "v", "CidrBlock": "100.64.0.0/16",
      "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16"}, {"CidrBlock": "198.19.0.0/20"}]}]})"),
                 "do not mix", "CidrBlockAssociationSet[1].CidrBlock", "InvalidVpc.Range");
}

TEST(AddressingTest, NoInterfaceHasTheRoutersMac) {
  EXPECT_REFUSED(LoadWithBase(R"({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-r",
      "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.30",
      "MacAddress": "02:00:00:00:00:01"}]})"),
                 "is the router's", "MacAddress", "InvalidParameterValue");
}

// The gateway's interface is nobody's text: the finding is where the gateway says the address.
TEST(AddressingTest, ANatGatewaysAddressIsTakenOnce) {
  EXPECT_REFUSED(LoadWithBase(R"({"NatGateways": [{"NatGatewayId": "nat-a", "SubnetId": "subnet-a",
      "NatGatewayAddresses": [{"PublicIp": "9.9.9.9"}]}], "NetworkInterfaces": [
      {"NetworkInterfaceId": "eni-p", "SubnetId": "subnet-a", "PrivateIpAddress": "10.0.1.30",
       "Association": {"PublicIp": "9.9.9.9"}}]})"),
                 "stands for", "NatGateways[0].NatGatewayAddresses", "Resource.AlreadyAssociated");
}

TEST(AddressingTest, AnAllocationIsOneAddress) {
  const ValidationResult result = LoadWithBase(
      R"({"Addresses": [{"PublicIp": "9.9.9.9", "AllocationId": "eipalloc-1"},
                        {"PublicIp": "9.9.9.8", "AllocationId": "eipalloc-1"}]})");
  EXPECT_REFUSED(result, "is 9.9.9.9 at t.json#2:$.Addresses[0] and 9.9.9.8 here", "AllocationId",
                 "InvalidParameterValue");
}

}  // namespace
}  // namespace sluice
