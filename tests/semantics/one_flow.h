// One TCP connection that eni-web opens to eni-app's port 22, packet by packet, where eni-app's
// group lets nothing out but answers.
#pragma once

#include "tests/semantics/vpc_test.h"

namespace sluice::testing {

class OneFlowTest : public VpcTest {
 protected:
  static PacketSpec Ask(uint8_t flags, uint32_t seq = 1000, uint32_t ack = 0, size_t bytes = 0) {
    return Tcp("10.0.0.10:999", "10.0.1.10:22", flags, seq, ack, bytes);
  }
  static PacketSpec Reply(uint8_t flags, uint32_t seq = 5000, uint32_t ack = 1001,
                          size_t bytes = 0) {
    return Tcp("10.0.1.10:22", "10.0.0.10:999", flags, seq, ack, bytes);
  }
  void Out(const PacketSpec& spec) { Expect("eni-web", spec, "forward eni-app"); }
  void Back(const PacketSpec& spec) { Expect("eni-app", spec, "forward eni-web"); }
  void NoBack(const PacketSpec& spec) { Expect("eni-app", spec, "drop sg_egress"); }
  void Establish() {
    Out(Ask(kSyn));
    Back(Reply(kSynAck));
    Out(Ask(kAck, 1001, 5001));
  }
};

}  // namespace sluice::testing
