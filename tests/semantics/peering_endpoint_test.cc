// Peering, gateway endpoints and interface endpoints.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class PeeringSemantics : public VpcTest {};

class EndpointSemantics : public VpcTest {
 protected:
  static VpcConfig WithGatewayEndpoint() {
    VpcConfig config;
    config.Add("PrefixLists", R"({"PrefixListId": "pl-s3",
      "PrefixListName": "com.amazonaws.eu-west-1.s3", "Cidrs": ["52.216.0.0/15"]})");
    config.Add("VpcEndpoints", R"({"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway",
      "VpcId": "vpc-a", "State": "available", "ServiceName": "com.amazonaws.eu-west-1.s3",
      "RouteTableIds": ["rtb-app"]})");
    return config;
  }
  // eni-ep 10.0.2.50 in subnet-db, of vpce-if.
  static VpcConfig WithInterfaceEndpoint() {
    VpcConfig config;
    config.Eni("eni-ep", "subnet-db", "10.0.2.50");
    config.Set("NetworkInterfaces", "eni-ep", "InterfaceType", R"("vpc_endpoint")");
    config.Add("VpcEndpoints", R"({"VpcEndpointId": "vpce-if", "VpcEndpointType": "Interface",
      "VpcId": "vpc-a", "State": "available", "ServiceName": "com.amazonaws.eu-west-1.ec2",
      "SubnetIds": ["subnet-db"], "NetworkInterfaceIds": ["eni-ep"],
      "Groups": [{"GroupId": "sg-ep"}]})");
    return config;
  }
};

TEST_F(PeeringSemantics, AWS_PEER_01_RoutesOnBothSides) {
  VpcConfig config;
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "10.1.0.10:80"), "forward eni-b");
  Expect("eni-b", Tcp("10.1.0.10:80", "10.0.1.10:5", kSynAck), "forward eni-app");
  Expect("eni-db", Tcp("10.0.2.10:5", "10.1.0.10:80"), "drop no_route");  // no route there
  Expect("eni-b", Tcp("10.1.0.10:6", "10.0.2.10:80"), "forward eni-db");  // but one back
  Expect("eni-db", Tcp("10.0.2.10:80", "10.1.0.10:6", kSynAck), "drop no_route");
  config.Routes("rtb-b", {"0.0.0.0/0 igw-b"});
  Apply(config);
  Expect("eni-app", Tcp("10.0.1.10:7", "10.1.0.10:80"), "forward eni-b");
  Expect("eni-b", Tcp("10.1.0.10:80", "10.0.1.10:7", kSynAck),
         "forward internet: tcp 198.51.101.10:80 > 10.0.1.10:7");
}

