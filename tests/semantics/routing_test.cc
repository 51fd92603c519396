// Route tables and the implicit router.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class RoutingSemantics : public VpcTest {
 protected:
  static PacketSpec Web(const std::string& to) { return Tcp("10.0.0.10:5", to + ":80"); }
  static std::string Out(const std::string& to) {
    return "forward internet: tcp 198.51.100.10:5 > " + to + ":80";
  }
};

TEST_F(RoutingSemantics, AWS_RT_01_WithoutAssociationTheMainTable) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-db", "Association", R"({"PublicIp": "198.51.100.30"})");
  Start(config);
  Expect("eni-db", Udp("10.0.2.10:5", "203.0.113.9:53"), "drop no_route");
  config.Set("RouteTables", "rtb-mid", "Associations",
             R"([{"Main": false, "SubnetId": "subnet-mid"},
                 {"Main": false, "SubnetId": "subnet-db"}])");
  Apply(config);
  Expect("eni-db", Udp("10.0.2.10:5", "203.0.113.9:53"),
         "forward internet: udp 198.51.100.30:5 > 203.0.113.9:53");
}

TEST_F(RoutingSemantics, AWS_RT_02_ImplicitSubnetsFollowTheMainRole) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-db", "Association", R"({"PublicIp": "198.51.100.30"})");
  Start(config);
  Expect("eni-db", Udp("10.0.2.10:5", "203.0.113.9:53"), "drop no_route");
  config.Set("RouteTables", "rtb-main", "Associations", "[]");
  config.Set("RouteTables", "rtb-mid", "Associations",
             R"([{"Main": true}, {"Main": false, "SubnetId": "subnet-mid"}])");
  Apply(config);
  Expect("eni-db", Udp("10.0.2.10:5", "203.0.113.9:53"),
         "forward internet: udp 198.51.100.30:5 > 203.0.113.9:53");
}

TEST_F(RoutingSemantics, AWS_RT_03_LocalWithAnotherTargetAndBack) {
  VpcConfig config;
  Start(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-app");
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.0.0/16 eni-mid"});
  Apply(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-mid");
  Expect("eni-web", Web("10.0.2.10"), "forward eni-mid");
  Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:5"), "forward eni-web");  // another table
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.0.0/16 local"});
  Apply(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-app");
}

TEST_F(RoutingSemantics, AWS_RT_04_LongestPrefixWins) {
  VpcConfig config;
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "203.0.0.0/8 eni-mid", "203.0.113.0/24 igw-a",
                            "203.0.113.64/26 eni-mid", "203.0.113.64/32 igw-a"});
  Start(config);
  Expect("eni-web", Web("203.0.112.255"), "forward eni-mid");
  Expect("eni-web", Web("203.0.113.0"), Out("203.0.113.0"));
  Expect("eni-web", Web("203.0.113.63"), Out("203.0.113.63"));
  Expect("eni-web", Web("203.0.113.64"), Out("203.0.113.64"));
  Expect("eni-web", Web("203.0.113.65"), "forward eni-mid");
  Expect("eni-web", Web("203.0.113.127"), "forward eni-mid");
  Expect("eni-web", Web("203.0.113.128"), Out("203.0.113.128"));
  Expect("eni-web", Web("203.0.114.0"), "forward eni-mid");
  Expect("eni-web", Web("204.0.0.0"), Out("204.0.0.0"));
}

TEST_F(RoutingSemantics, AWS_RT_05_AWholeSubnetThroughAnAppliance) {
  VpcConfig config;
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.1.0/24 eni-mid"});
  config.Routes("rtb-app", {"0.0.0.0/0 nat-a", "10.0.0.0/24 eni-mid"});
  Start(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-mid");
  Expect("eni-mid", Web("10.0.1.10"), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:5", kSynAck), "forward eni-mid");
  Expect("eni-mid", Tcp("10.0.1.10:80", "10.0.0.10:5", kSynAck), "forward eni-web");
  Expect("eni-web", Web("10.0.2.10"), "forward eni-db");
}

TEST_F(RoutingSemantics, AWS_RT_06_RFC_ROW_88_NothingIsRoutedToLinkLocal) {
  VpcConfig config;
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "169.254.0.0/16 eni-mid", "168.0.0.0/6 eni-mid"});
  Start(config);
  for (const char* to : {"169.254.168.1", "169.254.171.255", "169.254.169.254", "169.254.0.1"}) {
    Expect("eni-web", Web(to), "drop link_local_range");
  }
  Expect("eni-web", Web("169.253.0.1"), "forward eni-mid");
}

TEST_F(RoutingSemantics, AWS_RT_07_StaticBeatsPropagatedAtEqualLength) {
  VpcConfig config;
  config.Routes("rtb-pub", {"9.0.0.0/8 vgw-1 EnableVgwRoutePropagation", "9.0.0.0/8 igw-a",
                            "9.1.0.0/16 vgw-1 EnableVgwRoutePropagation"});
  Start(config);
  Expect("eni-web", Web("9.2.0.1"), Out("9.2.0.1"));
  Expect("eni-web", Web("9.1.0.1"), "drop blackhole_route");  // longer wins; no such target here
}

constexpr const char* kListB = R"({"PrefixListId": "pl-b", "PrefixListName": "b", "MaxEntries": 2,
  "Entries": [{"Cidr": "9.0.0.0/8"}, {"Cidr": "11.0.0.0/8"}]})";
