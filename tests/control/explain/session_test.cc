// Group state: tracked and untracked flows, timers, RST, mid-stream, related ICMP errors.
#include "tests/control/explain/world_fixture.h"

namespace sluice::testing {
namespace {

constexpr const char* kTcp22From10 =
    R"({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})";
constexpr const char* kTcp80FromAll =
    R"({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})";
constexpr const char* kUdpFrom10 =
    R"({"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})";
constexpr const char* kNone = "";

// eni-two asks eni-app; all rules that matter are those of sg-app.
class SessionTest : public WorldTest {
 protected:
  Outcome Ask(uint16_t to, uint8_t flags, uint32_t sequence = 1000, uint32_t acknowledgment = 0) {
    return Send("eni-two", PacketShape{.header = Tcp("10.0.0.11", 999, "10.0.1.10", to),
                                       .tcp_flags = flags,
                                       .tcp_sequence = sequence,
                                       .tcp_acknowledgment = acknowledgment});
  }
  Outcome Reply(uint16_t from, uint8_t flags, uint32_t sequence = 5000,
                uint32_t acknowledgment = 0) {
    return Send("eni-app", PacketShape{.header = Tcp("10.0.1.10", from, "10.0.0.11", 999),
                                       .tcp_flags = flags,
                                       .tcp_sequence = sequence,
                                       .tcp_acknowledgment = acknowledgment});
  }
  void Establish(uint16_t l4_port) {
    ExpectForwarded(Ask(l4_port, kTcpSyn), "eni-app");
    ExpectForwarded(Reply(l4_port, kTcpSyn | kTcpAck), "eni-two");
    ExpectForwarded(Ask(l4_port, kTcpAck, 1001, 5001), "eni-app");
  }
};

TEST_F(SessionTest, AWS_SG_08_ReplyNeedsNoRule) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  ExpectDropped(Reply(22, kTcpSyn | kTcpAck), DropReason::kSgEgress);
  Establish(22);
}

TEST_F(SessionTest, AWS_SG_12_TrackedFlowSurvivesItsRule) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  Establish(22);
  Change({{"APP_IN", kNone}, {"APP_OUT", kNone}});
  ExpectForwarded(Ask(22, kTcpAck, 1001), "eni-app");
  ExpectForwarded(Reply(22, kTcpAck, 5001), "eni-two");
  Advance(432000 * kSecond);
  ExpectForwarded(Ask(22, kTcpAck, 1001), "eni-app");
  Advance(432000 * kSecond + 1);
  ExpectDropped(Ask(22, kTcpAck, 1001), DropReason::kSgIngress);
}

TEST_F(SessionTest, AWS_SG_11_UntrackedFlowStopsAtOnce) {
  Start({{"APP_IN", kTcp80FromAll}});  // and everything out: untracked
  Establish(80);
  EXPECT_EQ(world_->LiveSessionCount(now_ns_), 0u);
  Change({{"APP_IN", kNone}});
  ExpectDropped(Ask(80, kTcpAck, 1001), DropReason::kSgIngress);
  Change({{"APP_IN", kTcp80FromAll}, {"APP_OUT", kNone}});
  ExpectDropped(Reply(80, kTcpAck, 5001), DropReason::kSgEgress);
}

TEST_F(SessionTest, D_TRACK_UntrackedFlowBecomesTrackedWithItsRules) {
  Start({{"APP_IN", kTcp80FromAll}});
  Establish(80);
  Change({{"APP_IN", kTcp80FromAll}, {"APP_OUT", kTcp22From10}});
  ExpectDropped(Reply(80, kTcpAck, 5001), DropReason::kSgEgress);
  ExpectForwarded(Ask(80, kTcpFin | kTcpAck, 1001), "eni-app");  // opens nothing, so tracks nothing
  ExpectDropped(Reply(80, kTcpAck, 5001), DropReason::kSgEgress);
  ExpectForwarded(Ask(80, kTcpAck, 1001), "eni-app");
  ExpectForwarded(Reply(80, kTcpAck, 5001), "eni-two");
}

