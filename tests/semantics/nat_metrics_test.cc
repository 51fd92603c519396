// What CloudWatch counts of a NAT gateway (AWS-NAT-15), in literal numbers. A TCP segment of these
// conversations is 40 bytes, a UDP datagram 36, an echo 36.
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class NatMetrics : public VpcTest {
 protected:
  // A handshake of eni-app: two packets out, one in.
  std::string Connect(uint32_t from) {
    const std::string inside = End("10.0.1.10", from);
    Expect("eni-app", Tcp(inside, kRemote), "forward internet: *");
    const std::string outside = End("198.51.100.200", LastSent().src_port);
    Expect("internet", Tcp(kRemote, outside, kSynAck, 9000, 1001), "forward eni-app: *");
    Expect("eni-app", Tcp(inside, kRemote, kAck, 1001, 9001), "forward internet: *");
    return outside;
  }
  void ExpectCounts(const std::string& expected, const Where& where = Where::Here()) {
    const ::testing::ScopedTrace trace(where.file, where.line, "counts");
    EXPECT_EQ(NatCounts("nat-a"), expected);
  }
  static constexpr const char* kRemote = "203.0.113.9:443";
};

TEST_F(NatMetrics, AWS_NAT_15_AConversation) {
  VpcConfig config;
  Start(config);
  const std::string outside = Connect(5000);
  ExpectCounts(
      "source 2/80 left 2/80, destination 1/40 left 1/40, dropped 0, tcp 1 of 1, no port 0, idle "
      "0");
  for (int i = 0; i < 3; ++i) {  // established: the session cache answers
    Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kAck, 1001, 9001), "forward internet: *");
    Expect("internet", Tcp(kRemote, outside, kAck, 9001, 1001), "forward eni-app: *");
  }
  Expect("eni-app", Udp("10.0.1.10:6000", "203.0.113.9:53"), "forward internet: *");
  Expect("eni-app2", Echo("10.0.1.11", "203.0.113.9", 7), "forward internet: *");
  ExpectCounts(
      "source 7/272 left 7/272, destination 4/160 left 4/160, dropped 0, tcp 1 of 1, no port 0, "
      "idle 0");
  Expect("eni-web", Udp("10.0.0.10:1", "203.0.113.9:53"), "forward internet: *");
  Expect("eni-web", Udp("10.0.0.10:1", "10.0.1.10:53"), "forward eni-app");
  ExpectCounts(
      "source 7/272 left 7/272, destination 4/160 left 4/160, dropped 0, tcp 1 of 1, no port 0, "
      "idle 0");
}

TEST_F(NatMetrics, AWS_NAT_15_WhatTheGatewayRefusesCameInAndDidNotLeave) {
  Start();
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.200:2000"), "drop nat_unsolicited");
  ExpectCounts(
      "source 0/0 left 0/0, destination 1/36 left 0/0, dropped 1, tcp 0 of 0, no port 0, idle 0");
  Expect("eni-app", Raw("10.0.1.10", "203.0.113.9", 47), "drop nat_unsupported_protocol");
  Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kSynAck), "drop conntrack_invalid");
  ExpectCounts(
      "source 2/84 left 0/0, destination 1/36 left 0/0, dropped 3, tcp 0 of 0, no port 0, idle 0");
  Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kAck), "consume nat_idle_timeout eni-app: *");
  PacketSpec last_hop = Udp("10.0.1.10:6000", "203.0.113.9:53");
  last_hop.ttl = 1;
  Expect("eni-app", last_hop, "consume ttl_expired eni-app: *");
  ExpectCounts(  // answered, not dropped; the answers did not come through
      "source 4/160 left 0/0, destination 1/36 left 0/0, dropped 3, tcp 0 of 0, no port 0, idle 0");
}

