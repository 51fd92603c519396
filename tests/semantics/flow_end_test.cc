// What interfaces know of a flow, and when that speaks for a packet: only at the ends that the
// packet has, for as long as its questions reach them (docs/semantics_choices.md, "Security
// groups").
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class FlowEndSemantics : public VpcTest {};

// eni-mid has no source check.
TEST_F(FlowEndSemantics, D_ICMPERR_AnErrorToItselfIsOfNoFlow) {
  VpcConfig config;
  config.In("sg-mid", {"icmp 8/0 10.0.0.0/8"});
  Start(config);
  Expect("eni-web", Echo("10.0.0.10", "10.0.3.10", 7), "forward eni-mid");
  const Bytes answer = BuildIpv4(EchoReply("10.0.3.10", "10.0.0.10", 7));
  Expect("eni-mid", ErrorAbout("10.0.0.10", "10.0.3.10", 3, 1, answer), "drop sg_ingress");
  Expect("eni-mid", EchoReply("10.0.3.10", "10.0.0.10", 7), "forward eni-web");
}

TEST_F(FlowEndSemantics, D_ICMPERR_FromAnInterfaceThatIsNotOnTheWay) {
  VpcConfig config;
  config.In("sg-web", {});
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  Expect("eni-web", ask, "forward eni-app");
  for (const char* from : {"10.0.3.10", "10.0.1.10"}) {
    Expect("eni-mid", ErrorAbout(from, "10.0.0.10", 3, 1, BuildIpv4(ask)), "drop sg_ingress");
  }
}

// Decision 9: only queries with code 0 make sessions.
TEST_F(FlowEndSemantics, D_ICMPFLOW_AnErrorAboutWhatIsNoQueryIsOfNoFlow) {
  VpcConfig config;
  config.In("sg-web", {});
  Start(config);
  Expect("eni-web", Echo("10.0.0.10", "10.0.1.10", 0), "forward eni-app");
  const auto error_about = [](uint8_t code) {
    return ErrorAbout("10.0.1.10", "10.0.0.10", 3, 1,
                      BuildIpv4(Icmp("10.0.0.10", "10.0.1.10", 8, code, 0)));
  };
  Expect("eni-app", error_about(2), "drop sg_ingress");
  Expect("eni-app", error_about(0), "forward eni-web");
}

TEST_F(FlowEndSemantics, AWS_SG_08_AQuestionSentAgainByItsReceiverAsksTheRules) {
  VpcConfig config;
  config.Out("sg-mid", {}).Set("NetworkInterfaces", "eni-mid", "SourceDestCheck", "false");
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:7", "10.0.3.10:53"), "forward eni-mid");
  Expect("eni-mid", Udp("10.0.0.10:7", "10.0.3.10:53"), "drop sg_egress");
  Expect("eni-mid", Udp("10.0.3.10:53", "10.0.0.10:7"), "forward eni-web");
}

TEST_F(FlowEndSemantics, AWS_SG_08_AnAnswerThatIsRoutedBackToItsSenderAsksTheRules) {
  VpcConfig config;
  config.In("sg-app", {"50 10.0.0.10/32"});
  Start(config);
  Expect("eni-web", Raw("10.0.0.10", "10.0.1.10", 50), "forward eni-app");
  config.Routes("rtb-app", {"10.0.0.0/24 eni-app"});
  Apply(config);
  Expect("eni-app", Raw("10.0.1.10", "10.0.0.10", 50), "drop sg_ingress");
}

TEST_F(FlowEndSemantics, D_RST_ASegmentThatOpensNothingLeadsItsFlowNowhere) {
  for (const uint8_t flags : {kRst, static_cast<uint8_t>(kFin | kAck)}) {
    VpcConfig config;
    config.Out("sg-app", {});
    Start(config);
    Expect("eni-web", Tcp("10.0.0.10:5", "10.0.1.10:80"), "forward eni-app");
    config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.1.0/24 eni-mid"});
    Apply(config);
    Expect("eni-web", Tcp("10.0.0.10:5", "10.0.1.10:80", flags, 5000, 1), "forward eni-mid");
    Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:5", kSynAck, 9000, 1001), "forward eni-web");
  }
}