TEST_F(PeeringSemantics, AWS_PEER_01_NotTransitiveAndNoEdgeToEdge) {
  VpcConfig config;
  config.Add("Vpcs", R"({"VpcId": "vpc-d", "CidrBlock": "10.3.0.0/16"})");
  config.Add("Subnets", R"({"SubnetId": "subnet-d", "VpcId": "vpc-d", "CidrBlock": "10.3.0.0/24",
                            "AvailabilityZone": "eu-west-1a"})");
  config.Eni("eni-d", "subnet-d", "10.3.0.10");
  config.Add("VpcPeeringConnections", R"({"VpcPeeringConnectionId": "pcx-bd",
    "Status": {"Code": "active"}, "RequesterVpcInfo": {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16"},
    "AccepterVpcInfo": {"VpcId": "vpc-d", "CidrBlock": "10.3.0.0/16"}})");
  config.Add("RouteTables", R"({"RouteTableId": "rtb-d", "VpcId": "vpc-d",
                                "Associations": [{"Main": true}]})");
  config.Routes("rtb-app", {"10.0.0.0/8 pcx-ab", "203.0.113.0/24 pcx-ab"});
  config.Routes("rtb-b", {"10.0.0.0/16 pcx-ab", "10.3.0.0/16 pcx-bd", "0.0.0.0/0 igw-b"});
  config.Routes("rtb-d", {"10.0.0.0/8 pcx-bd"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.0.10:53"), "forward eni-b");
  Expect("eni-b", Udp("10.1.0.10:5", "10.3.0.10:53"), "forward eni-d");
  Expect("eni-app", Udp("10.0.1.10:5", "10.3.0.10:53"), "drop peering_not_transitive");
  Expect("eni-d", Udp("10.3.0.10:5", "10.0.1.10:53"), "drop peering_not_transitive");
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"), "drop peering_not_transitive");
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.9.9:53"), "drop unknown_destination");
}

TEST_F(PeeringSemantics, AWS_PEER_01_AnInactivePeeringIsABlackhole) {
  VpcConfig config;
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.0.10:53"), "forward eni-b");
  config.Set("VpcPeeringConnections", "pcx-ab", "Status", R"({"Code": "deleted"})");
  Apply(config);
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.0.10:53"), "drop blackhole_route");
  Expect("eni-b", Udp("10.1.0.10:53", "10.0.1.10:5"), "drop blackhole_route");
}

TEST_F(PeeringSemantics, AWS_PEER_02_AclsAndGroupsOfBothSides) {
  VpcConfig config;
  config.In("sg-b", {"tcp 80 sg-app"});
  config.Acl("acl-b",
             {"in 100 allow tcp 80 10.0.1.0/24", "out 100 allow tcp 1024-65535 10.0.0.0/8"});
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5000", "10.1.0.10:80"), "forward eni-b");
  Expect("eni-b", Tcp("10.1.0.10:80", "10.0.1.10:5000", kSynAck), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:5000", "10.1.0.10:81"), "drop nacl_ingress acl-b 32767");
  Expect("eni-app2", Tcp("10.0.1.11:5000", "10.1.0.10:80"), "drop sg_ingress");
  Expect("eni-app2", Tcp("10.0.1.11:80", "10.1.0.10:80"), "drop sg_ingress");
}

TEST_F(EndpointSemantics, AWS_EP_01_AWS_EP_02_PrivateSourceAndMoreSpecificThanTheDefault) {
  VpcConfig config = WithGatewayEndpoint();
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "52.216.1.1:443"), "forward services");  // unchanged
  EXPECT_EQ(LastSent().ttl, 64);
  Expect("services", Tcp("52.216.1.1:443", "10.0.1.10:5", kSynAck), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:5", "52.218.1.1:443"),
         "forward internet: tcp 198.51.100.200:* > 52.218.1.1:443");  // not in the list
  Expect("eni-web", Tcp("10.0.0.10:5", "52.216.1.1:443"),
         "forward internet: tcp 198.51.100.10:5 > 52.216.1.1:443");  // not a chosen table
  config.Set("VpcEndpoints", "vpce-s3", "RouteTableIds", "[]");
  Apply(config);
  Expect("eni-app", Tcp("10.0.1.10:6", "52.216.1.1:443"), "forward internet: *");
}

TEST_F(EndpointSemantics, AWS_EP_01_AProviderOnlyAnswers) {
  Start(WithGatewayEndpoint());
  Expect("services", Tcp("52.216.1.1:443", "10.0.1.10:5"), "drop endpoint_unavailable");
  Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "drop endpoint_unavailable");
  Expect("eni-app", Tcp("10.0.1.10:5", "52.216.1.1:443"), "forward services");
  Expect("services", Tcp("52.216.1.1:443", "10.0.1.10:6", kSynAck), "drop endpoint_unavailable");
  Expect("services", Tcp("52.216.1.2:443", "10.0.1.10:5", kSynAck), "drop endpoint_unavailable");
}

