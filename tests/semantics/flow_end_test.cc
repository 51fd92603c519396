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

}  // namespace
}  // namespace sluice::testing
