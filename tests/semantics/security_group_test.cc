// Security groups: rules, peers, state, tracked and untracked flows.
#include <algorithm>

#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class SecurityGroupSemantics : public VpcTest {
 protected:
  // eni-web asks eni-app.
  static PacketSpec Ask(uint32_t to, uint8_t flags = kSyn, uint32_t seq = 1000, uint32_t ack = 0) {
    return Tcp("10.0.0.10:999", End("10.0.1.10", to), flags, seq, ack);
  }
  static PacketSpec Reply(uint32_t from, uint8_t flags = kSynAck, uint32_t seq = 5000,
                          uint32_t ack = 1001) {
    return Tcp(End("10.0.1.10", from), "10.0.0.10:999", flags, seq, ack);
  }
  void Establish(uint32_t l4_port) {
    Expect("eni-web", Ask(l4_port), "forward eni-app");
    Expect("eni-app", Reply(l4_port), "forward eni-web");
    Expect("eni-web", Ask(l4_port, kAck, 1001, 5001), "forward eni-app");
  }
};

TEST_F(SecurityGroupSemantics, AWS_SG_01_AllowOnlyAndEmptyMeansNothing) {
  VpcConfig config;
  config.In("sg-app", {}).Out("sg-db", {});
  Start(config);
  for (const PacketSpec& spec :
       {Tcp("10.0.0.10:5", "10.0.1.10:80"), Udp("10.0.0.10:5", "10.0.1.10:80"),
        Echo("10.0.0.10", "10.0.1.10", 5), Raw("10.0.0.10", "10.0.1.10", 50)}) {
    Expect("eni-web", spec, "drop sg_ingress");
  }
  Expect("eni-db", Tcp("10.0.2.10:5", "10.0.1.11:80"), "drop sg_egress");
  Expect("eni-app", Tcp("10.0.1.10:5", "10.0.1.11:80"), "forward eni-app2");
}

TEST_F(SecurityGroupSemantics, AWS_SG_02_TheDefaultGroupLetsItsMembersIn) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-web", "Groups", "[]");
  config.Set("NetworkInterfaces", "eni-app", "Groups", "[]");
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.1.10:80"), "forward eni-app");
  Expect("eni-app", Udp("10.0.1.10:5", "10.0.0.10:80"), "forward eni-web");
  Expect("eni-web", Tcp("10.0.0.10:6", "203.0.113.9:80"), "forward internet: *");
  Expect("eni-two", Tcp("10.0.0.11:5", "10.0.1.10:80"), "drop sg_ingress");
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.10:80"), "drop sg_ingress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_03_TheRulesOfAllGroupsAreOneSet) {
  VpcConfig config;
  config.In("sg-app", {"tcp 22 10.0.0.0/8"}).In("sg-app2", {"tcp 80 10.0.0.10/32"});
  const Words orders[] = {{"sg-app", "sg-app2"}, {"sg-app2", "sg-app"}};
  for (const Words& order : orders) {
    config.Groups("eni-app", order);
    Start(config);
    Expect("eni-web", Ask(22), "forward eni-app");
    Expect("eni-web", Ask(80), "forward eni-app");
    Expect("eni-web", Ask(443), "drop sg_ingress");
    Expect("eni-two", Tcp("10.0.0.11:5", "10.0.1.10:80"), "drop sg_ingress");
  }
}

TEST_F(SecurityGroupSemantics, AWS_SG_03_RFC_ROW_108_TheOrderOfRulesDoesNotMatter) {
  Words rules = {"tcp 20-30 10.0.0.0/24", "tcp 25 10.0.0.0/8", "udp 53 10.0.0.10/32"};
  std::sort(rules.begin(), rules.end());
  do {
    VpcConfig config;
    config.In("sg-app", rules);
    Start(config);
    Expect("eni-web", Ask(20), "forward eni-app");
    Expect("eni-web", Ask(31), "drop sg_ingress");
    Expect("eni-db", Tcp("10.0.2.10:5", "10.0.1.10:25"), "forward eni-app");
    Expect("eni-db", Tcp("10.0.2.10:5", "10.0.1.10:26"), "drop sg_ingress");
    Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:53"), "forward eni-app");
    Expect("eni-two", Udp("10.0.0.11:5", "10.0.1.10:53"), "drop sg_ingress");
  } while (std::next_permutation(rules.begin(), rules.end()));
}

