// Addresses, reserved ones, the source/destination check, and two tenants with the same addresses.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class AddressingSemantics : public VpcTest {};

TEST_F(AddressingSemantics, AWS_ADDR_06_ASecondaryCidrIsLocalEverywhere) {
  VpcConfig config;
  config.Set("Vpcs", "vpc-a", "CidrBlockAssociationSet", R"([
    {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
    {"CidrBlock": "10.64.0.0/16", "CidrBlockState": {"State": "associated"}}])");
  config.Add("Subnets", R"({"SubnetId": "subnet-x", "VpcId": "vpc-a", "CidrBlock": "10.64.1.0/24",
                            "AvailabilityZone": "eu-west-1a"})");
  config.Eni("eni-x", "subnet-x", "10.64.1.10");
  Start(config);
  for (const char* eni : {"eni-web", "eni-app", "eni-db", "eni-mid"}) {
    const std::string source = eni == std::string("eni-web")   ? "10.0.0.10:1"
                               : eni == std::string("eni-app") ? "10.0.1.10:1"
                               : eni == std::string("eni-db")  ? "10.0.2.10:1"
                                                               : "10.0.3.10:1";
    Expect(eni, Udp(source, "10.64.1.10:2"), "forward eni-x");
    Expect("eni-x", Udp("10.64.1.10:2", source), std::string("forward ") + eni);
  }
  Expect("eni-x", Udp("10.64.1.10:2", "10.64.9.9:1"), "drop unknown_destination");
}

TEST_F(AddressingSemantics, AWS_ADDR_08_RFC_ROW_88_FiveAddressesOfEachSubnetAreUnusable) {
  Start();
  for (const char* last : {"0", "1", "3", "255"}) {
    for (const char* subnet : {"10.0.0.", "10.0.1.", "10.0.2.", "10.0.3."}) {
      const std::string to = std::string(subnet) + last;
      Expect("eni-web", Udp("10.0.0.10:1", to + ":2"), "drop reserved_address");
      Expect("eni-mid", Tcp("10.0.3.10:1", to + ":2"), "drop reserved_address");
    }
  }
  Expect("eni-web", Udp("10.0.0.10:1", "10.0.1.4:2"), "drop unknown_destination");
  Expect("eni-web", Udp("10.0.0.10:1", "10.0.1.254:2"), "drop unknown_destination");
}

TEST_F(AddressingSemantics, AWS_ADDR_09_OnlyThePrimaryCidrHasAResolver) {
  Start();
  Expect("eni-web", Udp("10.0.0.10:1", "10.0.0.2:53"), "drop link_local_range");
  Expect("eni-app", Udp("10.0.1.10:1", "10.0.0.2:53"), "drop link_local_range");
  Expect("eni-web", Udp("10.0.0.10:1", "10.0.1.2:53"), "drop reserved_address");
  Expect("eni-b", Udp("10.1.0.10:1", "10.1.0.2:53"), "drop link_local_range");
  Expect("eni-web", Udp("10.0.0.10:1", "169.254.169.253:53"), "drop link_local_range");
}

TEST_F(AddressingSemantics, AWS_ADDR_12_EveryPrivateAddressOfAnInterfaceIsItsOwn) {
  Start();
  for (const char* address : {"10.0.0.11", "10.0.0.12", "10.0.0.13"}) {
    Expect("eni-app", Tcp("10.0.1.10:1", End(address, 80)), "forward eni-two");
    Expect("eni-two", Tcp(End(address, 80), "10.0.1.10:1", kSynAck), "forward eni-app");
  }
  Expect("eni-two", Tcp("10.0.0.14:80", "10.0.1.10:1"), "drop source_check");
}

TEST_F(AddressingSemantics, AWS_ADDR_13_AReservationTakesNoAddressAway) {
  VpcConfig config;
  config.Add("SubnetIpv4CidrReservations", R"({"SubnetCidrReservationId": "scr-1",
    "SubnetId": "subnet-app", "Cidr": "10.0.1.0/28", "ReservationType": "prefix"})");
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:1", "10.0.1.10:2"), "forward eni-app");
  Expect("eni-app", Udp("10.0.1.10:2", "10.0.0.10:1"), "forward eni-web");
}