TEST_F(NatMetrics, AWS_NAT_15_WhatOthersRefuseIsNoDropOfTheGateway) {
  VpcConfig config;
  config.Acl("acl-pub", {"in 100 allow all 0.0.0.0/0", "out 90 deny udp 53 0.0.0.0/0",
                         "out 100 allow all 0.0.0.0/0"});
  config.Acl("acl-app", {"in 100 allow all 0.0.0.0/0", "out 90 deny udp 54 0.0.0.0/0",
                         "out 100 allow all 0.0.0.0/0"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:6000", "203.0.113.9:53"), "drop nacl_egress acl-pub 90");
  ExpectCounts(
      "source 1/36 left 0/0, destination 0/0 left 0/0, dropped 0, tcp 0 of 0, no port 0, idle 0");
  Expect("eni-app", Udp("10.0.1.10:6000", "203.0.113.9:54"), "drop nacl_egress acl-app 90");
  ExpectCounts(  // it never got there
      "source 1/36 left 0/0, destination 0/0 left 0/0, dropped 0, tcp 0 of 0, no port 0, idle 0");
}

TEST_F(NatMetrics, AWS_NAT_15_AttemptsAreConnectionsNotSegments) {
  Start();
  for (int i = 0; i < 3; ++i) {  // sent again while nobody answers
    Expect("eni-app", Tcp("10.0.1.10:5000", kRemote), "forward internet: *");
  }
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  for (int i = 0; i < 2; ++i) {
    Expect("internet", Tcp(kRemote, outside, kSynAck, 9000, 1001), "forward eni-app: *");
  }
  ExpectCounts(
      "source 3/120 left 3/120, destination 2/80 left 2/80, dropped 0, tcp 1 of 1, no port 0, "
      "idle 0");
  Expect("internet", Tcp(kRemote, outside, kRst, 9001), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kSyn, 5000), "forward internet: *");
  ExpectCounts(
      "source 4/160 left 4/160, destination 3/120 left 3/120, dropped 0, tcp 1 of 2, no port 0, "
      "idle 0");
}

TEST_F(NatMetrics, AWS_NAT_15_IdleConnectionsCountOnceClosedOnesNever) {
  Start();
  Connect(5000);
  const std::string closed = Connect(5001);
  Expect("internet", Tcp(kRemote, closed, kRst, 9001), "forward eni-app: *");
  Expect("eni-app", Udp("10.0.1.10:6000", "203.0.113.9:53"), "forward internet: *");
  Wait(350);
  ExpectCounts(
      "source 5/196 left 5/196, destination 3/120 left 3/120, dropped 0, tcp 2 of 2, no port 0, "
      "idle 0");
  Wait(2);
  ExpectCounts(
      "source 5/196 left 5/196, destination 3/120 left 3/120, dropped 0, tcp 2 of 2, no port 0, "
      "idle 1");
  Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kAck, 1001, 9001),
         "consume nat_idle_timeout eni-app: *");
  Wait(1000);
  ExpectCounts(
      "source 6/236 left 5/196, destination 3/120 left 3/120, dropped 0, tcp 2 of 2, no port 0, "
      "idle 1");
}

