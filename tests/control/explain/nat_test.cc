// NAT gateway: AWS-NAT-*, D-NATIDLE, D-TTL, D-ICMPERR through it.
#include "tests/control/explain/world_fixture.h"

namespace sluice::testing {
namespace {

class NatTest : public WorldTest {};

TEST_F(NatTest, AWS_NAT_03_UdpThereAndBackInLiteralBytes) {
  Start();
  const Bytes ask = {0x45, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x40, 0x11, 0x33,
                     0xba, 0x0a, 0x00, 0x01, 0x0a, 0xcb, 0x00, 0x71, 0x09, 0x13, 0x88,
                     0x00, 0x35, 0x00, 0x0c, 0xc6, 0x34, 0x70, 0x69, 0x6e, 0x67};
  const Outcome out = SendIp("eni-app", ask).outcome;
  ExpectForwarded(out, "internet");
  const Bytes asked = {0x02, 0x00, 0x00, 0x00, 0x00, 0xfe, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
                       0x08, 0x00, 0x45, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x3f, 0x11,
                       0x14, 0xc8, 0xc6, 0x33, 0x64, 0xc8, 0xcb, 0x00, 0x71, 0x09, 0x13, 0x88,
                       0x00, 0x35, 0x00, 0x0c, 0xa6, 0x42, 0x70, 0x69, 0x6e, 0x67};
  EXPECT_EQ(out.outputs[0].frame, asked);
  EXPECT_EQ(out.outputs[0].eni_id, "");
  const Bytes reply = {0x45, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x32, 0x11, 0x21,
                       0xc8, 0xcb, 0x00, 0x71, 0x09, 0xc6, 0x33, 0x64, 0xc8, 0x00, 0x35,
                       0x13, 0x88, 0x00, 0x0c, 0xa6, 0x42, 0x70, 0x69, 0x6e, 0x67};
  const Outcome back = SendIp("internet", reply).outcome;
  ExpectForwarded(back, "eni-app");
  const Bytes replied = {0x02, 0x0a, 0x00, 0x00, 0x01, 0x10, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
                         0x08, 0x00, 0x45, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x31, 0x11,
                         0x42, 0xba, 0xcb, 0x00, 0x71, 0x09, 0x0a, 0x00, 0x01, 0x0a, 0x00, 0x35,
                         0x13, 0x88, 0x00, 0x0c, 0xc6, 0x34, 0x70, 0x69, 0x6e, 0x67};
  EXPECT_EQ(back.outputs[0].frame, replied);
}

TEST_F(NatTest, AWS_NAT_08_UnsolicitedFromBothSides) {
  Start();
  ExpectDropped(Send("internet", Tcp("203.0.113.9", 5, "198.51.100.200", 5000)),
                DropReason::kNatUnsolicited);
  ExpectDropped(Send("internet", Icmp("203.0.113.9", "198.51.100.200", 8, 0, 1)),
                DropReason::kNatUnsolicited);
  ExpectDropped(Send("eni-app", Icmp("10.0.1.10", "10.0.0.200", 8, 0, 1)),
                DropReason::kNatUnsolicited);
  // P1: a third party, and the right host from another port.
  ExpectForwarded(Send("eni-app", Udp("10.0.1.10", 5000, "203.0.113.9", 53)), "internet");
  ExpectDropped(Send("internet", Udp("203.0.113.8", 53, "198.51.100.200", 5000)),
                DropReason::kNatUnsolicited);
  ExpectDropped(Send("internet", Udp("203.0.113.9", 54, "198.51.100.200", 5000)),
                DropReason::kNatUnsolicited);
}

TEST_F(NatTest, AWS_NAT_02_OnlyThreeProtocols) {
  Start();
  ExpectDropped(Send("eni-app", PacketHeader{.source = Ip("10.0.1.10"),
                                             .destination = Ip("203.0.113.9"),
                                             .protocol = 47}),
                DropReason::kNatUnsupportedProtocol);
}

TEST_F(NatTest, AWS_NAT_04_TwoFlowsNeverShareATuple) {
  Start();
  // The appliance sends from an address of its own and from another's: same tuple but for the
  // source.
  ExpectForwarded(Send("eni-app", Udp("10.0.1.10", 80, "203.0.113.9", 53)), "internet");
  const Outcome second = Send("eni-app", Udp("10.0.1.10", 81, "203.0.113.9", 53));
  ExpectForwarded(second, "internet");
  EXPECT_EQ(Sent(second).header.source_port, 1025);
}

TEST_F(NatTest, AWS_NAT_07_D_NATIDLE_ResetAfter350Seconds) {
  Start();
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 5000, "203.0.113.9", 443)), "internet");
  ExpectForwarded(
      Send("internet", Tcp("203.0.113.9", 443, "198.51.100.200", 5000), kTcpSyn | kTcpAck),
      "eni-app");
  PacketShape data{.header = Tcp("10.0.1.10", 5000, "203.0.113.9", 443),
                   .tcp_flags = kTcpAck,
                   .tcp_sequence = 1001,
                   .tcp_acknowledgment = 77,
                   .payload_bytes = 3};
  ExpectForwarded(Send("eni-app", data), "internet");
  Advance(350 * kSecond);
  data.tcp_sequence = 1004;
  ExpectForwarded(Send("eni-app", data), "internet");
  Advance(350 * kSecond + 1);
  ExpectDropped(Send("internet", Tcp("203.0.113.9", 443, "198.51.100.200", 5000), kTcpAck),
                DropReason::kNatUnsolicited);
  const Outcome idle = Send("eni-app", data);
  EXPECT_EQ(idle.verdict, Verdict::kConsume);
  EXPECT_EQ(idle.reason, DropReason::kNatIdleTimeout);
  ASSERT_EQ(idle.outputs.size(), 1u);
  EXPECT_EQ(idle.outputs[0].port, "eni-app");
  const Packet reset = Sent(idle);
  EXPECT_EQ(reset.header, Tcp("203.0.113.9", 443, "10.0.1.10", 5000));
  EXPECT_EQ(reset.tcp.flags, kTcpRst);
  EXPECT_EQ(reset.tcp.sequence, 77u);
  // A SYN binds anew; a RST is never answered.
  PacketShape rst = data;
  rst.tcp_flags = kTcpRst;
  ExpectDropped(Send("eni-app", rst), DropReason::kNatIdleTimeout);
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 5000, "203.0.113.9", 443)), "internet");
}

