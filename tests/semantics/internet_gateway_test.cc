// The internet gateway: one-to-one translation, what it needs, hairpins.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class InternetGatewaySemantics : public VpcTest {
 protected:
  void ExpectBoth(const std::string& out, const std::string& in) {
    Expect("eni-web", Tcp("10.0.0.10:5", "203.0.113.9:443"), out);
    Expect("internet", Tcp("203.0.113.9:6", "198.51.100.10:80"), in);
  }
};

constexpr const char* kOut = "forward internet: tcp 198.51.100.10:5 > 203.0.113.9:443";
constexpr const char* kIn = "forward eni-web: tcp 203.0.113.9:6 > 10.0.0.10:80";

TEST_F(InternetGatewaySemantics, AWS_IGW_02_EveryPrerequisiteCounts) {
  Start();
  ExpectBoth(kOut, kIn);
  VpcConfig config;
  config.Set("InternetGateways", "igw-a", "Attachments", "[]");
  Start(config);
  ExpectBoth("drop blackhole_route", "drop igw_unknown_public_ip");
  Start(VpcConfig().Routes("rtb-pub", {}));
  ExpectBoth("drop no_route", kIn);  // D-RETURN
  Start(VpcConfig().Set("NetworkInterfaces", "eni-web", "Association", "{}"));
  ExpectBoth("drop igw_no_public_ip", "drop igw_unknown_public_ip");
  Start(VpcConfig().Acl("acl-pub", {"in 100 allow all 0.0.0.0/0"}));
  ExpectBoth("drop nacl_egress acl-pub 32767", kIn);
  Start(VpcConfig().Acl("acl-pub", {"out 100 allow all 0.0.0.0/0"}));
  ExpectBoth(kOut, "drop nacl_ingress acl-pub 32767");
  Start(VpcConfig().Out("sg-web", {}));
  ExpectBoth("drop sg_egress", kIn);
  Start(VpcConfig().In("sg-web", {}));
  ExpectBoth(kOut, "drop sg_ingress");
}

TEST_F(InternetGatewaySemantics, AWS_IGW_02_RemovingOneStopsARunningFlow) {
  VpcConfig config;
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "forward internet: *");
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.10:5"), "forward eni-web: *");
  config.Set("InternetGateways", "igw-a", "Attachments", "[]");
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop blackhole_route");
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.10:5"), "drop igw_unknown_public_ip");
}

TEST_F(InternetGatewaySemantics, AWS_IGW_03_OneToOneOnPrimaryAndSecondaryAddresses) {
  Start();
  const char* pairs[][3] = {{"eni-web", "10.0.0.10", "198.51.100.10"},
                            {"eni-two", "10.0.0.11", "198.51.100.11"},
                            {"eni-two", "10.0.0.12", "198.51.100.12"}};
  const std::string host = "203.0.113.9";
  for (const auto& [eni, inside, outside] : pairs) {
    for (const uint16_t l4_port : {1, 1023, 1024, 65535}) {  // ports are kept
      Expect(eni, Udp(End(inside, l4_port), host + ":53"),
             "forward internet: udp " + End(outside, l4_port) + " > 203.0.113.9:53");
      Expect("internet", Udp(host + ":53", End(outside, l4_port)),
             "forward " + std::string(eni) + ": udp 203.0.113.9:53 > " + End(inside, l4_port));
    }
    Expect(eni, Echo(inside, host, 77),
           "forward internet: icmp 8/0 id 77 " + std::string(outside) + " > 203.0.113.9");
    Expect("internet", EchoReply(host, outside, 77),
           "forward " + std::string(eni) + ": icmp 0/0 id 77 203.0.113.9 > " + inside);
    Expect(eni, Raw(inside, host, 47),
           "forward internet: 47 " + std::string(outside) + " > 203.0.113.9");
  }
}

TEST_F(InternetGatewaySemantics, RFC_ROW_74_OnlyTheAddressChanges) {
  Start();
  PacketSpec spec = Tcp("10.0.0.10:5", "203.0.113.9:21", kAck | kPsh, 77, 88, 0);
  const std::string payload = "PORT 10,0,0,10,4,1\r\n";  // RFC_ROW_29: no application gateway
  spec.payload.assign(payload.begin(), payload.end());
  spec.options = {7, 7, 4, 0, 0, 0, 0, 0};  // record route
  spec.ip_id = 0x1234;
  spec.tos = 0xb8;
  spec.dont_fragment = true;
  Expect("eni-web", spec, "forward internet: tcp 198.51.100.10:5 > 203.0.113.9:21");
  PacketSpec expected = spec;
  expected.src = AddressOf("198.51.100.10");
  EXPECT_EQ(LastSent().ip, BuildIpv4(expected));
}