// The way to the provider leads through an appliance, the way back does not: its answers reach an
// interface that has asked the appliance, not the provider.
TEST_F(EndpointSemantics, AWS_EP_01_AWS_RT_12_AnswersPastTheApplianceThatAskedLeaveItsSession) {
  VpcConfig config = WithGatewayEndpoint();
  config.Set("VpcEndpoints", "vpce-s3", "RouteTableIds", R"(["rtb-mid"])");
  config.Routes("rtb-app", {"52.216.0.0/15 eni-mid"});
  Start(config);
  for (int round = 0; round < 3; ++round) {
    Expect("eni-app", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward eni-mid");
    Expect("eni-mid", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward services");
    Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "forward eni-app");
    Apply(config);
  }
  Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "forward eni-app");
  Expect("services",
         ErrorAbout("8.8.8.8", "10.0.1.10", 3, 1, BuildIpv4(Udp("10.0.1.10:5", "52.216.1.1:443"))),
         "forward eni-app");
}

TEST_F(EndpointSemantics, AWS_EP_01_AnswersToAnAddressOfAnotherOpenNothingThere) {
  VpcConfig config = WithGatewayEndpoint();
  config.Set("VpcEndpoints", "vpce-s3", "RouteTableIds", R"(["rtb-mid", "rtb-app"])");
  config.Out("sg-app", {});
  Start(config);
  Expect("eni-mid", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward services");
  Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "forward eni-app");
  Expect("eni-app", Udp("10.0.1.10:5", "52.216.1.1:443"), "drop sg_egress");
}

// Of one VPC, the last who asks is answered; of two, the first.
TEST_F(EndpointSemantics, AWS_EP_01_TheOwnerOfAnAddressAsksAfterAnotherHasFromIt) {
  VpcConfig config = WithGatewayEndpoint();
  config.Set("VpcEndpoints", "vpce-s3", "RouteTableIds", R"(["rtb-mid", "rtb-app"])");
  config.In("sg-app", {});
  Start(config);
  Expect("eni-mid", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward services");
  Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "drop sg_ingress");
  Expect("eni-app", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward services");
  Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "forward eni-app");
  Expect("eni-mid", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward services");
  Expect("services", Udp("52.216.1.1:443", "10.0.1.10:5"), "drop sg_ingress");
}

TEST_F(EndpointSemantics, AWS_EP_02_FirewallsAreAskedAtTheBorder) {
  VpcConfig config = WithGatewayEndpoint();
  config.Out("sg-app", {"tcp 443 pl-s3"}).In("sg-app", {});
  config.Acl("acl-app",
             {"out 100 allow tcp 443 52.216.0.0/15", "in 100 allow tcp 1024-65535 52.216.0.0/15"});
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5000", "52.216.1.1:443"), "forward services");
  Expect("services", Tcp("52.216.1.1:443", "10.0.1.10:5000", kSynAck), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:5000", "52.216.1.1:80"), "drop sg_egress");
  Expect("eni-app", Tcp("10.0.1.10:80", "52.216.1.1:443"), "forward services");
  Expect("services", Tcp("52.216.1.1:443", "10.0.1.10:80", kSynAck),
         "drop nacl_ingress acl-app 32767");
}

TEST_F(EndpointSemantics, AWS_EP_04_NotFromAPeeredVpc) {
  VpcConfig config = WithGatewayEndpoint();
  config.Routes("rtb-b", {"52.216.0.0/15 pcx-ab", "10.0.0.0/16 pcx-ab"});
  Start(config);
  Expect("eni-b", Tcp("10.1.0.10:5", "52.216.1.1:443"), "drop peering_not_transitive");
}

// "SG timers apply, tracked or not": those of who asked, also where a NAT gateway stands between.
TEST_F(EndpointSemantics, D_TIMERS_AWS_SG_13_AServicesSideKeepsWhatItsAskerKeeps) {
  for (const bool past_gateway : {false, true}) {
    const std::string translated = past_gateway ? ": *" : "";
    VpcConfig config = WithGatewayEndpoint();
    config
        .Set("VpcEndpoints", "vpce-s3", "RouteTableIds",
             past_gateway ? R"(["rtb-pub"])" : R"(["rtb-app"])")
        .Set("NetworkInterfaces", "eni-app", "ConnectionTrackingConfiguration",
             R"({"UdpTimeout": 60})");
    Start(config);
    Expect("eni-app", Udp("10.0.1.10:5", "52.216.1.1:443"), "forward services" + translated);
    const PacketSpec reply = Udp("52.216.1.1:443", End(LastSent().src, LastSent().src_port));
    Wait(60);
    Expect("services", reply, "forward eni-app" + translated);
    Wait(60.001);
    Expect("services", reply, "drop endpoint_unavailable");
  }
}

TEST_F(EndpointSemantics, D_PROFILE_TwoVpcsOnOneServicesPortNeverShareATuple) {
  VpcConfig config = WithGatewayEndpoint();
  config.Add("RouteTables",
             R"({"RouteTableId": "rtb-c", "VpcId": "vpc-c", "Associations": [{"Main": true}]})");
  config.Add("VpcEndpoints", R"({"VpcEndpointId": "vpce-c", "VpcEndpointType": "Gateway",
    "VpcId": "vpc-c", "State": "available", "ServiceName": "com.amazonaws.eu-west-1.s3",
    "RouteTableIds": ["rtb-c"]})");
  config.Set("VpcEndpoints", "vpce-s3", "RouteTableIds", R"(["rtb-pub"])");
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "52.216.1.1:443"), "forward services");
  Expect("eni-c", Udp("10.0.0.10:5", "52.216.1.1:443"), "drop endpoint_unavailable");
  Expect("eni-c", Udp("10.0.0.10:6", "52.216.1.1:443"), "forward services");
  Expect("services", Udp("52.216.1.1:443", "10.0.0.10:6"), "forward eni-c");
  Expect("services", Udp("52.216.1.1:443", "10.0.0.10:5"), "forward eni-web");
}