TEST_F(NatMetrics, AWS_NAT_15_OnlyWhatBothEndsHaveFinishedIsClosed) {
  Start();
  const std::string half = Connect(5000);
  Expect("internet", Tcp(kRemote, half, kFin | kAck, 9001, 1001), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kAck, 1001, 9002), "forward internet: *");
  const std::string whole = Connect(5001);
  Expect("eni-app", Tcp("10.0.1.10:5001", kRemote, kFin | kAck, 1001, 9001), "forward internet: *");
  Expect("internet", Tcp(kRemote, whole, kFin | kAck, 9001, 1002), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5001", kRemote, kAck, 1002, 9002), "forward internet: *");
  const std::string unheard = Connect(5002);
  Expect("eni-app", Tcp("10.0.1.10:5002", kRemote, kFin | kAck, 1001, 9001), "forward internet: *");
  Expect("internet", Tcp(kRemote, unheard, kFin | kAck, 9001, 1001), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5002", kRemote, kAck, 1002, 9002), "forward internet: *");
  Wait(352);
  ExpectCounts(
      "source 11/440 left 11/440, destination 6/240 left 6/240, dropped 0, tcp 3 of 3, no port 0, "
      "idle 2");
}

TEST_F(NatMetrics, AWS_NAT_15_CountsBelongToTheGatewayWhateverTheGeneration) {
  VpcConfig config;
  Start(config);
  const std::string outside = Connect(5000);
  VpcConfig two = config;  // one whose id sorts first
  two.Add("NatGateways", R"({"NatGatewayId": "nat-0", "VpcId": "vpc-a", "SubnetId": "subnet-pub",
    "State": "available",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.0.201", "PublicIp": "198.51.100.201"}]})");
  two.Routes("rtb-app", {"0.0.0.0/0 nat-a", "203.0.114.0/24 nat-0"});
  Apply(two);
  Expect("internet", Tcp(kRemote, outside, kAck, 9001, 1001), "forward eni-app: *");
  Expect("eni-app", Udp("10.0.1.10:7000", "203.0.114.9:53"), "forward internet: *");
  ExpectCounts(
      "source 2/80 left 2/80, destination 2/80 left 2/80, dropped 0, tcp 1 of 1, no port 0, idle "
      "0");
  EXPECT_EQ(NatCounts("nat-0"),
            "source 1/36 left 1/36, destination 0/0 left 0/0, dropped 0, tcp 0 of 0, no port 0, "
            "idle 0");
  Apply(config);
  Expect("eni-app", Tcp("10.0.1.10:5000", kRemote, kAck, 1001, 9001), "forward internet: *");
  Apply(two);  // the same gateway again goes on where it was
  Expect("eni-app", Udp("10.0.1.10:7000", "203.0.114.9:53"), "forward internet: *");
  ExpectCounts(
      "source 3/120 left 3/120, destination 2/80 left 2/80, dropped 0, tcp 1 of 1, no port 0, "
      "idle 0");
  EXPECT_EQ(NatCounts("nat-0"),
            "source 2/72 left 2/72, destination 0/0 left 0/0, dropped 0, tcp 0 of 0, no port 0, "
            "idle 0");
}

TEST_F(NatMetrics, AWS_NAT_12_AWS_SG_14_CapacityCountsAsADrop) {
  VpcConfig config;
  config.MaxSessions(16).MaxSessionsAt("eni-app2", 1);
  Start(config, {.reference_world = false});
  for (uint32_t i = 0; i < 16; ++i) {
    Expect("eni-app", Udp(End("10.0.1.10", 5000 + i), "203.0.113.9:53"), "forward internet: *");
  }
  Expect("eni-app", Udp("10.0.1.10:6000", "203.0.113.9:53"), "drop conntrack_full");
  ExpectCounts(
      "source 17/612 left 16/576, destination 0/0 left 0/0, dropped 1, tcp 0 of 0, no port 0, "
      "idle 0");
  Wait(351);
  Expect("eni-app2", Udp("10.0.1.11:1", "203.0.113.9:53"), "forward internet: *");
  Expect("eni-app2", Udp("10.0.1.11:2", "203.0.113.9:53"), "drop conntrack_full");
  EXPECT_EQ(ConntrackExceeded("eni-app2"), 1u);
  ExpectCounts(  // an allowance ends at the interface: that one never came
      "source 18/648 left 17/612, destination 0/0 left 0/0, dropped 1, tcp 0 of 0, no port 0, "
      "idle 0");
}

TEST_F(NatMetrics, AWS_NAT_15_FragmentsArePacketsAndShareTheFateOfTheFirst) {
  Start();
  PacketSpec whole = Udp("10.0.1.10:6000", "203.0.113.9:53", 40);  // 48 bytes behind the header
  whole.ip_id = 9;
  whole.src_mac = MacOf("eni-app");
  whole.dst_mac = kRouterMac;
  for (const Bytes& piece : BuildFragments(whole, 16)) {
    ExpectFrame("eni-app", piece, "forward internet: *");
  }
  ExpectCounts(
      "source 3/108 left 3/108, destination 0/0 left 0/0, dropped 0, tcp 0 of 0, no port 0, idle "
      "0");
  PacketSpec segment = Tcp("10.0.1.10:6000", kRemote, kAck, 1, 1, 28);
  segment.ip_id = 10;
  segment.src_mac = MacOf("eni-app");
  segment.dst_mac = kRouterMac;
  for (const Bytes& piece : BuildFragments(segment, 24)) {
    ExpectFrame("eni-app", piece, "drop nat_fragment");
  }
  ExpectCounts(
      "source 5/196 left 3/108, destination 0/0 left 0/0, dropped 2, tcp 0 of 0, no port 0, idle "
      "0");
  Expect("eni-app", Udp("10.0.1.10:7000", "203.0.113.9:53", 2000), "forward internet: * | *");
  ExpectCounts(  // one packet left the gateway; the internet side makes two of it
      "source 6/2224 left 4/2136, destination 0/0 left 0/0, dropped 2, tcp 0 of 0, no port 0, "
      "idle 0");
}

}  // namespace
}  // namespace sluice::testing