// Decision 1: another way of the questions makes a new pair that keeps the groups' state.
TEST_F(FlowEndSemantics, AWS_SG_08_QuestionsThatReachAnotherTakeTheFlowWithThem) {
  VpcConfig config;
  config.Out("sg-app", {}).Out("sg-mid", {});
  Start(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.1.10:80"), "forward eni-app");
  Expect("eni-app", Tcp("10.0.1.10:80", "10.0.0.10:5", kSynAck, 9000, 1001), "forward eni-web");
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.1.0/24 eni-mid"});
  Apply(config);
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.1.10:80", kAck, 1001, 9001), "forward eni-mid");
  const PacketSpec answer = Tcp("10.0.1.10:80", "10.0.0.10:5", kAck, 9001, 1001);
  Expect("eni-app", answer, "drop sg_egress");
  Expect("eni-mid", answer, "forward eni-web");  // established, as it was: not mid-stream
}

TEST_F(FlowEndSemantics, AWS_IGW_08_AnAnswerToANewAddressBeforeTheInsideSends) {
  const auto with_address = [](VpcConfig& config, const char* address) {
    config.Set("NetworkInterfaces", "eni-web", "Association",
               "{\"PublicIp\": \"" + std::string(address) + "\"}");
  };
  VpcConfig config;
  config.In("sg-web", {});
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:5", "203.0.113.9:53");
  Expect("eni-web", ask, "forward internet: *");
  with_address(config, "198.51.100.66");
  Apply(config);
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.66:5"), "drop sg_ingress");
  Expect("eni-web", ask, "forward internet: *");
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.66:5"), "forward eni-web: *");
  // Back again: the flow is of the address that the inside used last.
  with_address(config, "198.51.100.10");
  Apply(config);
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.10:5"), "drop sg_ingress");
  Expect("eni-web", ask, "forward internet: *");
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.10:5"), "forward eni-web: *");
}

TEST_F(FlowEndSemantics, AWS_SG_11_WhatAnAnswerThroughANatGatewayBeginsAnewIsTracked) {
  VpcConfig config;
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443"), "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  Wait(61);  // half-open: the groups have forgotten it, the gateway has not
  Expect("internet", Tcp("203.0.113.9:443", outside, kSynAck, 9000, 1001), "forward eni-app: *");
  config.Out("sg-app", {});
  Apply(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443", kAck, 1001, 9001), "forward internet: *");
}

TEST_F(FlowEndSemantics, AWS_SG_11_AnAnswerThatANatGatewayTranslatesIsTracked) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-app", "Association", R"({"PublicIp": "198.51.100.77"})");
  Start(config);
  Expect("internet", Tcp("203.0.113.9:40000", "198.51.100.77:53"), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:53", "203.0.113.9:40000"), "forward internet: *");
  config.Out("sg-app", {});
  Apply(config);
  Expect("eni-app", Tcp("10.0.1.10:53", "203.0.113.9:40000", kAck, 1001, 1), "forward internet: *");
}

// D-TIMERS: the gateway's clock runs on with what begins the flow anew for the groups.
TEST_F(FlowEndSemantics, D_TIMERS_ASynThatBeginsTheFlowAnewRestartsTheGatewaysClock) {
  Start();
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443"), "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  Wait(240);
  Expect("internet", Tcp("203.0.113.9:443", outside, kSynAck, 9000, 1001), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443", kAck, 1001, 9001), "forward internet: *");
  Wait(349);
  Expect("internet", Tcp("203.0.113.9:443", outside, kSyn, 9500), "forward eni-app: *");
  Wait(9);
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443", kSynAck, 1001, 9501),
         "forward internet: *");
}

// Established is established, also what the groups have seen from its middle.
TEST_F(FlowEndSemantics, D_TIMERS_D_MIDSTREAM_ASynAckInAnEstablishedFlowRestartsNoClock) {
  Start();
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443"), "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  const PacketSpec answer = Tcp("203.0.113.9:443", outside, kSynAck, 9000, 1001);
  Wait(61);  // half-open: the groups have forgotten it, the gateway has not
  Expect("internet", answer, "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5", "203.0.113.9:443", kAck, 1001, 9001), "forward internet: *");
  Wait(200);
  Expect("internet", answer, "forward eni-app: *");
  Wait(200);
  Expect("internet", answer, "drop nat_unsolicited");
}

// The peering carries the gateway's traffic, and its answers as long as rtb-b says so.
VpcConfig ThroughGatewayToPeer() {
  VpcConfig config;
  config.Routes("rtb-app", {"0.0.0.0/0 nat-a"})
      .Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.1.0.0/16 pcx-ab"});
  return config;
}

TEST_F(FlowEndSemantics, D_TIMERS_WhoAnsweredThroughAGatewayForgetsWithIt) {
  VpcConfig config = ThroughGatewayToPeer();
  config.Out("sg-b", {});
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "10.1.0.10:80"), "forward eni-b: *");
  const std::string outside = End("10.0.0.200", LastSent().src_port);
  const PacketSpec answer = Tcp("10.1.0.10:80", outside, kSynAck, 9000, 1001);
  Expect("eni-b", answer, "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5", "10.1.0.10:80", kAck, 1001, 9001), "forward eni-b: *");
  Wait(351);
  Expect("eni-b", Tcp("10.1.0.10:80", outside, kAck, 9001, 1001), "drop sg_egress");
}