constexpr const char* kListA = R"({"PrefixListId": "pl-a", "PrefixListName": "a", "MaxEntries": 1,
  "Entries": [{"Cidr": "9.0.0.0/8"}]})";

TEST_F(RoutingSemantics, AWS_RT_08_D_PREFIX_CidrThenLowestListThenPropagated) {
  VpcConfig config;
  config.Add("ManagedPrefixLists", kListB).Add("ManagedPrefixLists", kListA);
  config.Routes("rtb-pub",
                {"pl-b eni-mid", "pl-a igw-a", "11.0.0.0/8 vgw-1 EnableVgwRoutePropagation"});
  Start(config);
  Expect("eni-web", Web("9.1.1.1"), Out("9.1.1.1"));      // pl-a < pl-b
  Expect("eni-web", Web("11.1.1.1"), "forward eni-mid");  // a list beats a propagated route
  config.Routes("rtb-pub", {"pl-a igw-a", "pl-b eni-mid", "9.0.0.0/8 eni-mid"});
  Apply(config);
  Expect("eni-web", Web("9.1.1.1"), "forward eni-mid");  // a CIDR route beats both lists
  config.Routes("rtb-pub", {"pl-b eni-mid", "9.0.0.0/9 igw-a"});
  Apply(config);
  Expect("eni-web", Web("9.1.1.1"), Out("9.1.1.1"));  // longer wins
  Expect("eni-web", Web("9.129.1.1"), "forward eni-mid");
}

TEST_F(RoutingSemantics, AWS_RT_09_ABlackholeDoesNotFallThrough) {
  VpcConfig config;
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "9.0.0.0/8 nat-gone", "8.0.0.0/8 eni-gone",
                            "7.0.0.0/8 pcx-gone", "6.0.0.0/8 vgw-1"});
  Start(config);
  for (const char* to : {"9.1.1.1", "8.1.1.1", "7.1.1.1", "6.1.1.1"}) {
    Expect("eni-web", Web(to), "drop blackhole_route");
  }
  Expect("eni-web", Web("5.1.1.1"), Out("5.1.1.1"));
}

TEST_F(RoutingSemantics, AWS_RT_09_AWS_NAT_14_ATargetThatGoesWhileFlowsRun) {
  VpcConfig config;
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"), "forward internet: *");
  config.Set("NatGateways", "nat-a", "State", R"("deleted")");
  Apply(config);
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"), "drop blackhole_route");
}