TEST_F(InternetGatewaySemantics, RFC_ROW_13_RFC_ROW_29_PayloadIsNotRead) {
  Start();
  PacketSpec spec = Udp("10.0.1.10:5060", "203.0.113.9:5060");
  const std::string payload = "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.10:5060\r\n";
  spec.payload.assign(payload.begin(), payload.end());
  Expect("eni-app", spec, "forward internet: udp 198.51.100.200:* > 203.0.113.9:5060");
  const Seen seen = LastSent();
  EXPECT_EQ(std::string(seen.l4.begin() + 8, seen.l4.end()), payload);
}

TEST_F(InternetGatewaySemantics, AWS_IGW_04_WithoutAPublicAddress) {
  VpcConfig config;
  config.Routes("rtb-main", {"0.0.0.0/0 igw-a"});
  Start(config);
  Expect("eni-db", Udp("10.0.2.10:5", "203.0.113.9:53"), "drop igw_no_public_ip");
  Expect("eni-two", Udp("10.0.0.13:5", "203.0.113.9:53"), "drop igw_no_public_ip");
  Expect("eni-mid", Udp("10.0.3.10:5", "203.0.113.9:53"), "drop igw_no_public_ip");
  // Nobody borrows the gateway's address.
  Expect("eni-mid", Udp("10.0.0.200:5", "203.0.113.9:53"), "drop igw_no_public_ip");
}

