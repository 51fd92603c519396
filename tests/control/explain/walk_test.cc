// Sender checks, routing, ACLs, groups, internet gateway, peering, endpoints.
#include "tests/control/explain/world_fixture.h"

namespace sluice::testing {
namespace {

constexpr const char* kAclDeny22 =
    R"({"RuleNumber": 90, "Egress": false, "Protocol": "6", "PortRange": {"From": 22, "To": 22},
        "CidrBlock": "0.0.0.0/0", "RuleAction": "deny"},
       {"RuleNumber": 100, "Egress": false, "Protocol": "6", "PortRange": {"From": 0, "To": 1000},
        "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"},
       {"RuleNumber": 100, "Egress": true, "Protocol": "-1", "CidrBlock": "0.0.0.0/0", "RuleAction": "allow"})";

class WalkTest : public WorldTest {};

TEST_F(WalkTest, AWS_ADDR_14_SourceAndDestinationCheck) {
  Start();
  ExpectDropped(Send("eni-web", Tcp("10.0.0.99", 1, "10.0.1.10", 80)), DropReason::kSourceCheck);
  ExpectForwarded(Send("eni-mid", Tcp("10.9.9.9", 1, "10.0.1.10", 80)), "eni-app");
  Change({{"ROUTES_APP",
           R"({"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-web"})"}});
  ExpectDropped(Send("eni-app", Tcp("10.0.1.10", 1, "8.8.8.8", 80)), DropReason::kDestCheck);
  Change({{"ROUTES_APP",
           R"({"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-mid"})"}});
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 2, "8.8.8.8", 80)), "eni-mid");
}

TEST_F(WalkTest, SourceMacAndDestinationMac) {
  Start();
  const Bytes ip = MakePacket({.header = Tcp("10.0.0.10", 1, "10.0.1.10", 80)});
  const MacAddress router = intent_->host().router_mac;
  const Outcome spoofed =
      world_->Receive(0, {"eni-web", MakeFrame(router, router, 0, kEtherTypeIpv4, ip)}).outcome;
  ExpectDropped(spoofed, DropReason::kSourceCheck);
  EXPECT_EQ(spoofed.eni_id, "eni-web");
  ExpectDropped(SendIp("eni-web", ip, MacOf(*intent_, "eni-app")).outcome, DropReason::kUnknownMac);
  ExpectDropped(SendIp("eni-web", ip, kBroadcastMac).outcome, DropReason::kUnknownMac);
  ExpectDropped(
      world_->Receive(0, {"nowhere", MakeFrame(router, router, 0, kEtherTypeIpv4, ip)}).outcome,
      DropReason::kUnknownInterface);
}

TEST_F(WalkTest, AWS_RT_10_NeighbourFrameKeepsItsLayer2Addresses) {
  Start();
  const Bytes ip = MakePacket({.header = Tcp("10.0.0.10", 1, "10.0.0.11", 80)});
  const MacAddress two = MacOf(*intent_, "eni-two");
  const Outcome direct = SendIp("eni-web", ip, two).outcome;
  ExpectForwarded(direct, "eni-two");
  EXPECT_EQ(direct.outputs[0].frame,
            MakeFrame(two, MacOf(*intent_, "eni-web"), 0, kEtherTypeIpv4, ip));
  const Outcome routed = SendIp("eni-web", ip).outcome;
  ExpectForwarded(routed, "eni-two");
  EXPECT_EQ(routed.outputs[0].frame,
            MakeFrame(two, intent_->host().router_mac, 0, kEtherTypeIpv4, ip));
}

TEST_F(WalkTest, D_ROUTER_AddressesThatNobodyMayReach) {
  Start();
  const std::vector<std::pair<const char*, DropReason>> cases = {
      {"10.0.1.1", DropReason::kReservedAddress},
      {"10.0.1.0", DropReason::kReservedAddress},
      {"10.0.1.3", DropReason::kReservedAddress},
      {"10.0.1.255", DropReason::kReservedAddress},
      {"10.0.0.2", DropReason::kLinkLocalRange},
      {"169.254.169.254", DropReason::kLinkLocalRange},
      {"169.254.169.123", DropReason::kLinkLocalRange},
      {"10.0.1.77", DropReason::kUnknownDestination},
      {"10.0.77.1", DropReason::kUnknownDestination},
      {"127.0.0.1", DropReason::kMartianAddress},
      {"0.1.2.3", DropReason::kMartianAddress},
      {"255.255.255.254", DropReason::kMartianAddress},
      {"10.0.0.10", DropReason::kMartianAddress}};
  for (const auto& [destination, reason] : cases) {
    SCOPED_TRACE(destination);
    ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, destination, 80)), reason);
  }
}