TEST_F(SessionTest, AWS_SG_11_TrackedBecauseTheOtherDirectionIsNotOpen) {
  Start({{"APP_IN", kTcp80FromAll}, {"APP_OUT", kTcp22From10}});
  Establish(80);
  EXPECT_EQ(world_->LiveSessionCount(now_ns_), 1u);
  Change({{"APP_IN", kNone}});
  ExpectForwarded(Ask(80, kTcpAck, 1001), "eni-app");
}

TEST_F(SessionTest, D_STATE_DroppedPacketLeavesNothing) {
  Start({{"APP_IN", kNone}, {"WEB_OUT", kTcp22From10}});
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 22)), DropReason::kSgIngress);
  EXPECT_EQ(world_->LiveSessionCount(now_ns_), 0u);
}

TEST_F(SessionTest, D_MIDSTREAM_RepliesNeedTheRules) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  ExpectForwarded(Ask(22, kTcpAck, 1001), "eni-app");
  ExpectDropped(Reply(22, kTcpAck), DropReason::kSgEgress);
  // A SYN makes it a whole flow.
  ExpectForwarded(Ask(22, kTcpSyn), "eni-app");
  ExpectForwarded(Reply(22, kTcpSyn | kTcpAck), "eni-two");
}

TEST_F(SessionTest, D_RST_OnlyTheExactSequenceEndsAFlow) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  Establish(22);
  ExpectForwarded(Ask(22, kTcpRst, 1002), "eni-app");  // forwarded, changes nothing
  Advance(11 * kSecond);
  ExpectForwarded(Reply(22, kTcpAck, 5001), "eni-two");
  ExpectForwarded(Ask(22, kTcpRst, 1001), "eni-app");
  Advance(10 * kSecond);
  ExpectForwarded(Reply(22, kTcpAck, 5001), "eni-two");
  Advance(10 * kSecond + 1);
  ExpectDropped(Reply(22, kTcpAck, 5001), DropReason::kSgEgress);
}

TEST_F(SessionTest, D_TIMERS_HalfOpenAndClosing) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  ExpectForwarded(Ask(22, kTcpSyn), "eni-app");
  Advance(60 * kSecond + 1);
  ExpectDropped(Reply(22, kTcpSyn | kTcpAck), DropReason::kSgEgress);
  Establish(22);
  ExpectForwarded(Ask(22, kTcpFin | kTcpAck, 1001), "eni-app");
  Advance(60 * kSecond);
  ExpectForwarded(Reply(22, kTcpFin | kTcpAck, 5001), "eni-two");
  Advance(60 * kSecond + 1);
  ExpectDropped(Reply(22, kTcpAck, 5002), DropReason::kSgEgress);
}

TEST_F(SessionTest, Decision8_RstAndFinFirstCreateNothing) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  for (const uint8_t flags : {kTcpRst, kTcpFin, uint8_t{0}, uint8_t{kTcpSyn | kTcpFin}}) {
    ExpectForwarded(Ask(22, flags), "eni-app");
    ExpectDropped(Reply(22, kTcpAck), DropReason::kSgEgress);
  }
}

TEST_F(SessionTest, AWS_SG_13_UdpBecomesAStream) {
  Start({{"APP_IN", kUdpFrom10}, {"APP_OUT", kNone}});
  const PacketHeader ask = Udp("10.0.0.11", 7, "10.0.1.10", 53);
  const PacketHeader reply = Udp("10.0.1.10", 53, "10.0.0.11", 7);
  ExpectForwarded(Send("eni-two", ask), "eni-app");
  Advance(30 * kSecond);
  ExpectForwarded(Send("eni-app", reply), "eni-two");
  Advance(30 * kSecond + 1);
  ExpectDropped(Send("eni-app", reply), DropReason::kSgEgress);
  ExpectForwarded(Send("eni-two", ask), "eni-app");
  ExpectForwarded(Send("eni-app", reply), "eni-two");
  ExpectForwarded(Send("eni-two", ask), "eni-app");  // a stream from here
  Advance(180 * kSecond);
  ExpectForwarded(Send("eni-app", reply), "eni-two");
  Advance(180 * kSecond + 1);
  ExpectDropped(Send("eni-app", reply), DropReason::kSgEgress);
}