TEST_F(NatTest, Decision3_SynAfterTheBindingRanOutIsANewFlow) {
  Start();
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 5000, "203.0.113.9", 443)), "internet");
  ExpectForwarded(
      Send("internet", Tcp("203.0.113.9", 443, "198.51.100.200", 5000), kTcpSyn | kTcpAck),
      "eni-app");
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 5000, "203.0.113.9", 443), kTcpAck), "internet");
  Advance(351 * kSecond);
  Change({{"APP_OUT", ""}});
  ExpectDropped(Send("eni-app", Tcp("10.0.1.10", 5000, "203.0.113.9", 443)), DropReason::kSgEgress);
}

TEST_F(NatTest, D_TTL_GatewayAnswersFromItsPrivateAddress) {
  Start();
  const PacketShape last{.header = Udp("10.0.1.10", 5000, "203.0.113.9", 53), .ttl = 1};
  const Outcome out = Send("eni-app", last);
  EXPECT_EQ(out.verdict, Verdict::kConsume);
  EXPECT_EQ(out.reason, DropReason::kTtlExpired);
  EXPECT_TRUE(out.answer_is_rate_limited);
  const Packet error = Sent(out);
  EXPECT_EQ(error.header.source, Ip("10.0.0.200"));
  EXPECT_EQ(error.header.icmp_type, kIcmpTimeExceeded);
  ASSERT_TRUE(error.quote.has_value());
  EXPECT_EQ(error.quote->header, last.header);
  EXPECT_EQ(world_->LiveSessionCount(now_ns_), 0u);
}

TEST_F(NatTest, AWS_NAT_16_ErrorIsMappedBack) {
  Start({{"APP_IN", ""}});
  const Outcome out = Send("eni-app", Udp("10.0.1.10", 80, "203.0.113.9", 53));
  ExpectForwarded(out, "internet");
  const Packet sent = Sent(out);
  // A router on the way complains.
  Bytes error = MakePacket({.header = Icmp("192.0.2.77", "198.51.100.200", 11, 0, 0)});
  error.insert(error.end(), sent.ip.begin(), sent.ip.end());
  Write16(error, 2, static_cast<uint16_t>(error.size()));
  SealIpv4Header(error, 0);
  Write16(error, 22, 0);
  Write16(error, 22, Checksum(error, 20, error.size()));
  const Outcome back = SendIp("internet", error).outcome;
  ExpectForwarded(back, "eni-app");
  const Packet inside = Sent(back);
  EXPECT_EQ(inside.header.source, Ip("192.0.2.77"));
  EXPECT_EQ(inside.header.destination, Ip("10.0.1.10"));
  ASSERT_TRUE(inside.quote.has_value());
  EXPECT_EQ(inside.quote->header, Udp("10.0.1.10", 80, "203.0.113.9", 53));
  // The quoted UDP checksum is that of the packet eni-app sent.
  const size_t l4 = inside.quote->offset + inside.quote->header_bytes;
  EXPECT_EQ(Read16(inside.ip, l4 + 6),
            Read16(MakePacket({.header = Udp("10.0.1.10", 80, "203.0.113.9", 53)}), 26));
  error[error.size() - 8] ^= 1;  // another flow, and the ICMP checksum is wrong
  ExpectDropped(SendIp("internet", error).outcome, DropReason::kMalformedL4);
}