TEST_F(WalkTest, AWS_NACL_02_FirstMatchWins) {
  Start({{"ACL_APP", kAclDeny22}});
  const Outcome denied = Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 22));
  ExpectDropped(denied, DropReason::kNaclIngress);
  EXPECT_EQ(denied.rule, (DroppingRule{"acl-app", false, 90}));
  ExpectForwarded(Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 23)), "eni-app");
  const Outcome none = Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 2000));
  ExpectDropped(none, DropReason::kNaclIngress);
  EXPECT_EQ(none.rule, (DroppingRule{"acl-app", false, 32767}));
}

TEST_F(WalkTest, AWS_NACL_05_RepliesMatchARuleOfTheirOwn) {
  Start({{"ACL_APP", kAclDeny22}});
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 4000, "10.0.0.10", 80)), "eni-web");
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 80, "10.0.1.10", 4000), kTcpSyn | kTcpAck),
                DropReason::kNaclIngress);
}

TEST_F(WalkTest, AWS_NACL_06_NotInsideASubnet) {
  Start({{"ACL_PUB", ""}});
  ExpectForwarded(Send("eni-web", Tcp("10.0.0.10", 1, "10.0.0.11", 22)), "eni-two");
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 22)), DropReason::kNaclEgress);
}

TEST_F(WalkTest, AWS_SG_01_AllowRulesOnly) {
  Start({{"APP_IN", ""}});
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 22)), DropReason::kSgIngress);
  Start({{"APP_OUT", ""}});
  ExpectDropped(Send("eni-app", Tcp("10.0.1.10", 1, "10.0.0.10", 22)), DropReason::kSgEgress);
}

TEST_F(WalkTest, AWS_SG_05_GroupPeerIsAPrivateAddressOfAMember) {
  const char* from_web = R"({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,
                             "UserIdGroupPairs": [{"GroupId": "sg-web"}]})";
  Start({{"APP_IN", from_web}});
  ExpectForwarded(Send("eni-web", Tcp("10.0.0.10", 1, "10.0.1.10", 80)), "eni-app");
  ExpectDropped(Send("eni-two", Tcp("10.0.0.11", 1, "10.0.1.10", 80)), DropReason::kSgIngress);
  // AWS-RT-12, D-GROUPPEER: handed on by an appliance, the packet is not the member's any more.
  ExpectDropped(Send("eni-mid", Tcp("10.0.0.10", 2, "10.0.1.10", 80)), DropReason::kSgIngress);
}

TEST_F(WalkTest, AWS_RT_09_BlackholeDoesNotFallThrough) {
  Start({{"ROUTES_PUB", R"({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"},
                           {"DestinationCidrBlock": "9.0.0.0/8", "NatGatewayId": "nat-gone"})"}});
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, "9.1.1.1", 80)), DropReason::kBlackholeRoute);
  ExpectForwarded(Send("eni-web", Tcp("10.0.0.10", 1, "8.1.1.1", 80)), "internet");
}

TEST_F(WalkTest, D_NOROUTE_SilentDrop) {
  Start({{"ROUTES_PUB", ""}});
  ExpectDropped(Send("eni-web", Tcp("10.0.0.10", 1, "9.1.1.1", 80)), DropReason::kNoRoute);
}

TEST_F(WalkTest, AWS_IGW_03_OneToOneByPrivateAddress) {
  Start();
  const Outcome out = Send("eni-two", Udp("10.0.0.12", 7, "203.0.113.9", 9));
  ExpectForwarded(out, "internet");
  EXPECT_EQ(Sent(out).header, Udp("198.51.100.12", 7, "203.0.113.9", 9));
  EXPECT_EQ(Sent(out).ttl, 64);
  const Outcome in = Send("internet", Udp("203.0.113.9", 9, "198.51.100.12", 7));
  ExpectForwarded(in, "eni-two");
  EXPECT_EQ(Sent(in).header, Udp("203.0.113.9", 9, "10.0.0.12", 7));
}