TEST_F(SessionTest, AWS_SG_13_LimitsAreTheInterfacesOwn) {
  Start({{"APP_IN", kUdpFrom10},
         {"APP_OUT", kNone},
         {"APP_EXTRA", R"(, "ConnectionTrackingConfiguration": {"UdpTimeout": 60})"}});
  ExpectForwarded(Send("eni-two", Udp("10.0.0.11", 7, "10.0.1.10", 53)), "eni-app");
  Advance(60 * kSecond);
  ExpectForwarded(Send("eni-app", Udp("10.0.1.10", 53, "10.0.0.11", 7)), "eni-two");
}

TEST_F(SessionTest, D_ICMPFLOW_EchoRequestIsNeverAReply) {
  Start(
      {{"APP_IN",
        R"({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})"},
       {"APP_OUT", kNone}});
  ExpectForwarded(Send("eni-two", Icmp("10.0.0.11", "10.0.1.10", 8, 0, 77)), "eni-app");
  ExpectForwarded(Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 0, 0, 77)), "eni-two");
  ExpectDropped(Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 8, 0, 77)), DropReason::kSgEgress);
  ExpectDropped(Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 0, 0, 78)), DropReason::kSgEgress);
  Advance(30 * kSecond + 1);
  ExpectDropped(Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 0, 0, 77)), DropReason::kSgEgress);
}

TEST_F(SessionTest, D_OTHERPROTO_AddressesAndProtocol) {
  Start({{"APP_IN", R"({"IpProtocol": "50", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})"},
         {"APP_OUT", kNone}});
  const PacketHeader ask{.source = Ip("10.0.0.11"), .destination = Ip("10.0.1.10"), .protocol = 50};
  const PacketHeader reply{
      .source = Ip("10.0.1.10"), .destination = Ip("10.0.0.11"), .protocol = 50};
  ExpectForwarded(Send("eni-two", ask), "eni-app");
  Advance(600 * kSecond);
  ExpectForwarded(Send("eni-app", reply), "eni-two");
  Advance(600 * kSecond);
  ExpectForwarded(Send("eni-app", reply), "eni-two");
  Advance(600 * kSecond + 1);
  ExpectDropped(Send("eni-app", reply), DropReason::kSgEgress);
}

// An ICMP error of `source` to `destination` about the packet given.
Bytes ErrorAbout(const char* source, const char* destination, const Bytes& about) {
  PacketShape shape{.header = Icmp(source, destination, kIcmpUnreachable, 3, 0)};
  Bytes ip = MakePacket(shape);
  ip.insert(ip.end(), about.begin(), about.begin() + 28);
  Write16(ip, 2, static_cast<uint16_t>(ip.size()));
  SealIpv4Header(ip, 0);
  Write16(ip, 22, 0);
  Write16(ip, 22, Checksum(ip, 20, ip.size()));
  return ip;
}

TEST_F(SessionTest, D_ICMPERR_RelatedErrorPassesTheGroupAndRefreshesNothing) {
  Start({{"APP_IN", kUdpFrom10}, {"APP_OUT", kNone}});
  const PacketShape ask{.header = Udp("10.0.0.11", 7, "10.0.1.10", 53)};
  ExpectForwarded(Send("eni-two", ask), "eni-app");
  Advance(20 * kSecond);
  const Bytes related = ErrorAbout("10.0.1.10", "10.0.0.11", MakePacket(ask));
  ExpectForwarded(SendIp("eni-app", related).outcome, "eni-two");
  const PacketShape other{.header = Udp("10.0.0.11", 8, "10.0.1.10", 53)};
  ExpectDropped(SendIp("eni-app", ErrorAbout("10.0.1.10", "10.0.0.11", MakePacket(other))).outcome,
                DropReason::kSgEgress);
  // Row 61: not to the sender of the quoted packet.
  ExpectDropped(SendIp("eni-app", ErrorAbout("10.0.1.10", "10.0.0.10", MakePacket(ask))).outcome,
                DropReason::kSgEgress);
  Advance(11 * kSecond);
  ExpectDropped(SendIp("eni-app", related).outcome, DropReason::kSgEgress);
}

TEST_F(SessionTest, AWS_NACL_10_AclCutsATrackedFlow) {
  Start({{"APP_IN", kTcp22From10}, {"APP_OUT", kNone}});
  Establish(22);
  Change({{"ACL_APP", ""}});
  ExpectDropped(Ask(22, kTcpAck, 1001), DropReason::kNaclIngress);
}

}  // namespace
}  // namespace sluice::testing
