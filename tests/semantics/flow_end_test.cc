// What interfaces know of a flow, and when that speaks for a packet: only at the ends that the
// packet has, for as long as its questions reach them (docs/semantics_choices.md, "Security
// groups").
#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

class FlowEndSemantics : public VpcTest {};

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

VpcConfig ThroughGatewayToPeer() {
  VpcConfig config;
  config.Routes("rtb-app", {"0.0.0.0/0 nat-a"})
      .Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.1.0.0/16 pcx-ab"});
  return config;
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

}  // namespace
}  // namespace sluice::testing