TEST_F(WalkTest, AWS_IGW_04_05_NoPublicAddress) {
  Start();
  ExpectDropped(Send("eni-mid", Udp("10.0.2.10", 7, "203.0.113.9", 9)), DropReason::kIgwNoPublicIp);
  ExpectDropped(Send("internet", Udp("203.0.113.9", 9, "198.51.100.99", 7)),
                DropReason::kIgwUnknownPublicIp);
}

TEST_F(WalkTest, D_HAIRPIN_OutAndBackInWithinAndBetweenVpcs) {
  Start();
  const Outcome within = Send("eni-web", Tcp("10.0.0.10", 5, "198.51.100.11", 80));
  ExpectForwarded(within, "eni-two");
  EXPECT_EQ(Sent(within).header, Tcp("198.51.100.10", 5, "10.0.0.11", 80));
  const Outcome reply =
      Send("eni-two", Tcp("10.0.0.11", 80, "198.51.100.10", 5), kTcpSyn | kTcpAck);
  ExpectForwarded(reply, "eni-web");
  EXPECT_EQ(Sent(reply).header, Tcp("198.51.100.11", 80, "10.0.0.10", 5));
  const Outcome between = Send("eni-web", Tcp("10.0.0.10", 6, "198.51.101.10", 80));
  ExpectForwarded(between, "eni-b");
  EXPECT_EQ(Sent(between).header, Tcp("198.51.100.10", 6, "10.1.0.10", 80));
}

TEST_F(WalkTest, AWS_PEER_01_NotTransitive) {
  Start();
  ExpectForwarded(Send("eni-app", Tcp("10.0.1.10", 5, "10.1.0.10", 80)), "eni-b");
  ExpectForwarded(Send("eni-b", Tcp("10.1.0.10", 80, "10.0.1.10", 5), kTcpSyn | kTcpAck),
                  "eni-app");
  ExpectDropped(Send("eni-app", Tcp("10.0.1.10", 5, "10.1.0.99", 80)),
                DropReason::kUnknownDestination);
  Change({{"ROUTES_APP",
           R"({"DestinationCidrBlock": "0.0.0.0/0", "VpcPeeringConnectionId": "pcx-ab"})"}});
  ExpectDropped(Send("eni-app", Tcp("10.0.1.10", 5, "8.8.8.8", 80)),
                DropReason::kPeeringNotTransitive);
}

TEST_F(WalkTest, AWS_EP_02_EndpointRouteIsMoreSpecific) {
  Start();
  const Outcome out = Send("eni-app", Tcp("10.0.1.10", 5, "52.216.1.1", 443));
  ExpectForwarded(out, "services");
  EXPECT_EQ(Sent(out).header, Tcp("10.0.1.10", 5, "52.216.1.1", 443));
  const Outcome reply = Send("services", Tcp("52.216.1.1", 443, "10.0.1.10", 5), kTcpSyn | kTcpAck);
  ExpectForwarded(reply, "eni-app");
  ExpectDropped(Send("services", Tcp("52.216.1.1", 443, "10.0.1.10", 6), kTcpSyn | kTcpAck),
                DropReason::kEndpointUnavailable);
}

TEST_F(WalkTest, AWS_IGW_06_InternetEdgeFragmentsOrAnswers) {
  Start();
  const PacketShape big{.header = Udp("10.0.0.10", 7, "203.0.113.9", 9),
                        .payload_bytes = 3000,
                        .identification = 0x1234};
  const Outcome cut = Send("eni-web", big);
  EXPECT_EQ(cut.verdict, Verdict::kForward);
  ASSERT_EQ(cut.outputs.size(), 3u);
  size_t offset = 0;
  for (size_t i = 0; i < 3; ++i) {
    const Packet part = Sent(cut, i);
    EXPECT_EQ(part.fragment_offset_bytes, offset);
    EXPECT_EQ(part.identification, 0x1234);
    EXPECT_EQ(part.more_fragments, i < 2);
    EXPECT_LE(part.ip.size(), 1500u);
    offset += part.PayloadBytes();
  }
  EXPECT_EQ(offset, 3008u);
  PacketShape rigid = big;
  rigid.dont_fragment = true;
  const Outcome refused = Send("eni-web", rigid);
  EXPECT_EQ(refused.verdict, Verdict::kConsume);
  EXPECT_EQ(refused.reason, DropReason::kMtuExceeded);
  ASSERT_EQ(refused.outputs.size(), 1u);
  EXPECT_EQ(refused.outputs[0].port, "eni-web");
  const Packet error = Sent(refused);
  EXPECT_EQ(error.header.source, Ip("10.0.0.1"));
  EXPECT_EQ(error.ip.size(), 576u);
  EXPECT_EQ(Read16(error.ip, 26), 1500);
  ASSERT_TRUE(error.quote.has_value());
  EXPECT_EQ(error.quote->header, rigid.header);
}