TEST_F(RoutingSemantics, AWS_RT_10_NeighboursAreReachedWithoutTheRouter) {
  VpcConfig config;
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.0.0/16 eni-mid"});
  config.Acl("acl-pub", {});
  Start(config);
  PacketSpec direct = Tcp("10.0.0.10:5", "10.0.0.11:80");
  direct.src_mac = MacOf("eni-web");
  direct.dst_mac = MacOf("eni-two");
  ExpectFrame("eni-web", BuildFrame(direct), "forward eni-two");
  EXPECT_EQ(sent()[0].frame, BuildFrame(direct));  // both MACs kept
  direct.dst_mac = MacOf("eni-app");               // of another subnet
  ExpectFrame("eni-web", BuildFrame(direct), "drop unknown_mac");
  direct.dst_mac = MacOf("eni-two");
  direct.dst = AddressOf("10.0.1.10");
  ExpectFrame("eni-web", BuildFrame(direct), "drop dest_check");
  config.In("sg-two", {"tcp 81 0.0.0.0/0"});
  Apply(config);
  direct.dst = AddressOf("10.0.0.11");
  direct.src_port = 6;
  ExpectFrame("eni-web", BuildFrame(direct), "drop sg_ingress");  // the groups are asked
}

TEST_F(RoutingSemantics, AWS_RT_11_AWS_RT_12_GatewayTableAndApplianceBothWays) {
  VpcConfig config;
  config.Add("RouteTables", R"({"RouteTableId": "rtb-edge", "VpcId": "vpc-a",
    "Associations": [{"Main": false, "GatewayId": "igw-a"}],
    "Routes": [{"DestinationCidrBlock": "10.0.0.0/24", "NetworkInterfaceId": "eni-mid"}]})");
  config.Routes("rtb-pub", {"0.0.0.0/0 eni-mid"});
  Start(config);
  const std::string host = "203.0.113.9:443";
  Expect("internet", Tcp(host, "198.51.100.10:80"),
         "forward eni-mid: tcp " + host + " > 10.0.0.10:80");
  Expect("eni-mid", Tcp(host, "10.0.0.10:80"), "forward eni-web");
  Expect("eni-web", Tcp("10.0.0.10:80", host, kSynAck), "forward eni-mid");
  Expect("eni-mid", Tcp("10.0.0.10:80", host, kSynAck),
         "forward internet: tcp 198.51.100.10:80 > " + host);
}