TEST_F(AddressingSemantics, AWS_ADDR_14_SourceAndDestinationCheck) {
  VpcConfig config;
  config.Routes("rtb-pub",
                {"0.0.0.0/0 igw-a", "203.0.113.0/25 eni-app", "203.0.113.128/25 eni-mid"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:1", "203.0.113.5:2"), "drop dest_check");
  Expect("eni-web", Udp("10.0.0.10:1", "203.0.113.200:2"), "forward eni-mid");
  Expect("eni-mid", Udp("203.0.113.200:2", "10.0.0.10:1"), "forward eni-web");
  config.Set("NetworkInterfaces", "eni-app", "SourceDestCheck", "false");
  config.Set("NetworkInterfaces", "eni-mid", "SourceDestCheck", "true");
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:3", "203.0.113.5:2"), "forward eni-app");
  Expect("eni-web", Udp("10.0.0.10:3", "203.0.113.200:2"), "drop dest_check");
  Expect("eni-mid", Udp("203.0.113.200:2", "10.0.0.10:3"), "drop source_check");
}

TEST_F(AddressingSemantics, RFC_ROW_89_SpoofedSourcesAreDroppedForOneReason) {
  Start();
  for (const char* source :
       {"10.0.0.11", "10.0.1.10", "10.0.0.1", "10.0.0.200", "10.1.0.10", "198.51.100.10",
        "198.51.100.200", "203.0.113.9", "192.0.2.1", "172.16.0.1"}) {
    Expect("eni-web", Tcp(End(source, 5), "10.0.1.11:80"), "drop source_check");
    Expect("eni-web", Udp(End(source, 5), "203.0.113.7:53"), "drop source_check");
  }
  // Check off: an appliance may.
  Expect("eni-mid", Tcp("203.0.113.9:5", "10.0.1.10:80"), "forward eni-app");
  EXPECT_EQ(Count("source_check"), 20u);
}

TEST_F(AddressingSemantics, RFC_ROW_89_TheSourceMacIsCheckedToo) {
  Start();
  PacketSpec spec = Udp("10.0.0.10:1", "10.0.1.10:2");
  spec.dst_mac = kRouterMac;
  spec.src_mac = MacOf("eni-two");
  ExpectFrame("eni-web", BuildFrame(spec), "drop source_check");
  spec.src_mac = MacOf("eni-web");
  ExpectFrame("eni-web", BuildFrame(spec), "forward eni-app");
}

TEST_F(AddressingSemantics, AWS_ADDR_15_ASubnetIsPublicByItsRouteAlone) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-db", "Association", R"({"PublicIp": "198.51.100.30"})");
  Start(config);
  Expect("eni-db", Tcp("10.0.2.10:5", "203.0.113.9:443"), "drop no_route");
  config.Routes("rtb-main", {"0.0.0.0/0 igw-a"});
  Apply(config);
  Expect("eni-db", Tcp("10.0.2.10:5", "203.0.113.9:443"),
         "forward internet: tcp 198.51.100.30:5 > 203.0.113.9:443");
  Expect("internet", Tcp("203.0.113.9:443", "198.51.100.30:5", kSynAck),
         "forward eni-db: tcp 203.0.113.9:443 > 10.0.2.10:5");
  config.Routes("rtb-main", {});
  Apply(config);
  Expect("eni-db", Tcp("10.0.2.10:5", "203.0.113.9:443"), "drop no_route");
}

TEST_F(AddressingSemantics, D_ROUTER_ReservedAndLinkLocalAnswerNobody) {
  VpcConfig config;
  config.Out("sg-web", {}).Acl("acl-pub", {});  // neither is asked
  Start(config);
  Expect("eni-web", Echo("10.0.0.10", "10.0.0.1", 7), "drop reserved_address");
  Expect("eni-web", Echo("10.0.0.10", "10.0.1.1", 7), "drop reserved_address");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.1:53"), "drop reserved_address");
  Expect("eni-web", Tcp("10.0.0.10:5", "169.254.169.254:80"), "drop link_local_range");
  Expect("eni-web", Udp("10.0.0.10:5", "169.254.169.123:123"), "drop link_local_range");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.2:53"), "drop link_local_range");
  // A peer's reserved addresses are merely unowned.
  config.Out("sg-app", {"all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-app", Echo("10.0.1.10", "10.1.0.1", 7), "drop unknown_destination");
}

TEST_F(AddressingSemantics, AWS_SG_15_AWS_NACL_09_FirewallsAreNotAskedForTheResolver) {
  VpcConfig config;
  config.In("sg-web", {}).Out("sg-web", {}).Acl("acl-pub", {});
  Start(config);
  // Until a service is attached nobody answers, but neither group nor ACL is the reason.
  for (const char* to : {"10.0.0.2:53", "169.254.169.253:53", "169.254.169.254:80"}) {
    Expect("eni-web", Udp("10.0.0.10:5", to), "drop link_local_range");
  }
  EXPECT_EQ(Count("sg_egress") + Count("nacl_egress"), 0u);
}

// P1, P9: two VPCs with the same CIDR and the same addresses.
TEST_F(AddressingSemantics, D_ISOLATION_TwoVpcsWithOneCidrNeverMeet) {
  Start();
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.0.11:80"), "forward eni-two");
  Expect("eni-c", Tcp("10.0.0.10:5", "10.0.0.11:80"), "forward eni-c2");
  Expect("eni-two", Tcp("10.0.0.11:80", "10.0.0.10:5", kSynAck), "forward eni-web");
  Expect("eni-c2", Tcp("10.0.0.11:80", "10.0.0.10:5", kSynAck), "forward eni-c");
  Expect("eni-c", Tcp("10.0.0.10:6", "10.0.1.10:80"), "drop unknown_destination");
  Expect("eni-c", Tcp("10.0.0.10:6", "203.0.113.9:80"), "drop no_route");
  Expect("eni-c", Tcp("10.0.0.10:6", "10.1.0.10:80"), "drop no_route");
}

TEST_F(AddressingSemantics, D_ISOLATION_OneTenantsAnswersNeedItsOwnFlow) {
  VpcConfig config;
  config.In("sg-web", {}).In("sg-c", {});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.11:80"), "forward eni-two");
  // The same tuple in the other VPC is another flow: nobody there asked.
  Expect("eni-c2", Udp("10.0.0.11:80", "10.0.0.10:5"), "drop sg_ingress");
  Expect("eni-two", Udp("10.0.0.11:80", "10.0.0.10:5"), "forward eni-web");
}

TEST_F(AddressingSemantics, RFC_ROW_82_87_Martians) {
  Start();
  for (const char* address : {"0.0.0.1", "0.255.0.1", "127.0.0.1", "127.255.255.254", "240.0.0.1",
                              "250.1.2.3", "255.255.255.254", "255.255.255.255"}) {
    Expect("eni-mid", Udp(End(address, 5), "10.0.1.10:80"), "drop martian_address");
    Expect("eni-mid", Udp("10.0.3.10:5", End(address, 80)), "drop martian_address");
    Expect("internet", Udp(End(address, 5), "198.51.100.10:80"), "drop martian_address");
  }
  Expect("eni-mid", Udp("224.0.0.1:5", "10.0.1.10:80"), "drop martian_address");
  Expect("internet", Udp("239.1.2.3:5", "198.51.100.10:80"), "drop martian_address");
}

TEST_F(AddressingSemantics, RFC_ROW_83_NoBroadcast) {
  Start();
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.255:80"), "drop reserved_address");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.255:80"), "drop reserved_address");
  PacketSpec spec = Udp("10.0.0.10:5", "10.0.0.11:80");
  spec.src_mac = MacOf("eni-web");
  spec.dst_mac = kBroadcastMac;
  ExpectFrame("eni-web", BuildFrame(spec), "drop unknown_mac");
  spec.dst_mac = {{0x01, 0, 0x5e, 0, 0, 1}};
  ExpectFrame("eni-web", BuildFrame(spec), "drop unknown_mac");
}

TEST_F(AddressingSemantics, RFC_ROW_105_NoPacketFromAnAddressToItself) {
  Start();
  for (const char* address :
       {"10.0.0.10", "10.0.0.200", "198.51.100.10", "198.51.100.200", "203.0.113.9", "10.0.0.1"}) {
    Expect("eni-mid", Tcp(End(address, 80), End(address, 80)), "drop martian_address");
    Expect("internet", Tcp(End(address, 80), End(address, 80)), "drop martian_address");
  }
  // To itself through the internet gateway: out and back in, to the sender.
  Expect("eni-web", Tcp("10.0.0.10:80", "198.51.100.10:80"),
         "forward eni-web: tcp 198.51.100.10:80 > 10.0.0.10:80");
}

}  // namespace
}  // namespace sluice::testing