TEST_F(EndpointSemantics, AWS_EP_05_AnInterfaceEndpointIsAnEniWithGroups) {
  VpcConfig config = WithInterfaceEndpoint();
  config.In("sg-ep", {"tcp 443 10.0.0.0/8"});
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "10.0.2.50:443"), "forward eni-ep");
  Expect("eni-ep", Tcp("10.0.2.50:443", "10.0.1.10:5", kSynAck), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:5", "10.0.2.50:80"), "drop sg_ingress");
  Expect("eni-b", Tcp("10.1.0.10:5", "10.0.2.50:443"), "forward eni-ep");  // through the peering
}

TEST_F(EndpointSemantics, AWS_EP_05_AWS_SG_11_FlowsToAnEndpointAreAlwaysTracked) {
  VpcConfig config = WithInterfaceEndpoint();
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.2.50:443"), "forward eni-ep");
  EXPECT_EQ(LiveSessions(), 1u);
  config.In("sg-web", {}).Out("sg-web", {}).In("sg-ep", {});
  Apply(config);
  Expect("eni-ep", Tcp("10.0.2.50:443", "10.0.0.10:5", kSynAck, 7, 1001), "forward eni-web");
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.2.50:443", kAck, 1001, 8), "forward eni-ep");
}

TEST_F(EndpointSemantics, AWS_EP_06_8500BytesAndNoAnswerAboutMore) {
  Start(WithInterfaceEndpoint());
  for (const bool rigid : {false, true}) {
    PacketSpec spec = Udp("10.0.0.10:5", "10.0.2.50:443", 8500 - 28);
    spec.dont_fragment = rigid;
    Expect("eni-web", spec, "forward eni-ep");
    spec.payload.resize(8501 - 28);
    Expect("eni-web", spec, "drop mtu_exceeded");
    EXPECT_TRUE(sent().empty());
  }
}

}  // namespace
}  // namespace sluice::testing