// Who asked and who answers stays when a flow begins anew with an answer: it is a stream at the
// second question after it.
TEST_F(FlowEndSemantics, D_TIMERS_AnAnswerThatBeginsAFlowAnewIsStillAnAnswer) {
  VpcConfig config = ThroughGatewayToPeer();
  Start(config);
  const PacketSpec ask = Udp("10.0.1.10:5", "10.1.0.10:53");
  Expect("eni-app", ask, "forward eni-b: *");
  const PacketSpec answer = Udp("10.1.0.10:53", End("10.0.0.200", LastSent().src_port));
  Wait(200);  // the groups have forgotten it, the gateway has not
  Expect("eni-b", answer, "forward eni-app: *");
  config.In("sg-app", {});
  Apply(config);
  Expect("eni-app", ask, "forward eni-b: *");
  Expect("eni-app", ask, "forward eni-b: *");
  Wait(100);
  Expect("eni-b", answer, "forward eni-app: *");
}

TEST_F(FlowEndSemantics, AWS_SG_11_AnAnswerThatBeginsAFlowAnewIsTrackedWhereItIsSent) {
  VpcConfig config;
  Start(config);
  const PacketSpec ask = Udp("10.0.1.10:5", "198.51.100.10:53");
  Expect("eni-app", ask, "forward eni-web: *");
  const PacketSpec answer = Udp("10.0.0.10:53", End("198.51.100.200", LastSent().src_port));
  Wait(200);
  Expect("eni-web", answer, "forward eni-app: *");
  config.In("sg-web", {});
  Apply(config);
  Expect("eni-app", ask, "forward eni-web: *");
}

// A SYN from behind a gateway opens a closing connection again, and is still of who answers: the
// connection is established with the next ACK from inside.
TEST_F(FlowEndSemantics, D_TIMERS_ASynThatOpensAFlowAgainThroughAGatewayIsStillAnAnswer) {
  VpcConfig config;
  Start(config);
  Expect("eni-app", Tcp("10.0.1.10:5", "198.51.100.10:80"), "forward eni-web: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  Expect("eni-web", Tcp("10.0.0.10:80", outside, kFin | kAck, 9000, 1001), "forward eni-app: *");
  Expect("eni-web", Tcp("10.0.0.10:80", outside, kSyn, 9500), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5", "198.51.100.10:80", kAck, 1001, 9501), "forward eni-web: *");
  config.Out("sg-app", {});
  Apply(config);
  Wait(100);  // half-open 60 s
  Expect("eni-app", Tcp("10.0.1.10:5", "198.51.100.10:80", kAck, 1001, 9501), "forward eni-web: *");
}

// Who answers through a gateway may have forgotten the flow before who asks: it still answers.
TEST_F(FlowEndSemantics, D_TIMERS_AnAnswerOfWhoHasForgottenTheFlowIsStillAnAnswer) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-app", "ConnectionTrackingConfiguration",
             R"({"UdpTimeout": 60})");
  Start(config);
  const PacketSpec ask = Udp("10.0.1.10:5", "198.51.100.10:53");
  Expect("eni-app", ask, "forward eni-web: *");
  const PacketSpec answer = Udp("10.0.0.10:53", End("198.51.100.200", LastSent().src_port));
  Expect("eni-web", answer, "forward eni-app: *");
  Wait(40);
  Expect("eni-web", answer, "forward eni-app: *");
  config.Out("sg-app", {});
  Apply(config);
  Wait(70);  // a stream only at the second question after an answer: 60 s until then
  Expect("eni-app", ask, "drop sg_egress");
}