TEST_F(NatTest, AWS_NAT_10_AclOfItsSubnetOnBothSides) {
  Start(
      {{"ACL_PUB",
        R"({"RuleNumber": 100, "Egress": false, "Protocol": "-1", "CidrBlock": "10.0.0.0/16", "RuleAction": "allow"},
             {"RuleNumber": 100, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"})"}});
  ExpectForwarded(Send("eni-app", Udp("10.0.1.10", 5000, "203.0.113.9", 53)), "internet");
  ExpectDropped(Send("internet", Udp("203.0.113.9", 53, "198.51.100.200", 5000)),
                DropReason::kNaclIngress);
}

TEST_F(NatTest, D_HAIRPIN_ThroughTheNatGatewayToANeighboursPublicAddress) {
  Start();
  const Outcome out = Send("eni-app", Tcp("10.0.1.10", 5000, "198.51.100.11", 80));
  ExpectForwarded(out, "eni-two");
  EXPECT_EQ(Sent(out).header, Tcp("198.51.100.200", 5000, "10.0.0.11", 80));
  EXPECT_EQ(Sent(out).ttl, 63);
  const Outcome back =
      Send("eni-two", Tcp("10.0.0.11", 80, "198.51.100.200", 5000), kTcpSyn | kTcpAck);
  ExpectForwarded(back, "eni-app");
  EXPECT_EQ(Sent(back).header, Tcp("198.51.100.11", 80, "10.0.1.10", 5000));
}

TEST_F(NatTest, IcmpQueryIdIsThePort) {
  Start();
  const Outcome out = Send("eni-app", Icmp("10.0.1.10", "203.0.113.9", 8, 0, 7));
  ExpectForwarded(out, "internet");
  EXPECT_EQ(Sent(out).header, Icmp("198.51.100.200", "203.0.113.9", 8, 0, 1024));
  const Outcome back = Send("internet", Icmp("203.0.113.9", "198.51.100.200", 0, 0, 1024));
  ExpectForwarded(back, "eni-app");
  EXPECT_EQ(Sent(back).header, Icmp("203.0.113.9", "10.0.1.10", 0, 0, 7));
}

TEST_F(NatTest, ObservedPortsAreAdoptedAndJudged) {
  Start();
  ObservedNatPorts ports;
  ReferenceWorld world(intent_, &ports);
  const auto send = [&](uint16_t source_port, uint16_t observed) {
    const Bytes seen = MakePacket({.header = Udp("198.51.100.200", observed, "203.0.113.9", 53)});
    ports.Observe({MakeFrame(kBroadcastMac, kBroadcastMac, 0, kEtherTypeIpv4, seen)}, false);
    return world
        .Receive(0, {"eni-app",
                     MakeFrame(
                         intent_->host().router_mac, MacOf(*intent_, "eni-app"), 0, kEtherTypeIpv4,
                         MakePacket({.header = Udp("10.0.1.10", source_port, "203.0.113.9", 53)}))})
        .outcome;
  };
  const Outcome legal = send(1, 40000);
  EXPECT_EQ(legal.complaint, "");
  EXPECT_EQ(Sent(legal).header.source_port, 40000);
  EXPECT_NE(send(2, 40000).complaint, "");
  EXPECT_NE(send(3, 1023).complaint, "");
  ports.Observe({}, true);
  ExpectDropped(
      world
          .Receive(0, {"eni-app",
                       MakeFrame(intent_->host().router_mac, MacOf(*intent_, "eni-app"), 0,
                                 kEtherTypeIpv4,
                                 MakePacket({.header = Udp("10.0.1.10", 9, "203.0.113.9", 53)}))})
          .outcome,
      DropReason::kNatPortsExhausted);
}

}  // namespace
}  // namespace sluice::testing