TEST_F(SecurityGroupSemantics, AWS_SG_04_ProtocolPortsTypesAndCidrs) {
  struct Case {
    const char* rule;
    PacketSpec packet;
    bool allowed;
  };
  const char* from = "10.0.0.10:999";
  const Case cases[] = {
      {"tcp 80 0.0.0.0/0", Tcp(from, "10.0.1.10:80"), true},
      {"tcp 80 0.0.0.0/0", Tcp(from, "10.0.1.10:79"), false},
      {"tcp 80 0.0.0.0/0", Tcp(from, "10.0.1.10:81"), false},
      {"tcp 80 0.0.0.0/0", Udp(from, "10.0.1.10:80"), false},
      {"tcp 999 0.0.0.0/0", Tcp(from, "10.0.1.10:80"), false},  // no source port match
      {"tcp 80-443 0.0.0.0/0", Tcp(from, "10.0.1.10:80"), true},
      {"tcp 80-443 0.0.0.0/0", Tcp(from, "10.0.1.10:443"), true},
      {"tcp 80-443 0.0.0.0/0", Tcp(from, "10.0.1.10:444"), false},
      {"tcp 0-65535 0.0.0.0/0", Tcp(from, "10.0.1.10:65535"), true},
      {"tcp 0 0.0.0.0/0", Tcp(from, "10.0.1.10:0"), true},
      {"udp 53 10.0.0.10/32", Udp(from, "10.0.1.10:53"), true},
      {"udp 53 10.0.0.11/32", Udp(from, "10.0.1.10:53"), false},
      {"udp 53 10.0.0.8/30", Udp(from, "10.0.1.10:53"), true},
      {"udp 53 10.0.0.12/30", Udp(from, "10.0.1.10:53"), false},
      {"icmp 8/0 0.0.0.0/0", Echo("10.0.0.10", "10.0.1.10", 1), true},
      {"icmp 8/-1 0.0.0.0/0", Icmp("10.0.0.10", "10.0.1.10", 8, 3, 1), true},
      {"icmp 8/0 0.0.0.0/0", Icmp("10.0.0.10", "10.0.1.10", 8, 3, 1), false},
      {"icmp 8/0 0.0.0.0/0", Icmp("10.0.0.10", "10.0.1.10", 13, 0, 1), false},
      {"icmp -1 0.0.0.0/0", Icmp("10.0.0.10", "10.0.1.10", 13, 0, 1), true},
      {"tcp 80 0.0.0.0/0", Echo("10.0.0.10", "10.0.1.10", 1), false},
      {"50 0.0.0.0/0", Raw("10.0.0.10", "10.0.1.10", 50), true},
      {"50 0.0.0.0/0", Raw("10.0.0.10", "10.0.1.10", 51), false},
      {"all 0.0.0.0/0", Raw("10.0.0.10", "10.0.1.10", 132), true},
      {"all 10.0.0.10/32", Tcp(from, "10.0.1.10:7"), true},
      {"tcp 80 pl-x", Tcp(from, "10.0.1.10:80"), true},
      {"tcp 80 pl-y", Tcp(from, "10.0.1.10:80"), false},
  };
  for (const Case& c : cases) {
    VpcConfig config;
    config.Add("ManagedPrefixLists", R"({"PrefixListId": "pl-x", "PrefixListName": "x",
      "MaxEntries": 2, "Entries": [{"Cidr": "9.0.0.0/8"}, {"Cidr": "10.0.0.0/24"}]})");
    config.Add("ManagedPrefixLists", R"({"PrefixListId": "pl-y", "PrefixListName": "y",
      "MaxEntries": 1, "Entries": [{"Cidr": "9.0.0.0/8"}]})");
    config.In("sg-app", {c.rule});
    SCOPED_TRACE(c.rule);
    Start(config);
    Expect("eni-web", c.packet, c.allowed ? "forward eni-app" : "drop sg_ingress");
    config.In("sg-app", {"all 0.0.0.0/0"}).Out("sg-web", {c.rule});
    Start(config);  // the same rule outwards, about the destination
    const std::string rule = c.rule;
    const bool by_cidr =
        rule.find("10.0.0.") == std::string::npos && rule.find("pl-") == std::string::npos;
    if (by_cidr) {
      Expect("eni-web", c.packet, c.allowed ? "forward eni-app" : "drop sg_egress");
    }
  }
}