TEST_F(InternetGatewaySemantics, AWS_IGW_04_AWS_NAT_01_NorFromAPrivateNatGateway) {
  VpcConfig config;
  config.Add("NatGateways", R"({"NatGatewayId": "nat-p", "VpcId": "vpc-a", "SubnetId": "subnet-mid",
    "ConnectivityType": "private", "State": "available",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.3.200"}]})");
  config.Routes("rtb-app", {"0.0.0.0/0 nat-p"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"), "drop igw_no_public_ip");
}

TEST_F(InternetGatewaySemantics, AWS_IGW_05_UnknownPublicAddresses) {
  Start();
  for (const char* to : {"198.51.100.99", "198.51.100.13", "10.0.0.10", "203.0.113.1"}) {
    Expect("internet", Tcp("203.0.113.9:5", End(to, 80)), "drop igw_unknown_public_ip");
  }
}

TEST_F(InternetGatewaySemantics, D_ORDER_AWS_IGW_05_AWS_ORD_02_TranslationThenAclThenGroup) {
  VpcConfig config;
  config.Acl("acl-pub", {}).In("sg-web", {});
  Start(config);
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.99:80"), "drop igw_unknown_public_ip");
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.10:80"), "drop nacl_ingress acl-pub 32767");
  config.Acl("acl-pub", {"in 100 allow all 0.0.0.0/0"});
  Apply(config);
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.10:80"), "drop sg_ingress");
  // Both saw the private destination: the ACL was that of its subnet, the group its owner's.
  config.In("sg-web", {"tcp 80 203.0.113.9/32"});
  Apply(config);
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.10:80"), "forward eni-web: *");
}

TEST_F(InternetGatewaySemantics, AWS_IGW_08_MovingAnElasticIpCutsItsFlows) {
  VpcConfig config;
  config.In("sg-web", {"tcp 22 0.0.0.0/0"}).Out("sg-web", {"tcp 443 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "203.0.113.9:443"), kOut);
  Expect("internet", Tcp("203.0.113.9:443", "198.51.100.10:5", kSynAck, 9000, 1001),
         "forward eni-web: *");
  config.Set("NetworkInterfaces", "eni-web", "Association", R"({"PublicIp": "198.51.100.66"})");
  Apply(config);
  Expect("internet", Tcp("203.0.113.9:443", "198.51.100.10:5", kAck, 9001, 1001),
         "drop igw_unknown_public_ip");
  Expect("eni-web", Tcp("10.0.0.10:5", "203.0.113.9:443", kAck, 1001, 9001),
         "forward internet: tcp 198.51.100.66:5 > 203.0.113.9:443");
  // From then on it is a flow of the new address.
  Expect("internet", Tcp("203.0.113.9:443", "198.51.100.66:5", kAck, 9001, 1001),
         "forward eni-web: *");
  Expect("internet", Tcp("203.0.113.9:443", "198.51.100.10:5", kAck, 9001, 1001),
         "drop igw_unknown_public_ip");
}

TEST_F(InternetGatewaySemantics, AWS_IGW_08_AnElasticIpMovesToAnotherInterface) {
  VpcConfig config;
  Start(config);
  Expect("internet", Udp("203.0.113.9:5", "198.51.100.10:53"), "forward eni-web: *");
  config.Set("NetworkInterfaces", "eni-web", "Association", "{}");
  config.Set("NetworkInterfaces", "eni-db", "Association", R"({"PublicIp": "198.51.100.10"})");
  Apply(config);
  Expect("internet", Udp("203.0.113.9:5", "198.51.100.10:53"),
         "forward eni-db: udp 203.0.113.9:5 > 10.0.2.10:53");
}

TEST_F(InternetGatewaySemantics, D_HAIRPIN_RFC_ROW_31_ToAPublicAddressOfTheSameVpc) {
  VpcConfig config;
  config.In("sg-web", {}).In("sg-two", {"tcp 80 198.51.100.10/32", "icmp -1 198.51.100.10/32"});
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "198.51.100.12:80"),
         "forward eni-two: tcp 198.51.100.10:5 > 10.0.0.12:80");
  Expect("eni-two", Tcp("10.0.0.12:80", "198.51.100.10:5", kSynAck),
         "forward eni-web: tcp 198.51.100.12:80 > 10.0.0.10:5");
  Expect("eni-web", Echo("10.0.0.10", "198.51.100.11", 7),
         "forward eni-two: icmp 8/0 id 7 198.51.100.10 > 10.0.0.11");
  Expect("eni-two", EchoReply("10.0.0.11", "198.51.100.10", 7),
         "forward eni-web: icmp 0/0 id 7 198.51.100.11 > 10.0.0.10");
  // A public address is not in any group (AWS-SG-05).
  config.In("sg-two", {"tcp 80 sg-web"});
  Apply(config);
  Expect("eni-web", Tcp("10.0.0.10:6", "198.51.100.12:80"), "drop sg_ingress");
  Expect("eni-web", Tcp("10.0.0.10:7", "10.0.0.12:80"), "forward eni-two");
}

TEST_F(InternetGatewaySemantics, D_HAIRPIN_BetweenVpcsAndThroughAcls) {
  VpcConfig config;
  config.Acl("acl-b",
             {"in 100 allow tcp 80 198.51.100.10/32", "out 100 allow tcp 198.51.100.10/32"});
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "198.51.101.10:80"),
         "forward eni-b: tcp 198.51.100.10:5 > 10.1.0.10:80");
  Expect("eni-b", Tcp("10.1.0.10:80", "198.51.100.10:5", kSynAck),
         "forward eni-web: tcp 198.51.101.10:80 > 10.0.0.10:5");
  Expect("eni-two", Tcp("10.0.0.11:5", "198.51.101.10:80"), "drop nacl_ingress acl-b 32767");
}

TEST_F(InternetGatewaySemantics, D_HAIRPIN_RFC_ROW_12_ThroughTheNatGatewayToo) {
  VpcConfig config;
  config.In("sg-web", {"udp 53 198.51.100.200/32"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "198.51.100.10:53"),
         "forward eni-web: udp 198.51.100.200:* > 10.0.0.10:53");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  Expect("eni-web", Udp("10.0.0.10:53", outside),
         "forward eni-app: udp 198.51.100.10:53 > 10.0.1.10:5");
  Expect("eni-two", Udp("10.0.0.11:53", outside), "drop nat_unsolicited");
}

// The type tells the answer of an interface to its own public address from what it asks.
TEST_F(InternetGatewaySemantics, D_ICMPFLOW_D_HAIRPIN_AnEchoToItselfIsAFlowLikeAnother) {
  VpcConfig config;
  Start(config);
  Expect("eni-web", Echo("10.0.0.10", "198.51.100.10", 7),
         "forward eni-web: icmp 8/0 id 7 198.51.100.10 > 10.0.0.10");
  config.Out("sg-web", {});
  Apply(config);
  Wait(20);
  Expect("eni-web", EchoReply("10.0.0.10", "198.51.100.10", 7),
         "forward eni-web: icmp 0/0 id 7 198.51.100.10 > 10.0.0.10");
  Wait(20);
  Expect("eni-web", Echo("10.0.0.10", "198.51.100.10", 7), "forward eni-web: *");
}

}  // namespace
}  // namespace sluice::testing