TEST_F(WalkTest, ParseReasons) {
  Start();
  const Bytes good =
      MakePacket({.header = Udp("10.0.0.10", 7, "10.0.1.10", 9), .payload_bytes = 4});
  const auto with = [&](size_t at, uint8_t value, bool seal) {
    Bytes bytes = good;
    bytes[at] = value;
    if (seal) {
      SealIpv4Header(bytes, 0);
    }
    return SendIp("eni-web", bytes).outcome;
  };
  ExpectDropped(with(0, 0x65, false), DropReason::kMalformedIpv4);
  ExpectDropped(with(0, 0x44, false), DropReason::kMalformedIpv4);
  ExpectDropped(with(3, 200, false), DropReason::kMalformedIpv4);
  ExpectDropped(with(10, 0, false), DropReason::kBadIpv4Checksum);
  ExpectDropped(with(25, 7, false), DropReason::kMalformedL4);
  ExpectDropped(with(25, 200, false), DropReason::kMalformedL4);
  Bytes options = good;
  options.insert(options.begin() + 20, {131, 3, 4, 0});
  options[0] = 0x46;
  Write16(options, 2, static_cast<uint16_t>(options.size()));
  SealIpv4Header(options, 0);
  ExpectDropped(SendIp("eni-web", options).outcome, DropReason::kIpv4Options);
  options[20] = 7;
  SealIpv4Header(options, 0);
  ExpectForwarded(SendIp("eni-web", options).outcome, "eni-app");
  options[21] = 60;
  SealIpv4Header(options, 0);
  ExpectDropped(SendIp("eni-web", options).outcome, DropReason::kMalformedIpv4);
  ExpectDropped(world_->Receive(0, {"eni-web", Bytes(13, 0)}).outcome,
                DropReason::kMalformedEthernet);
  const MacAddress web = MacOf(*intent_, "eni-web");
  ExpectDropped(world_->Receive(0, {"eni-web", MakeFrame(web, web, 0, 0x86dd, good)}).outcome,
                DropReason::kUnsupportedEthertype);
}

TEST_F(WalkTest, D_ARP_AnswersFromConfigurationOnly) {
  Start();
  const MacAddress web = MacOf(*intent_, "eni-web");
  const auto ask = [&](const char* target) {
    Bytes arp = {0, 1, 8, 0, 6, 4, 0, 1};
    AppendMac(arp, web);
    Append32(arp, Ip("10.0.0.10").value);
    arp.resize(24, 0);
    Append32(arp, Ip(target).value);
    return world_->Receive(0, {"eni-web", MakeFrame(kBroadcastMac, web, 0, kEtherTypeArp, arp)})
        .outcome;
  };
  const Outcome router = ask("10.0.0.1");
  EXPECT_EQ(router.verdict, Verdict::kConsume);
  EXPECT_EQ(router.reason, DropReason::kArpReply);
  ASSERT_EQ(router.outputs.size(), 1u);
  const Bytes expected = {0x02, 0x0a, 0x00, 0x00, 0x00, 0x10, 0x02, 0x00, 0x00, 0x00,
                          0x00, 0x01, 0x08, 0x06,                                     // L2
                          0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,             // reply
                          0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 10,   0,    0,    1,    // router
                          0x02, 0x0a, 0x00, 0x00, 0x00, 0x10, 10,   0,    0,    10};  // asker
  EXPECT_EQ(router.outputs[0].frame, expected);
  EXPECT_EQ(ask("10.0.0.11").reason, DropReason::kArpReply);
  EXPECT_EQ(ask("10.0.0.10").reason, DropReason::kArpIgnored);
  EXPECT_EQ(ask("10.0.1.10").reason, DropReason::kArpIgnored);
  EXPECT_EQ(ask("10.0.0.77").reason, DropReason::kArpIgnored);
}

}  // namespace
}  // namespace sluice::testing