TEST_F(SecurityGroupSemantics, AWS_SG_04_APrefixListsNewVersionIsInForceAtOnce) {
  VpcConfig config;
  config.Add("ManagedPrefixLists", R"({"PrefixListId": "pl-x", "PrefixListName": "x",
    "MaxEntries": 2, "Entries": [{"Cidr": "9.0.0.0/8"}]})");
  config.In("sg-app", {"tcp 80 pl-x"});
  Start(config);
  Expect("eni-web", Ask(80), "drop sg_ingress");
  config.Set("ManagedPrefixLists", "pl-x", "Entries", R"([{"Cidr": "10.0.0.10/32"}])");
  Apply(config);
  Expect("eni-web", Ask(80), "forward eni-app");
}

TEST_F(SecurityGroupSemantics, AWS_SG_05_D_GROUPPEER_MembershipIsLive) {
  VpcConfig config;
  config.In("sg-app", {"tcp 80 sg-web"});
  Start(config);
  Expect("eni-web", Ask(80), "forward eni-app");
  Expect("eni-two", Tcp("10.0.0.11:5", "10.0.1.10:80"), "drop sg_ingress");
  config.Groups("eni-two", {"sg-two", "sg-web"});  // joins: no rule is edited
  Apply(config);
  Expect("eni-two", Tcp("10.0.0.11:5", "10.0.1.10:80"), "forward eni-app");
  Expect("eni-two", Tcp("10.0.0.13:5", "10.0.1.10:80"), "forward eni-app");  // secondary ones too
  config.Groups("eni-two", {"sg-two"});                                      // and leaves
  Apply(config);
  Expect("eni-two", Tcp("10.0.0.11:6", "10.0.1.10:80"), "drop sg_ingress");
  // The referenced group's rules are not added.
  config.In("sg-web", {"tcp 443 0.0.0.0/0"});
  Apply(config);
  Expect("eni-two", Tcp("10.0.0.11:7", "10.0.1.10:443"), "drop sg_ingress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_05_OnlyPrivateAddressesOfMembers) {
  VpcConfig config;
  config.In("sg-two", {"udp 53 sg-web"}).In("sg-app", {"udp 53 sg-mid"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.0.11:53"), "forward eni-two");
  Expect("eni-web", Udp("10.0.0.10:6", "198.51.100.11:53"), "drop sg_ingress");
  Expect("eni-mid", Udp("10.0.3.10:5", "10.0.1.10:53"), "forward eni-app");
  Expect("eni-mid", Udp("10.0.3.99:5", "10.0.1.10:53"), "drop sg_ingress");  // not its own
  Expect("eni-mid", Udp("10.0.0.10:5", "10.0.1.10:53"), "drop sg_ingress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_05_AWS_PEER_02_GroupsThroughAPeering) {
  VpcConfig config;
  config.In("sg-b", {"tcp 80 sg-app"}).In("sg-app", {"tcp 22 sg-b"}).Out("sg-app", {"tcp 80 sg-b"});
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "10.1.0.10:80"), "forward eni-b");
  Expect("eni-app2", Tcp("10.0.1.11:5", "10.1.0.10:80"), "drop sg_ingress");
  Expect("eni-b", Tcp("10.1.0.10:6", "10.0.1.10:22"), "forward eni-app");
  Expect("eni-b", Tcp("10.1.0.10:6", "10.0.1.10:23"), "drop sg_ingress");
  config.Groups("eni-app2", {"sg-app"});
  Apply(config);
  Expect("eni-app2", Tcp("10.0.1.11:5", "10.1.0.10:80"), "forward eni-b");
}

TEST_F(SecurityGroupSemantics, AWS_SG_06_AStaleRuleMatchesNothing) {
  VpcConfig config;
  config.In("sg-app", {"tcp 80 sg-gone", "tcp 81 pl-gone", "tcp 22 10.0.0.0/8"});
  Start(config);
  Expect("eni-web", Ask(80), "drop sg_ingress");
  Expect("eni-web", Ask(81), "drop sg_ingress");
  Expect("eni-web", Ask(22), "forward eni-app");
}

TEST_F(SecurityGroupSemantics, AWS_SG_06_APeeringThatGoesMakesItsRulesStale) {
  VpcConfig config;
  config.In("sg-b", {"tcp 80 sg-web"});
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.1.0.0/16 pcx-ab"});
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.1.0.10:80"), "forward eni-b");
  config.Remove("VpcPeeringConnections", "pcx-ab");
  Apply(config);
  Expect("eni-web", Tcp("10.0.0.10:6", "10.1.0.10:80"), "drop blackhole_route");
  Expect("eni-web", Tcp("10.0.0.10:6", "198.51.101.10:80"), "drop sg_ingress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_08_RFC_ROW_109_AnswersNeedNoRule) {
  VpcConfig config;
  config.In("sg-app", {"tcp 22 10.0.0.0/8", "udp 53 10.0.0.0/8", "icmp 8/0 10.0.0.0/8"});
  config.Out("sg-app", {}).In("sg-web", {});
  Start(config);
  Expect("eni-app", Reply(22), "drop sg_egress");
  Expect("eni-app", Udp("10.0.1.10:53", "10.0.0.10:7"), "drop sg_egress");
  Expect("eni-app", EchoReply("10.0.1.10", "10.0.0.10", 9), "drop sg_egress");
  Establish(22);
  Expect("eni-web", Udp("10.0.0.10:7", "10.0.1.10:53"), "forward eni-app");
  Expect("eni-app", Udp("10.0.1.10:53", "10.0.0.10:7"), "forward eni-web");
  Expect("eni-web", Echo("10.0.0.10", "10.0.1.10", 9), "forward eni-app");
  Expect("eni-app", EchoReply("10.0.1.10", "10.0.0.10", 9), "forward eni-web");
  Expect("eni-app", Udp("10.0.1.10:53", "10.0.0.10:8"), "drop sg_egress");  // another port
  Expect("eni-app", Udp("10.0.1.10:53", "10.0.0.11:7"), "drop sg_egress");  // another host
}

TEST_F(SecurityGroupSemantics, AWS_SG_09_OtherProtocolsByAddressesAndNumber) {
  VpcConfig config;
  config.In("sg-app", {"50 10.0.0.0/8"}).Out("sg-app", {});
  Start(config);
  Expect("eni-app", Raw("10.0.1.10", "10.0.0.10", 50), "drop sg_egress");
  Expect("eni-web", Raw("10.0.0.10", "10.0.1.10", 50), "forward eni-app");
  Expect("eni-app", Raw("10.0.1.10", "10.0.0.10", 50), "forward eni-web");
  Expect("eni-app", Raw("10.0.1.10", "10.0.0.10", 51), "drop sg_egress");
  Expect("eni-app", Raw("10.0.1.10", "10.0.0.11", 50), "drop sg_egress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_10_GroupsApplyWithinASubnet) {
  VpcConfig config;
  config.In("sg-app2", {"tcp 80 10.0.1.10/32"}).Acl("acl-app", {});
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "10.0.1.11:80"), "forward eni-app2");
  Expect("eni-app", Tcp("10.0.1.10:5", "10.0.1.11:81"), "drop sg_ingress");
  config.Out("sg-app", {});
  Apply(config);
  Expect("eni-app", Tcp("10.0.1.10:6", "10.0.1.11:80"), "drop sg_egress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_11_WhatIsTrackedAndWhatIsNot) {
  struct Case {
    Words in, out;
    PacketSpec packet;
    bool tracked;
  };
  const Words all = {"all 0.0.0.0/0"};
  const PacketSpec tcp = Ask(80);
  const PacketSpec udp = Udp("10.0.0.10:999", "10.0.1.10:80");
  const Case cases[] = {
      {{"tcp 80 0.0.0.0/0"}, all, tcp, false},
      {{"tcp 80 0.0.0.0/0"}, {"tcp 0-65535 0.0.0.0/0"}, tcp, false},
      {{"tcp 80 0.0.0.0/0"}, {"tcp 1-65535 0.0.0.0/0"}, tcp, true},
      {{"tcp 80 0.0.0.0/0"}, {"tcp 0-65535 0.0.0.0/1", "tcp 0-65535 128.0.0.0/1"}, tcp, true},
      {{"tcp 80 0.0.0.0/0"}, {"udp 0-65535 0.0.0.0/0"}, tcp, true},
      {{"tcp 80 0.0.0.0/0"}, {}, tcp, true},
      {{"tcp 80 10.0.0.0/8"}, all, tcp, true},
      {{"tcp 80 sg-web"}, all, tcp, true},
      {{"tcp 80 10.0.0.0/8", "tcp 80 0.0.0.0/0"}, all, tcp, false},  // most permissive wins
      {{"udp 80 0.0.0.0/0"}, all, udp, false},
      {{"udp 80 0.0.0.0/0"}, {"udp 0-65535 0.0.0.0/0"}, udp, false},
      {{"udp 80 0.0.0.0/0"}, {"tcp 0-65535 0.0.0.0/0"}, udp, true},
      {all, all, Echo("10.0.0.10", "10.0.1.10", 4), true},
      {all, all, Raw("10.0.0.10", "10.0.1.10", 50), true},
  };
  int n = 0;
  for (const Case& c : cases) {
    SCOPED_TRACE("case " + std::to_string(n++));
    VpcConfig config;
    config.In("sg-app", c.in).Out("sg-app", c.out);
    config.Groups("eni-web", {"sg-web"});
    Start(config);
    Expect("eni-web", c.packet, "forward eni-app");
    const bool always = c.packet.protocol != 6 && c.packet.protocol != 17;
    EXPECT_EQ(LiveSessions(), c.tracked || always ? 1u : 0u);
  }
}

TEST_F(SecurityGroupSemantics, AWS_SG_11_ThroughANatGatewayAlwaysTracked) {
  VpcConfig config;
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443"), "forward internet: *");
  EXPECT_EQ(LiveSessions(), 1u);
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  config.In("sg-app", {}).Out("sg-app", {});
  Apply(config);  // D-TRACK: the tracked flow outlives its rules
  Expect("internet", Tcp("203.0.113.9:443", outside, kSynAck, 9, 1001), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443", kAck, 1001, 10), "forward internet: *");
  Expect("eni-app", Tcp("10.0.1.10:6", "203.0.113.9:443"), "drop sg_egress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_12_D_TRACK_D_SGCHANGE_ATrackedFlowOutlivesItsRule) {
  VpcConfig config;
  config.In("sg-app", {"tcp 22 10.0.0.0/8"}).Out("sg-app", {});
  Start(config);
  Establish(22);
  config.In("sg-app", {});
  Apply(config);
  for (int i = 0; i < 3; ++i) {
    Expect("eni-web", Ask(22, kAck, 1001, 5001), "forward eni-app");
    Expect("eni-app", Reply(22, kAck, 5001, 1001), "forward eni-web");
    Wait(3600);
  }
  Expect("eni-two", Tcp("10.0.0.11:5", "10.0.1.10:22"), "drop sg_ingress");  // new ones are refused
}

TEST_F(SecurityGroupSemantics, AWS_SG_12_D_TRACK_RFC_ROW_110_AnUntrackedFlowStopsAtTheNextPacket) {
  VpcConfig config;
  config.In("sg-app", {"tcp 80 0.0.0.0/0"});
  Start(config);
  Establish(80);
  EXPECT_EQ(LiveSessions(), 0u);
  config.In("sg-app", {});
  Apply(config);
  Expect("eni-web", Ask(80, kAck, 1001, 5001), "drop sg_ingress");
  Expect("eni-app", Reply(80, kAck, 5001, 1001), "forward eni-web");  // its own rule still allows
  config.In("sg-app", {"tcp 80 0.0.0.0/0"}).Out("sg-app", {});
  Apply(config);
  Expect("eni-app", Reply(80, kAck, 5001, 1001), "drop sg_egress");
}

TEST_F(SecurityGroupSemantics, D_TRACK_AnUntrackedFlowBecomesTrackedByItsInitiator) {
  VpcConfig config;
  config.In("sg-app", {"tcp 80 0.0.0.0/0"});
  Start(config);
  Establish(80);
  EXPECT_EQ(LiveSessions(), 0u);
  config.Out("sg-app", {"tcp 22 10.0.0.0/8"});  // no longer open: such flows are tracked now
  Apply(config);
  Expect("eni-app", Reply(80, kAck, 5001, 1001), "drop sg_egress");
  Expect("eni-web", Ask(80, kRst, 99), "forward eni-app");  // opens nothing, so tracks nothing
  Expect("eni-app", Reply(80, kAck, 5001, 1001), "drop sg_egress");
  Expect("eni-web", Ask(80, kAck, 1001, 5001), "forward eni-app");
  EXPECT_EQ(LiveSessions(), 1u);
  Expect("eni-app", Reply(80, kAck, 5001, 1001), "forward eni-web");
}

TEST_F(SecurityGroupSemantics, D_TRACK_TheSendersSideIsJudgedApart) {
  // Untracked at eni-app, tracked at eni-web, whose outbound rule then goes.
  VpcConfig config;
  config.Out("sg-web", {"tcp 80 10.0.0.0/8"}).In("sg-web", {});
  Start(config);
  Establish(80);
  EXPECT_EQ(LiveSessions(), 1u);
  config.Out("sg-web", {});
  Apply(config);
  Expect("eni-web", Ask(80, kAck, 1001, 5001), "forward eni-app");
  Expect("eni-app", Reply(80, kAck, 5001, 1001), "forward eni-web");
  config.In("sg-app", {});
  Apply(config);
  Expect("eni-web", Ask(80, kAck, 1001, 5001), "drop sg_ingress");
}

TEST_F(SecurityGroupSemantics, D_TRACK_IcmpIsAlwaysTracked) {
  VpcConfig config;
  Start(config);
  Expect("eni-web", Echo("10.0.0.10", "10.0.1.10", 7), "forward eni-app");
  config.In("sg-app", {}).Out("sg-app", {});
  Apply(config);
  Expect("eni-app", EchoReply("10.0.1.10", "10.0.0.10", 7), "forward eni-web");
  Expect("eni-web", Echo("10.0.0.10", "10.0.1.10", 7), "forward eni-app");
  Expect("eni-web", Echo("10.0.0.10", "10.0.1.10", 8), "drop sg_ingress");
}

TEST_F(SecurityGroupSemantics, AWS_SG_14_RFC_ROW_112_AtTheLimitNewFlowsDropAndOldOnesGoOn) {
  VpcConfig config;
  config.MaxSessions(16).In("sg-app", {"tcp 22 10.0.0.0/8", "tcp 80 0.0.0.0/0"});
  Start(config, {.reference_world = false});
  for (uint32_t i = 0; i < 16; ++i) {
    Expect("eni-web", Tcp(End("10.0.0.10", 1000 + i), "10.0.1.10:22"), "forward eni-app");
    Expect("eni-app", Tcp("10.0.1.10:22", End("10.0.0.10", 1000 + i), kSynAck, 5000, 1001),
           "forward eni-web");
    Expect("eni-web", Tcp(End("10.0.0.10", 1000 + i), "10.0.1.10:22", kAck, 1001, 5001),
           "forward eni-app");
  }
  EXPECT_EQ(LiveSessions(), 16u);
  Expect("eni-web", Tcp("10.0.0.10:2000", "10.0.1.10:22"), "drop conntrack_full");
  Expect("eni-db", Echo("10.0.2.10", "10.0.1.11", 7), "drop conntrack_full");
  // Untracked flows need no entry.
  Expect("eni-web", Tcp("10.0.0.10:2001", "10.0.1.10:80"), "forward eni-app");
  EXPECT_EQ(Count("conntrack_full"), 2u);
  EXPECT_EQ(ConntrackExceeded("eni-app"), 1u);   // where it would have been tracked
  EXPECT_EQ(ConntrackExceeded("eni-app2"), 1u);  // ICMP always is, at both ends
  EXPECT_EQ(ConntrackExceeded("eni-db"), 1u);
  for (uint32_t i = 0; i < 16; ++i) {
    Expect("eni-web", Tcp(End("10.0.0.10", 1000 + i), "10.0.1.10:22", kAck, 1001, 5001),
           "forward eni-app");
  }
}

// The allowance of an instance: the neighbour's is its own, and old connections go on.
TEST_F(SecurityGroupSemantics, AWS_SG_14_AnInterfaceHasALimitOfItsOwn) {
  VpcConfig config;
  config.In("sg-app", {"tcp 22 10.0.0.0/8"}).In("sg-app2", {"tcp 22 10.0.0.0/8"});
  config.MaxSessionsPerInterface(4);
  Start(config, {.reference_world = false});
  for (uint32_t i = 0; i < 4; ++i) {
    Expect("eni-web", Tcp(End("10.0.0.10", 1000 + i), "10.0.1.10:22"), "forward eni-app");
  }
  for (uint32_t i = 0; i < 3; ++i) {
    Expect("eni-web", Tcp(End("10.0.0.10", 2000 + i), "10.0.1.10:22"), "drop conntrack_full");
  }
  EXPECT_EQ(ConntrackExceeded("eni-app"), 3u);
  EXPECT_EQ(ConntrackExceeded("eni-web"), 0u) << "it does not track: everything is open there";
  EXPECT_EQ(LiveSessions(), 4u);
  Expect("eni-web", Tcp("10.0.0.10:3000", "10.0.1.11:22"), "forward eni-app2");
  for (uint32_t i = 0; i < 4; ++i) {
    Expect("eni-app", Tcp("10.0.1.10:22", End("10.0.0.10", 1000 + i), kSynAck, 5000, 1001),
           "forward eni-web");
    Expect("eni-web", Tcp(End("10.0.0.10", 1000 + i), "10.0.1.10:22", kAck, 1001, 5001),
           "forward eni-app");
  }
  config.MaxSessionsAt("eni-app", 5);  // no restart: the next packet is judged by it
  Apply(config);
  Expect("eni-web", Tcp("10.0.0.10:2000", "10.0.1.10:22"), "forward eni-app");
  Expect("eni-web", Tcp("10.0.0.10:2001", "10.0.1.10:22"), "drop conntrack_full");
  EXPECT_EQ(ConntrackExceeded("eni-app"), 4u);
  EXPECT_EQ(ConntrackExceeded("eni-app2"), 0u);
}

TEST_F(SecurityGroupSemantics, AWS_SG_14_AClosedConnectionFreesItsPlaceAtTheInterface) {
  VpcConfig config;
  config.In("sg-app", {"tcp 22 10.0.0.0/8"}).MaxSessionsAt("eni-app", 1);
  Start(config, {.reference_world = false});
  Expect("eni-web", Tcp("10.0.0.10:1000", "10.0.1.10:22"), "forward eni-app");
  Expect("eni-web", Tcp("10.0.0.10:1001", "10.0.1.10:22"), "drop conntrack_full");
  Expect("eni-web", Tcp("10.0.0.10:1000", "10.0.1.10:22", kRst, 1001), "forward eni-app");
  Wait(120);
  Expect("eni-web", Tcp("10.0.0.10:1001", "10.0.1.10:22"), "forward eni-app");
}

TEST_F(SecurityGroupSemantics, AWS_SG_14_ClosedConnectionsGiveWay) {
  VpcConfig config;
  config.MaxSessions(16).In("sg-app", {"tcp 22 10.0.0.0/8"});
  Start(config, {.reference_world = false});
  for (uint32_t i = 0; i < 16; ++i) {
    Expect("eni-web", Tcp(End("10.0.0.10", 1000 + i), "10.0.1.10:22"), "forward eni-app");
  }
  Expect("eni-web", Tcp("10.0.0.10:2000", "10.0.1.10:22"), "drop conntrack_full");
  Expect("eni-web", Tcp("10.0.0.10:1007", "10.0.1.10:22", kRst, 1001), "forward eni-app");
  Expect("eni-web", Tcp("10.0.0.10:2000", "10.0.1.10:22"), "forward eni-app");
  Expect("eni-web", Tcp("10.0.0.10:2001", "10.0.1.10:22"), "drop conntrack_full");
}

TEST_F(SecurityGroupSemantics, AWS_SG_17_D_MIDSTREAM_AFlowSeenFromTheMiddle) {
  VpcConfig config;
  config.In("sg-app", {"tcp 22 10.0.0.0/8"}).Out("sg-app", {"tcp 999 10.0.0.0/8"});
  Start(config);
  Expect("eni-web", Ask(22, kAck, 1001, 5001), "forward eni-app");
  Expect("eni-app", Reply(22, kAck, 5001, 1001), "forward eni-web");  // its rules allow it
  EXPECT_EQ(LiveSessions(), 1u);
  config.Out("sg-app", {});
  Apply(config);
  Expect("eni-app", Reply(22, kAck, 5001, 1001), "drop sg_egress");
  Expect("eni-web", Ask(22, kAck, 1001, 5001), "forward eni-app");
  // A cut untracked flow cannot open itself again from the other side.
  config.In("sg-app", {}).Out("sg-app", {"tcp 0-65535 0.0.0.0/0"});
  Start(config);
  Expect("eni-app", Reply(22, kAck, 5001, 1001), "forward eni-web");
  Expect("eni-web", Ask(22, kAck, 1001, 5001), "drop sg_ingress");
  // With a SYN it is a flow, and the answer passes.
  Expect("eni-app", Reply(22, kSyn, 5001), "forward eni-web");
  Expect("eni-web", Ask(22, kSynAck, 1001, 5002), "forward eni-app");
}

TEST_F(SecurityGroupSemantics, D_ICMPFLOW_RFC_ROW_47_QueriesAndTheirOwnReplies) {
  VpcConfig config;
  config.In("sg-app", {"icmp -1 10.0.0.0/8"}).Out("sg-app", {});
  Start(config);
  const uint8_t pairs[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
  for (const auto& [query, reply] : pairs) {
    Expect("eni-app", Icmp("10.0.1.10", "10.0.0.10", reply, 0, 7), "drop sg_egress");
    Expect("eni-web", Icmp("10.0.0.10", "10.0.1.10", query, 0, 7), "forward eni-app");
    Expect("eni-app", Icmp("10.0.1.10", "10.0.0.10", reply, 0, 7), "forward eni-web");
    Expect("eni-app", Icmp("10.0.1.10", "10.0.0.10", reply, 0, 8), "drop sg_egress");  // other id
    Expect("eni-app", Icmp("10.0.1.10", "10.0.0.10", query, 0, 7), "drop sg_egress");  // no reply
  }
  // A reply of another type pair is none.
  Start(config);
  Expect("eni-web", Icmp("10.0.0.10", "10.0.1.10", 13, 0, 7), "forward eni-app");
  Expect("eni-app", EchoReply("10.0.1.10", "10.0.0.10", 7), "drop sg_egress");
  // A reply opens nothing.
  Expect("eni-web", EchoReply("10.0.0.10", "10.0.1.10", 9), "forward eni-app");
  Expect("eni-app", Echo("10.0.1.10", "10.0.0.10", 9), "drop sg_egress");
}

}  // namespace
}  // namespace sluice::testing