TEST_F(RoutingSemantics, AWS_RT_12_D_GROUPPEER_GroupsDoNotMatchBehindAMiddlebox) {
  VpcConfig config;
  config.Routes("rtb-pub", {"10.0.1.0/24 eni-mid"}).Routes("rtb-app", {"10.0.0.0/24 eni-mid"});
  config.In("sg-app", {"tcp 80 sg-web"});
  Start(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-mid");
  Expect("eni-mid", Web("10.0.1.10"), "drop sg_ingress");
  config.In("sg-app", {"tcp 80 sg-mid"});  // nor is it the appliance's own packet
  Apply(config);
  Expect("eni-mid", Web("10.0.1.10"), "drop sg_ingress");
  config.In("sg-app", {"tcp 80 10.0.0.0/24"});
  Apply(config);
  Expect("eni-mid", Web("10.0.1.10"), "forward eni-app");
}

TEST_F(RoutingSemantics, AWS_RT_12_DestinationGroupsNeedTheOwner) {
  VpcConfig config;
  config.Out("sg-web", {"tcp 80 sg-app"});
  Start(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-app");
  Expect("eni-web", Web("10.0.1.11"), "drop sg_egress");
  config.Routes("rtb-pub", {"10.0.1.0/24 eni-mid"});
  Apply(config);
  Expect("eni-web", Tcp("10.0.0.10:6", "10.0.1.10:80"), "drop sg_egress");
}

TEST_F(RoutingSemantics, AWS_RT_14_D_NOROUTE_SilentDrop) {
  VpcConfig config;
  config.Routes("rtb-pub", {"203.0.113.0/24 igw-a"});
  Start(config);
  for (const PacketSpec& spec :
       {Tcp("10.0.0.10:5", "9.9.9.9:80"), Udp("10.0.0.10:5", "9.9.9.9:80"),
        Echo("10.0.0.10", "9.9.9.9", 5), Raw("10.0.0.10", "9.9.9.9", 50)}) {
    Expect("eni-web", spec, "drop no_route");
  }
}

TEST_F(RoutingSemantics, AWS_RT_15_D_TTL_RFC_ROW_78_RouterAndInternetGatewayKeepTheTtl) {
  Start();
  for (const uint8_t ttl : {uint8_t{1}, uint8_t{2}, uint8_t{64}, uint8_t{255}}) {
    PacketSpec local = Udp("10.0.0.10:5", "10.0.1.10:80");
    local.ttl = ttl;
    Expect("eni-web", local, "forward eni-app");
    EXPECT_EQ(LastSent().ttl, ttl);
    PacketSpec out = Udp("10.0.0.10:5", "203.0.113.9:80");
    out.ttl = ttl;
    Expect("eni-web", out, "forward internet: udp 198.51.100.10:5 > 203.0.113.9:80");
    EXPECT_EQ(LastSent().ttl, ttl);
    PacketSpec in = Udp("203.0.113.9:80", "198.51.100.10:5");
    in.ttl = ttl;
    Expect("internet", in, "forward eni-web: udp 203.0.113.9:80 > 10.0.0.10:5");
    EXPECT_EQ(LastSent().ttl, ttl);
    PacketSpec peer = Udp("10.0.1.10:5", "10.1.0.10:80");
    peer.ttl = ttl;
    Expect("eni-app", peer, "forward eni-b");
    EXPECT_EQ(LastSent().ttl, ttl);
  }
}

TEST_F(RoutingSemantics, D_RETURN_InboundWithoutARouteBack) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-db", "Association", R"({"PublicIp": "198.51.100.30"})");
  Start(config);
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.30:80"),
         "forward eni-db: tcp 203.0.113.9:5 > 10.0.2.10:80");
  Expect("eni-db", Tcp("10.0.2.10:80", "203.0.113.9:5", kSynAck), "drop no_route");
}

TEST_F(RoutingSemantics, D_WALK_EachDirectionWalksItsOwnTables) {
  VpcConfig config;
  config.Routes("rtb-pub", {"10.0.1.0/24 eni-mid"});
  Start(config);
  Expect("eni-web", Web("10.0.1.10"), "forward eni-mid");
  Expect("eni-mid", Web("10.0.1.10"), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:5", kSynAck), "forward eni-web");
}

TEST_F(RoutingSemantics, RFC_ROW_10_OutsideAddressesThatLookInside) {
  Start();
  // From outside with an address of the VPC: the answer stays inside, nothing loops.
  Expect("internet", Udp("10.0.1.10:53", "198.51.100.10:5"),
         "forward eni-web: udp 10.0.1.10:53 > 10.0.0.10:5");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:53"), "forward eni-app");
  Expect("internet", Udp("198.51.100.11:53", "198.51.100.10:5"),
         "forward eni-web: udp 198.51.100.11:53 > 10.0.0.10:5");
}

TEST_F(RoutingSemantics, RFC_ROW_67_AMoreSpecificRouteGoesPastTheNatGateway) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-app", "Association", R"({"PublicIp": "198.51.100.40"})");
  config.Routes("rtb-app", {"0.0.0.0/0 nat-a", "203.0.113.0/24 igw-a"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"),
         "forward internet: udp 198.51.100.40:5 > 203.0.113.9:53");
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.114.9:53"),
         "forward internet: udp 198.51.100.200:* > 203.0.114.9:53");
}

}  // namespace
}  // namespace sluice::testing
