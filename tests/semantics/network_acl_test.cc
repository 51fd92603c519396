// Network ACLs, and the order in which everything is asked.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class NetworkAclSemantics : public VpcTest {
 protected:
  static PacketSpec Ask(uint32_t to, uint8_t flags = kSyn) {
    return Tcp("10.0.0.10:40000", End("10.0.1.10", to), flags);
  }
  static PacketSpec Reply(uint32_t from) {
    return Tcp(End("10.0.1.10", from), "10.0.0.10:40000", kSynAck);
  }
};

class OrderSemantics : public NetworkAclSemantics {};

TEST_F(NetworkAclSemantics, AWS_NACL_01_OneAclServesSubnetsAndChangesHands) {
  VpcConfig config;
  config.Acl("acl-app", {"out 100 allow all 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Ask(80), "drop nacl_ingress acl-app 32767");
  Expect("eni-mid", Tcp("10.0.3.10:5", "10.0.0.10:80"), "forward eni-web");  // the default ACL
  config.Set("NetworkAcls", "acl-app", "Associations", "[]");
  config.Set("NetworkAcls", "acl-pub", "Associations",
             R"([{"SubnetId": "subnet-pub"}, {"SubnetId": "subnet-app"}])");
  Apply(config);
  Expect("eni-web", Ask(80), "forward eni-app");
}

TEST_F(NetworkAclSemantics, AWS_NACL_02_RFC_ROW_113_TheFirstMatchByNumber) {
  VpcConfig config;
  config.Acl("acl-app", {"in 300 deny tcp 0-65535 0.0.0.0/0", "in 100 deny tcp 22 10.0.0.10/32",
                         "in 200 allow tcp 20-30 10.0.0.0/24", "in 50 allow tcp 22 10.0.0.11/32",
                         "in 1 allow udp 53 10.0.0.0/8", "in 32766 allow all 0.0.0.0/0",
                         "out 100 allow all 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Ask(22), "drop nacl_ingress acl-app 100");
  Expect("eni-two", Tcp("10.0.0.11:5", "10.0.1.10:22"), "forward eni-app");
  Expect("eni-web", Ask(23), "forward eni-app");
  Expect("eni-web", Ask(31), "drop nacl_ingress acl-app 300");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:53"), "forward eni-app");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:54"), "forward eni-app");  // 32766
  config.Acl("acl-app", {"in 1 allow udp 53 10.0.0.0/8", "out 100 allow all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-web", Ask(23), "drop nacl_ingress acl-app 32767");  // the final "*"
}

TEST_F(NetworkAclSemantics, AWS_NACL_03_DefaultAllowsCustomDenies) {
  VpcConfig config;
  config.Acl("acl-app", {}).Remove("NetworkAcls", "acl-pub");
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.2.10:80"), "forward eni-db");
  Expect("eni-web", Ask(80), "drop nacl_ingress acl-app 32767");
  Expect("eni-app", Reply(80), "drop nacl_egress acl-app 32767");
}

TEST_F(NetworkAclSemantics, AWS_NACL_04_ProtocolPortsTypesAndOneCidr) {
  struct Case {
    const char* entry;
    PacketSpec packet;
    bool matches;
  };
  const char* from = "10.0.0.10:999";
  const Case cases[] = {
      {"tcp 80 0.0.0.0/0", Tcp(from, "10.0.1.10:80"), true},
      {"tcp 80 0.0.0.0/0", Tcp(from, "10.0.1.10:81"), false},
      {"tcp 80 0.0.0.0/0", Udp(from, "10.0.1.10:80"), false},
      {"tcp 999 0.0.0.0/0", Tcp(from, "10.0.1.10:80"), false},
      {"tcp 79-81 10.0.0.0/24", Tcp(from, "10.0.1.10:81"), true},
      {"tcp 79-81 10.0.1.0/24", Tcp(from, "10.0.1.10:80"), false},  // the source, inbound
      {"udp 0-65535 0.0.0.0/0", Udp(from, "10.0.1.10:65535"), true},
      {"icmp 8/0 0.0.0.0/0", Echo("10.0.0.10", "10.0.1.10", 1), true},
      {"icmp 8/-1 0.0.0.0/0", Icmp("10.0.0.10", "10.0.1.10", 8, 9, 1), true},
      {"icmp 0/0 0.0.0.0/0", Echo("10.0.0.10", "10.0.1.10", 1), false},
      {"icmp -1 0.0.0.0/0", Icmp("10.0.0.10", "10.0.1.10", 13, 0, 1), true},
      {"50 0.0.0.0/0", Raw("10.0.0.10", "10.0.1.10", 50), true},
      {"50 0.0.0.0/0", Raw("10.0.0.10", "10.0.1.10", 47), false},
      {"all 10.0.0.10/32", Raw("10.0.0.10", "10.0.1.10", 47), true},
      {"all 10.0.0.11/32", Raw("10.0.0.10", "10.0.1.10", 47), false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.entry);
    VpcConfig config;
    config.Acl("acl-app", {"in 100 allow " + std::string(c.entry), "out 100 allow all 0.0.0.0/0"});
    Start(config);
    Expect("eni-web", c.packet, c.matches ? "forward eni-app" : "drop nacl_ingress acl-app 32767");
    config.Acl("acl-app", {"in 100 deny " + std::string(c.entry), "in 200 allow all 0.0.0.0/0",
                           "out 100 allow all 0.0.0.0/0"});
    Start(config);
    Expect("eni-web", c.packet, c.matches ? "drop nacl_ingress acl-app 100" : "forward eni-app");
  }
}

TEST_F(NetworkAclSemantics, AWS_NACL_04_OutboundRulesSpeakOfTheDestination) {
  VpcConfig config;
  config.Acl("acl-pub", {"in 100 allow all 0.0.0.0/0", "out 100 allow tcp 80 10.0.1.10/32",
                         "out 200 allow udp 53 203.0.113.0/24"});
  Start(config);
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-web", Ask(81), "drop nacl_egress acl-pub 32767");
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.1.11:80"), "drop nacl_egress acl-pub 32767");
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "forward internet: *");
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.114.9:53"), "drop nacl_egress acl-pub 32767");
}

TEST_F(NetworkAclSemantics, AWS_NACL_05_RepliesNeedEphemeralPorts) {
  VpcConfig config;
  config.Acl("acl-app",
             {"in 100 allow tcp 80 0.0.0.0/0", "out 100 allow tcp 32768-61000 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-app", Reply(80), "forward eni-web");
  Expect("eni-web", Tcp("10.0.0.10:1024", "10.0.1.10:80"), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:1024", kSynAck),
         "drop nacl_egress acl-app 32767");
  Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:61001", kSynAck),
         "drop nacl_egress acl-app 32767");
  // Tracked or not makes no difference.
  config.In("sg-app", {"tcp 80 10.0.0.0/8"}).Acl("acl-app", {"in 100 allow tcp 80 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-app", Reply(80), "drop nacl_egress acl-app 32767");
}

TEST_F(NetworkAclSemantics, AWS_NACL_06_NotInsideASubnet) {
  VpcConfig config;
  config.Acl("acl-pub", {}).Acl("acl-app", {});
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.0.11:80"), "forward eni-two");
  Expect("eni-two", Tcp("10.0.0.11:80", "10.0.0.10:5", kSynAck), "forward eni-web");
  Expect("eni-app", Echo("10.0.1.10", "10.0.1.11", 7), "forward eni-app2");
  Expect("eni-web", Ask(80), "drop nacl_egress acl-pub 32767");
}

TEST_F(NetworkAclSemantics, AWS_NACL_07_AllFourDirectionsMustAllow) {
  const Words open = {"in 100 allow all 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"};
  const Words in_only = {"in 100 allow all 0.0.0.0/0"};
  const Words out_only = {"out 100 allow all 0.0.0.0/0"};
  Start(VpcConfig().Acl("acl-pub", in_only));
  Expect("eni-web", Ask(80), "drop nacl_egress acl-pub 32767");
  Start(VpcConfig().Acl("acl-app", out_only));
  Expect("eni-web", Ask(80), "drop nacl_ingress acl-app 32767");
  Start(VpcConfig().Acl("acl-app", in_only));
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-app", Reply(80), "drop nacl_egress acl-app 32767");
  Start(VpcConfig().Acl("acl-pub", out_only));
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-app", Reply(80), "drop nacl_ingress acl-pub 32767");
  Start(VpcConfig().Acl("acl-pub", open));
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-app", Reply(80), "forward eni-web");
}

TEST_F(NetworkAclSemantics, AWS_NACL_08_TenThousandRules) {
  Words entries = {"out 100 allow all 0.0.0.0/0"};
  for (int i = 1; i <= 10'000; ++i) {
    entries.push_back("in " + std::to_string(i) + (i % 2 == 0 ? " deny" : " allow") + " tcp " +
                      std::to_string(i) + " 10.0.0.0/8");
  }
  VpcConfig config;
  config.Acl("acl-app", entries);
  Start(config, {.reference_world = true, .uncached = false});
  for (const uint32_t l4_port : {1u, 2u, 4999u, 5000u, 9999u, 10'000u}) {
    Expect("eni-web", Ask(l4_port),
           l4_port % 2 == 0 ? "drop nacl_ingress acl-app " + std::to_string(l4_port)
                            : "forward eni-app");
  }
  Expect("eni-web", Ask(10'001), "drop nacl_ingress acl-app 32767");
}

TEST_F(NetworkAclSemantics, AWS_NACL_10_RFC_ROW_114_ADenyCutsAtOnceBothWays) {
  VpcConfig tracked;
  tracked.In("sg-app", {"tcp 22 10.0.0.0/8"});
  for (const VpcConfig& start : {VpcConfig(), tracked}) {  // tracked or not
    for (const bool inbound : {true, false}) {
      VpcConfig config = start;
      Start(config);
      Expect("eni-web", Ask(22), "forward eni-app");
      Expect("eni-app", Reply(22), "forward eni-web");
      Expect("eni-web", Ask(22, kAck), "forward eni-app");
      config.Acl("acl-app",
                 {inbound ? "in 50 deny tcp 22 0.0.0.0/0" : "out 50 deny tcp 40000 0.0.0.0/0",
                  "in 100 allow all 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"});
      Apply(config);
      Expect("eni-web", Ask(22, kAck),
             inbound ? "drop nacl_ingress acl-app 50" : "forward eni-app");
      Expect("eni-app", Reply(22), inbound ? "forward eni-web" : "drop nacl_egress acl-app 50");
      Apply(start);  // and lets it go on
      Expect("eni-web", Ask(22, kAck), "forward eni-app");
      Expect("eni-app", Reply(22), "forward eni-web");
    }
  }
}

TEST_F(NetworkAclSemantics, AWS_NACL_11_PathMtuErrorsDoNotBypassTheAcl) {
  VpcConfig config;
  config.Acl("acl-pub", {"in 100 allow tcp 1024-65535 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"});
  config.In("sg-web", {});
  Start(config);
  const PacketSpec ask = Tcp("10.0.0.10:5000", "203.0.113.9:443");
  Expect("eni-web", ask, "forward internet: *");
  const Bytes seen_outside = BuildIpv4(Tcp("198.51.100.10:5000", "203.0.113.9:443"));
  const PacketSpec error = ErrorAbout("203.0.113.1", "198.51.100.10", 3, 4, seen_outside);
  Expect("internet", error, "drop nacl_ingress acl-pub 32767");
  config.Acl("acl-pub", {"in 100 allow icmp 3/4 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"});
  Apply(config);
  Expect(
      "internet", error,
      "forward eni-web: icmp 3/4 203.0.113.1 > 10.0.0.10 [tcp 10.0.0.10:5000 > 203.0.113.9:443]");
}

TEST_F(NetworkAclSemantics, AWS_NACL_12_LaterFragmentsAreJudgedWithTheirFirstsPorts) {
  VpcConfig config;
  config.Acl("acl-app", {"in 100 allow udp 53 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"});
  Start(config);
  for (const char* to : {"10.0.1.10:53", "10.0.1.10:54"}) {
    PacketSpec whole = Udp("10.0.0.10:5", to, 40);
    whole.ip_id = static_cast<uint16_t>(to[11]);
    whole.src_mac = MacOf("eni-web");
    for (const Bytes& fragment : BuildFragments(whole, 16)) {
      ExpectFrame("eni-web", fragment, to[11] == '3' ? "forward eni-app" : "drop nacl_ingress*");
    }
  }
}

TEST_F(NetworkAclSemantics, D_NACLBORDER_TheSubnetsOfTheTwoInterfacesDecide) {
  VpcConfig config;
  config.Acl("acl-pub", {});
  Start(config);
  // Client and NAT gateway in one subnet: the border is behind the gateway.
  config.Routes("rtb-pub", {"0.0.0.0/0 nat-a"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop blackhole_route");
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a"});
  config.Acl("acl-pub", {"out 100 deny udp 53 0.0.0.0/0", "out 200 allow all 0.0.0.0/0",
                         "in 100 allow all 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop nacl_egress acl-pub 100");
  // Nobody owns the address: outside, unless it lies in the sender's own subnet.
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.9.9:53"), "drop nacl_egress acl-pub 100");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.99:53"), "drop unknown_destination");
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.11:53"), "forward eni-two");
}

TEST_F(OrderSemantics, AWS_ORD_01_SourceCheckGroupAclRoute) {
  VpcConfig config;
  config.Out("sg-web", {}).Acl("acl-pub", {}).Routes("rtb-pub", {});
  Start(config);
  Expect("eni-web", Udp("10.9.9.9:5", "203.0.113.9:53"), "drop source_check");
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop sg_egress");
  config.Out("sg-web", {"all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop nacl_egress acl-pub 32767");
  config.Acl("acl-pub", {"out 100 allow all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop no_route");
}

TEST_F(OrderSemantics, AWS_ORD_02_AclGroupDestinationCheck) {
  VpcConfig config;
  config.Routes("rtb-pub", {"203.0.113.0/24 eni-app"}).Acl("acl-app", {}).In("sg-app", {});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop nacl_ingress acl-app 32767");
  config.Acl("acl-app", {"in 100 allow all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop sg_ingress");
  config.In("sg-app", {"all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53"), "drop dest_check");
}

TEST_F(OrderSemantics, AWS_ORD_03_D_STATE_WhatTheAclRefusesLeavesNothing) {
  VpcConfig config;
  config.In("sg-app", {"udp 53 10.0.0.0/8"}).Out("sg-app", {});
  const Words open = {"in 100 allow all 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"};
  config.Acl("acl-app", {"out 100 allow all 0.0.0.0/0"});
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:5", "10.0.1.10:53");
  const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:5");
  Expect("eni-web", ask, "drop nacl_ingress acl-app 32767");
  EXPECT_EQ(LiveSessions(), 0u);
  Expect("eni-app", reply, "drop sg_egress");
  // Nor does it refresh: 20 s, a refused packet, 20 s more.
  config.Acl("acl-app", open);
  Apply(config);
  Expect("eni-web", ask, "forward eni-app");
  Wait(20);
  config.Acl("acl-app", {"out 100 allow all 0.0.0.0/0"});
  Apply(config);
  Expect("eni-web", ask, "drop nacl_ingress acl-app 32767");
  Wait(10.001);
  Expect("eni-app", reply, "drop sg_egress");
}

TEST_F(OrderSemantics, D_STATE_EveryKindOfDropLeavesNoState) {
  VpcConfig config;
  config.In("sg-app", {}).Out("sg-db", {});
  config.Routes("rtb-pub", {"9.0.0.0/8 nat-gone", "203.0.113.0/24 igw-a"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:53"), "drop sg_ingress");
  Expect("eni-db", Udp("10.0.2.10:5", "10.0.1.11:53"), "drop sg_egress");
  Expect("eni-web", Udp("10.0.0.10:5", "9.1.1.1:53"), "drop blackhole_route");
  Expect("eni-web", Udp("10.0.0.10:5", "8.1.1.1:53"), "drop no_route");
  Expect("eni-web", Udp("10.0.0.99:5", "10.0.1.11:53"), "drop source_check");
  Expect("eni-app", Raw("10.0.1.10", "203.0.113.9", 47), "drop nat_unsupported_protocol");
  PacketSpec last_hop = Udp("10.0.1.10:5", "203.0.113.9:53");
  last_hop.ttl = 1;
  Expect("eni-app", last_hop, "consume ttl_expired *");
  PacketSpec rigid = Udp("10.0.1.10:5", "203.0.113.9:53", 1473);
  rigid.dont_fragment = true;
  Expect("eni-app", rigid, "consume mtu_exceeded *");
  EXPECT_EQ(LiveSessions(), 0u);
}

}  // namespace
}  // namespace sluice::testing
