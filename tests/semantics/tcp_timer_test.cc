// TCP state as the groups keep it, and every timer on both sides of its limit.
#include <algorithm>

#include "tests/semantics/one_flow.h"

namespace sluice::testing {
namespace {

// eni-web asks eni-app, whose group lets TCP 22, UDP 53, echo and protocol 50 in and nothing out:
// answers pass by state alone.
class TimerSemantics : public OneFlowTest {
 protected:
  VpcConfig Tracking() const {
    VpcConfig config;
    config.In("sg-app",
              {"tcp 22 10.0.0.0/8", "udp 53 10.0.0.0/8", "icmp 8/0 10.0.0.0/8", "50 10.0.0.0/8"});
    config.Out("sg-app", {});
    return config;
  }
  // The same, and new flows of eni-web are refused from now on: only state lets them pass.
  void CutRules() {
    VpcConfig config = Tracking();
    config.In("sg-app", {});
    Apply(config);
  }
};
using TcpSemantics = TimerSemantics;

TEST_F(TimerSemantics, D_TIMERS_AWS_SG_13_TcpEstablishedFiveDays) {
  Start(Tracking());
  Establish();
  CutRules();
  Wait(432'000);
  Out(Ask(kAck, 1001, 5001));
  Wait(432'000.001);
  NoBack(Reply(kAck, 5001, 1001));
  Expect("eni-web", Ask(kAck, 1001, 5001), "drop sg_ingress");
}

TEST_F(TimerSemantics, AWS_SG_13_D_TIMERS_LimitsSetOnTheInterface) {
  struct Case {
    const char* settings;
    double tcp, udp, stream;
  };
  const Case cases[] = {
      {R"({"TcpEstablishedTimeout": 60, "UdpTimeout": 60, "UdpStreamTimeout": 60})", 60, 60, 60},
      {R"({"TcpEstablishedTimeout": 350, "UdpStreamTimeout": 100})", 350, 30, 100},
      {R"({})", 432'000, 30, 180}};
  for (const Case& c : cases) {
    VpcConfig config = Tracking();
    config.Set("NetworkInterfaces", "eni-app", "ConnectionTrackingConfiguration", c.settings);
    Start(config);
    const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
    const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:7");
    Out(ask);
    Wait(c.udp);
    Back(reply);
    Wait(c.udp + 0.001);
    NoBack(reply);
    Out(ask);
    Back(reply);
    Out(ask);  // the initiator's second packet after a reply: a stream
    Wait(c.stream);
    Back(reply);
    Wait(c.stream + 0.001);
    NoBack(reply);
    Establish();
    Wait(c.tcp);
    Back(Reply(kAck, 5001, 1001));
    Wait(c.tcp + 0.001);
    NoBack(Reply(kAck, 5001, 1001));
  }
}

// Where a connection is remembered a SYN in it changes nothing, and passes.
TEST_F(TimerSemantics, D_TIMERS_AWS_SG_13_ASynOfWhoHasForgottenAConnection) {
  VpcConfig config = Tracking();
  config.In("sg-web", {})
      .Set("NetworkInterfaces", "eni-web", "ConnectionTrackingConfiguration",
           R"({"TcpEstablishedTimeout": 60})");
  Start(config);
  Establish();
  Wait(61);
  config.In("sg-app", {});
  Apply(config);
  Out(Ask(kSyn, 70'000));
  Expect("eni-app", Reply(kAck, 5001, 1001), "drop sg_ingress");
  Out(Ask(kAck, 1001, 5001));
  Back(Reply(kAck, 5001, 1001));
}

// Who asked and who answers stays as long as one of them remembers.
TEST_F(TimerSemantics, D_TIMERS_AWS_SG_13_WhoAnswersForgetsFirst) {
  VpcConfig config = Tracking();
  config.Out("sg-app", {"udp 7 10.0.0.0/8"})
      .Set("NetworkInterfaces", "eni-web", "ConnectionTrackingConfiguration",
           R"({"UdpTimeout": 60})");
  config.In("sg-web", {});
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:7");
  Out(ask);
  Back(reply);
  Wait(31);
  Back(reply);
  config.Out("sg-web", {});
  Apply(config);
  Wait(61);  // a stream only at the second question after an answer
  Expect("eni-web", ask, "drop sg_egress");
}

// What nobody tracks has no settable timers: after 30 s an answer is a question.
TEST_F(TimerSemantics, AWS_SG_13_D_TRACK_UntrackedFlowsHaveTheDefaultTimers) {
  VpcConfig config;
  config.Set("NetworkInterfaces", "eni-web", "ConnectionTrackingConfiguration",
             R"({"UdpTimeout": 60})");
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:7", "10.0.1.10:53"), "forward eni-app");
  Wait(31);
  config.In("sg-web", {"udp 7 10.0.0.0/8"});  // what begins now is tracked
  Apply(config);
  Expect("eni-app", Udp("10.0.1.10:53", "10.0.0.10:7"), "forward eni-web");
  config.Out("sg-web", {});
  Apply(config);
  Expect("eni-web", Udp("10.0.0.10:7", "10.0.1.10:53"), "forward eni-app");
}

TEST_F(TimerSemantics, D_TIMERS_TwoRequestsWithoutAReplyAreNoStream) {
  Start(Tracking());
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  Out(ask);
  Out(ask);
  Out(ask);
  Wait(30.001);
  NoBack(Udp("10.0.1.10:53", "10.0.0.10:7"));
}

TEST_F(TimerSemantics, D_TIMERS_RFC_ROW_28_HalfOpenClosingAndReset) {
  Start(Tracking());
  Out(Ask(kSyn));
  Wait(60);
  Back(Reply(kSynAck));
  Wait(60.001);  // still half-open: the initiator has not acknowledged
  NoBack(Reply(kSynAck));
  Establish();
  Out(Ask(kFin | kAck, 1001, 5001));
  Wait(60);
  Back(Reply(kAck, 5001, 1002));
  Wait(60.001);
  NoBack(Reply(kAck, 5001, 1002));
  Establish();
  Back(Reply(kFin | kAck, 5001, 1001));  // the responder closes first
  Wait(60.001);
  NoBack(Reply(kAck, 5002, 1001));
  Establish();
  Out(Ask(kRst, 1001));
  Wait(10);
  Back(Reply(kAck, 5001, 1001));
  Wait(10.001);
  NoBack(Reply(kAck, 5001, 1001));
}

TEST_F(TimerSemantics, D_TIMERS_D_ICMPFLOW_RFC_ROW_49_EchoThirtySeconds) {
  Start(Tracking());
  Out(Echo("10.0.0.10", "10.0.1.10", 7));
  Wait(30);
  Back(EchoReply("10.0.1.10", "10.0.0.10", 7));
  Wait(30.001);
  NoBack(EchoReply("10.0.1.10", "10.0.0.10", 7));
}

TEST_F(TimerSemantics, D_OTHERPROTO_AWS_SG_09_RFC_ROW_111_SixHundredSeconds) {
  Start(Tracking());
  Out(Raw("10.0.0.10", "10.0.1.10", 50));
  Wait(599);
  Back(Raw("10.0.1.10", "10.0.0.10", 50));
  Wait(599);
  Back(Raw("10.0.1.10", "10.0.0.10", 50));  // each accepted packet restarts it
  Wait(600);
  Out(Raw("10.0.0.10", "10.0.1.10", 50));
  Wait(600);
  Back(Raw("10.0.1.10", "10.0.0.10", 50));
  Wait(601);
  NoBack(Raw("10.0.1.10", "10.0.0.10", 50));
}

TEST_F(TimerSemantics, D_STATE_RefusedPacketsRestartNoTimer) {
  VpcConfig config = Tracking();
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:7");
  Out(ask);
  Wait(29);
  config.Acl("acl-pub", {"out 100 allow all 0.0.0.0/0"});  // refuses the answer at its end
  Apply(config);
  Expect("eni-app", reply, "drop nacl_ingress acl-pub 32767");
  Wait(1.001);
  Expect("eni-app", reply, "drop sg_egress");
}

TEST_F(TcpSemantics, D_RST_RFC_ROW_39_OnlyTheExactNextSequenceEndsAFlow) {
  for (const uint32_t seq : {1000u, 1002u, 5001u, 0u, 1001u + 100}) {
    Start(Tracking());
    Establish();
    Out(Ask(kRst, seq));            // forwarded, believed by nobody
    Back(Reply(kAck, 5001, 1001));  // the challenge
    Wait(11);
    Back(Reply(kAck, 5001, 1001));
  }
  Start(Tracking());
  Establish();
  Out(Ask(kAck | kPsh, 1001, 5001, 100));
  Out(Ask(kRst, 1001));  // the next one is 1101 now
  Wait(11);
  Back(Reply(kAck, 5001, 1101));
  Out(Ask(kRst, 1101));
  Wait(10.001);
  NoBack(Reply(kAck, 5001, 1101));
}

TEST_F(TcpSemantics, D_RST_FromASideThatHasSentNothing) {
  // Connection refused: RST+ACK with the ack of the SYN.
  Start(Tracking());
  Out(Ask(kSyn, 1000));
  Back(Reply(kRst | kAck, 0, 1001));
  Wait(10.001);
  NoBack(Reply(kSynAck));
  Start(Tracking());
  Out(Ask(kSyn, 1000));
  Back(Reply(kRst | kAck, 0, 1002));  // of another SYN: nothing ends
  Wait(59);
  Back(Reply(kSynAck));
}

TEST_F(TcpSemantics, D_RST_AnInvalidResetRefreshesNothing) {
  Start(Tracking());
  Out(Ask(kSyn, 1000));
  Wait(40);
  Out(Ask(kRst, 77));
  Wait(20.001);
  NoBack(Reply(kSynAck));
}

TEST_F(TcpSemantics, RFC_ROW_22_RFC_ROW_23_SimultaneousOpen) {
  VpcConfig config = Tracking();
  config.Out("sg-app", {"tcp 999 10.0.0.0/8"}).In("sg-web", {"tcp 999 10.0.0.0/8"});
  Start(config);
  Out(Ask(kSyn, 1000));
  Back(Reply(kSyn, 5000, 0));
  Out(Ask(kSynAck, 1000, 5001));
  Back(Reply(kSynAck, 5000, 1001));
  Out(Ask(kAck, 1001, 5001));
  CutRules();
  Wait(3600);
  Out(Ask(kAck, 1001, 5001, 10));
  Back(Reply(kAck, 5001, 1011));
}

TEST_F(TcpSemantics, RFC_ROW_22_OddButValidSegments) {
  Start(Tracking());
  Out(Ask(kSyn, 1000, 0, 10));          // data on the SYN (fast open)
  Out(Ask(kSyn, 1000, 0, 10));          // again
  Back(Reply(kSynAck, 5000, 1011, 5));  // data on the SYN+ACK
  Back(Reply(kSynAck, 5000, 1011, 5));
  Out(Ask(kAck, 1011, 5006));
  Out(Ask(kAck | kUrg, 1011, 5006, 1));
  Out(Ask(kAck | kPsh, 1012, 5006, 1400));
  Out(Ask(kAck | kPsh, 1012, 5006, 1400));  // retransmitted
  Back(Reply(kAck, 5006, 1012));
  Out(Ask(kFin | kAck | kPsh, 2412, 5006, 7));  // data with the FIN
  Back(Reply(kAck, 5006, 2420));
  Back(Reply(kAck, 5006, 2420, 500));  // half-closed: the other side goes on
  Out(Ask(kAck, 2420, 5506));
  Back(Reply(kFin | kAck, 5506, 2420));
  Out(Ask(kAck, 2420, 5507));
}

TEST_F(TcpSemantics, RFC_ROW_40_ASynInAnEstablishedFlowChangesNothing) {
  Start(Tracking());
  Establish();
  CutRules();
  Out(Ask(kSyn, 70'000));
  Back(Reply(kAck, 5001, 1001));  // the challenge
  Wait(3600);
  Out(Ask(kAck, 1001, 5001, 3));
  Back(Reply(kAck, 5001, 1004));
}

TEST_F(TcpSemantics, RFC_ROW_41_RFC_ROW_42_AckAndSequenceOutsideTheWindow) {
  Start(Tracking());
  Establish();
  CutRules();
  Out(Ask(kAck, 1001, 5001 + 2'000'000'000));
  Out(Ask(kAck, 1'000'001'001, 5001, 10));
  Back(Reply(kAck, 5001, 1001));
  Wait(3600);
  Out(Ask(kAck, 1001, 5001, 10));
  Back(Reply(kAck, 5001, 1011));
}

TEST_F(TcpSemantics, RFC_ROW_44_KeepAlivesRefresh) {
  VpcConfig config = Tracking();
  config.Set("NetworkInterfaces", "eni-app", "ConnectionTrackingConfiguration",
             R"({"TcpEstablishedTimeout": 60})");
  Start(config);
  Establish();
  config.In("sg-app", {});
  Apply(config);
  for (int i = 0; i < 5; ++i) {
    Wait(59);
    Out(Ask(kAck, 1000, 5001));  // one before the next: a keep-alive
    Back(Reply(kAck, 5001, 1001));
  }
}

TEST_F(TcpSemantics, RFC_ROW_43_RFC_ROW_45_ManySegmentsLostAndReordered) {
  Start(Tracking());
  Establish();
  CutRules();
  uint32_t seq = 1001;
  uint64_t random = 88172645463325252;  // xorshift, fixed
  for (int i = 0; i < 3000; ++i) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    const auto back = static_cast<uint32_t>(random % 5) * 1400;  // retransmissions and gaps
    Out(Ask(kAck, seq - back, 5001, 1400));
    seq += random % 3 == 0 ? 2800 : 1400;
    Back(Reply(kAck, 5001, seq - back));
  }
}

TEST_F(TcpSemantics, D_MIDSTREAM_RFC_ROW_46_WhichFirstSegmentsMakeAFlow) {
  for (int flags = 0; flags < 64; ++flags) {
    Start(Tracking());
    Out(Ask(static_cast<uint8_t>(flags)));
    const int sane = flags & ~kPsh;
    const bool opens = sane == kSyn || sane == (kSyn | kUrg) || sane == kSynAck || sane == kAck ||
                       sane == (kAck | kUrg);
    EXPECT_EQ(LiveSessions(), opens ? 1u : 0u) << "flags " << flags;
    // Only a pure SYN lets answers pass that the rules would not.
    if (sane == kSyn || sane == (kSyn | kUrg)) {
      Back(Reply(kSynAck));
    } else {
      NoBack(Reply(kAck));
    }
  }
}

TEST_F(TcpSemantics, RFC_ROW_46_IllegalFlagsChangeNoFlow) {
  Start(Tracking());
  Establish();
  CutRules();
  for (int flags = 0; flags < 64; ++flags) {
    const int sane = flags & ~kPsh;
    const bool both = (flags & kSyn) != 0 && (flags & (kFin | kRst)) != 0;
    if (both || sane == 0 || sane == kFin || sane == (kFin | kUrg) ||
        (flags & kFin && flags & kRst)) {
      Out(Ask(static_cast<uint8_t>(flags), 1001, 5001));
    }
  }
  Wait(3600);
  Out(Ask(kAck, 1001, 5001));
  Back(Reply(kAck, 5001, 1001));
}

TEST_F(TcpSemantics, RFC_ROW_36_ASynReopensAClosedFlowFromEitherSide) {
  VpcConfig config = Tracking();
  config.Out("sg-app", {"tcp 999 10.0.0.0/8"});
  Start(config);
  Establish();
  Out(Ask(kFin | kAck, 1001, 5001));
  Back(Reply(kFin | kAck, 5001, 1002));
  Out(Ask(kAck, 1002, 5002));
  Out(Ask(kSyn, 70'000));
  Back(Reply(kSynAck, 80'000, 70'001));
  Out(Ask(kAck, 70'001, 80'001));
  Back(Reply(kFin | kAck, 80'001, 70'001));
  Out(Ask(kFin | kAck, 70'001, 80'002));
  Back(Reply(kAck, 80'002, 70'002));
  // Now the responder opens one of its own on the same tuple.
  Back(Reply(kSyn, 90'000, 0));
  Out(Ask(kSynAck, 91'000, 90'001));
  Back(Reply(kAck, 90'001, 91'001));
}

TEST_F(TcpSemantics, D_SGCHANGE_AReopenedFlowAsksTheRulesAgain) {
  Start(Tracking());
  Establish();
  CutRules();
  Out(Ask(kFin | kAck, 1001, 5001));
  Back(Reply(kFin | kAck, 5001, 1002));
  Out(Ask(kAck, 1002, 5002));
  Expect("eni-web", Ask(kSyn, 70'000), "drop sg_ingress");
}

}  // namespace
}  // namespace sluice::testing