TEST_F(FlowEndSemantics, D_TTL_AnAnswerThatStraysFromTheGatewayKeepsItsTtl) {
  VpcConfig config = ThroughGatewayToPeer();
  config.Routes("rtb-b", {"0.0.0.0/0 igw-b"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.0.10:53"), "forward eni-b: *");
  const std::string outside = End("10.0.0.200", LastSent().src_port);
  for (int packet = 0; packet < 3; ++packet) {
    Expect("eni-b", Udp("10.1.0.10:53", outside), "forward internet: *");
    EXPECT_EQ(LastSent().ttl, 64) << packet;
    EXPECT_EQ(LastSent().src, "198.51.101.10");
  }
}

TEST_F(FlowEndSemantics, D_ICMPERR_AnErrorThatStraysFromTheGatewayQuotesWhatItsSenderSaw) {
  VpcConfig config = ThroughGatewayToPeer();
  config.Routes("rtb-b", {"0.0.0.0/0 igw-b"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.0.10:53"), "forward eni-b: *");
  const PacketSpec asked = Udp(End("10.0.0.200", LastSent().src_port), "10.1.0.10:53");
  Expect("eni-b", ErrorAbout("10.1.0.10", "10.0.0.200", 3, 1, BuildIpv4(asked)),
         "forward internet: *");
}

// eni-mid, which has no source check, asks through the gateway in the name of eni-app.
VpcConfig InTheNameOfAnother() {
  VpcConfig config;
  config.Routes("rtb-mid", {"0.0.0.0/0 nat-a"});
  return config;
}

// P3: the answer is translated back, to whoever owns the address; nothing begins there.
TEST_F(FlowEndSemantics, AWS_NAT_03_AnAnswerToABorrowedAddressGoesToItsOwnerAsItWasSent) {
  VpcConfig config = InTheNameOfAnother();
  Start(config);
  const PacketSpec ask = Udp("10.0.1.10:5", "203.0.113.9:53");
  Expect("eni-mid", ask, "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  for (int packet = 0; packet < 3; ++packet) {
    Expect("internet", Udp("203.0.113.9:53", outside),
           "forward eni-app: udp 203.0.113.9:53 > 10.0.1.10:5");
  }
  Expect("eni-mid", ask, "forward internet: udp " + outside + " > 203.0.113.9:53");
  config.In("sg-app", {}).Out("sg-app", {});
  Apply(config);
  Expect("internet", Udp("203.0.113.9:53", outside), "drop sg_ingress");
  Expect("eni-app", ask, "drop sg_egress");  // it has not been asked, and has not asked
}

// The gateway's own public address borrowed: the packet still leaves by a port of the gateway's.
TEST_F(FlowEndSemantics, AWS_NAT_03_FromTheGatewaysOwnPublicAddress) {
  Start(InTheNameOfAnother());
  const PacketSpec ask = Udp("198.51.100.200:5", "203.0.113.9:53");
  Expect("eni-mid", ask, "forward internet: udp 198.51.100.200:* > 203.0.113.9:53");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  EXPECT_NE(outside, "198.51.100.200:5");
  Expect("eni-mid", ask, "forward internet: udp " + outside + " > 203.0.113.9:53");
  // The gateway's table leads to that address by the internet gateway, where the host has none.
  Expect("internet", Udp("203.0.113.9:53", outside), "drop igw_no_public_ip");
}

TEST_F(FlowEndSemantics, D_TRACK_TheOwnersOwnFlowSpeaksForNoAnswerToABorrowedAddress) {
  VpcConfig config = InTheNameOfAnother();
  config.In("sg-app", {});
  Start(config);
  const PacketSpec ask = Udp("10.0.1.10:5", "203.0.113.9:53");
  Expect("eni-app", ask, "forward internet: *");
  const std::string own = End("198.51.100.200", LastSent().src_port);
  Expect("eni-mid", ask, "forward internet: *");
  const std::string borrowed = End("198.51.100.200", LastSent().src_port);
  EXPECT_NE(own, borrowed);
  Expect("internet", Udp("203.0.113.9:53", borrowed), "drop sg_ingress");
  Expect("internet", Udp("203.0.113.9:53", own), "forward eni-app: *");
}

// What strays keeps the flow alive where it is known, and makes nothing of it start over.
TEST_F(FlowEndSemantics, D_TIMERS_AnAnswerToABorrowedAddressRefreshesItsFlow) {
  VpcConfig config = InTheNameOfAnother();
  Start(config);
  Expect("eni-mid", Tcp("10.0.1.10:5", "203.0.113.9:443"), "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  const PacketSpec answer = Tcp("203.0.113.9:443", outside, kSynAck, 9000, 1001);
  Wait(50);
  Expect("internet", answer, "forward eni-app: *");
  Wait(50);
  config.Out("sg-mid", {});
  Apply(config);
  Expect("eni-mid", Tcp("10.0.1.10:5", "203.0.113.9:443", kAck, 1001, 9001), "forward internet: *");
}

TEST_F(FlowEndSemantics, D_TIMERS_AnAnswerToABorrowedAddressReachesOnlyTheGateway) {
  VpcConfig config = InTheNameOfAnother();
  Start(config);
  Expect("eni-mid", Tcp("10.0.1.10:5", "203.0.113.9:443"), "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  Wait(61);  // half-open: the groups have forgotten it, the gateway has not
  for (const uint8_t flags : {kSynAck, kSyn, kRst}) {
    Expect("internet", Tcp("203.0.113.9:443", outside, flags, 9000, 1001), "forward eni-app: *");
  }
  Wait(340);
  Expect("internet", Tcp("203.0.113.9:443", outside, kSynAck, 9000, 1001), "forward eni-app: *");
  config.Out("sg-mid", {});
  Apply(config);
  Expect("eni-mid", Tcp("10.0.1.10:5", "203.0.113.9:443", kAck, 1001, 9001), "drop sg_egress");
}

TEST_F(FlowEndSemantics, AWS_NAT_03_AnAnswerToABorrowedAddressAcrossAPeering) {
  VpcConfig config = ThroughGatewayToPeer();
  config.Routes("rtb-mid", {"0.0.0.0/0 nat-a"});
  Start(config);
  Expect("eni-mid", Udp("10.0.1.10:5", "10.1.0.10:53"), "forward eni-b: *");
  const std::string outside = End("10.0.0.200", LastSent().src_port);
  for (int packet = 0; packet < 3; ++packet) {
    Expect("eni-b", Udp("10.1.0.10:53", outside),
           "forward eni-app: udp 10.1.0.10:53 > 10.0.1.10:5");
  }
}

// The gateway's subnet leads answers through an appliance that the questions have not met.
TEST_F(FlowEndSemantics, AWS_RT_12_AnApplianceThatOnlyTheAnswersMeet) {
  VpcConfig config;
  config.Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.0.1.0/24 eni-mid"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"), "forward internet: *");
  const std::string outside = End("198.51.100.200", LastSent().src_port);
  for (int packet = 0; packet < 3; ++packet) {
    Expect("internet", Udp("203.0.113.9:53", outside),
           "forward eni-mid: udp 203.0.113.9:53 > 10.0.1.10:5");
  }
  Expect("eni-mid", Udp("203.0.113.9:53", "10.0.1.10:5"), "forward eni-app");
}

}  // namespace
}  // namespace sluice::testing
