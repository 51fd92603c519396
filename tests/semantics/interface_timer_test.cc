// Timers of an interface's own: whose count where the ends of a flow differ, and what restarts a
// gateway's.
#include "tests/semantics/one_flow.h"

namespace sluice::testing {
namespace {

class InterfaceTimerSemantics : public OneFlowTest {
 protected:
  // eni-app tracks what it is asked, for as long as its own settings say; eni-web, which asks,
  // tracks nothing.
  static VpcConfig OneEndTracks(const std::string& settings) {
    VpcConfig config;
    config.In("sg-app", {"tcp 22 10.0.0.0/8", "udp 53 10.0.0.0/8"})
        .Out("sg-app", {})
        .Set("NetworkInterfaces", "eni-app", "ConnectionTrackingConfiguration", settings);
    return config;
  }
};

// An interface that does not track a flow has no timer for it, and carries nothing of it over: when
// who tracks it has forgotten it, an ACK is one from the middle, whose answers ask the rules.
TEST_F(InterfaceTimerSemantics, D_TIMERS_D_TRACK_AWS_SG_11_WhoTracksNothingRemembersNothing) {
  Start(OneEndTracks(R"({"TcpEstablishedTimeout": 60})"));
  Establish();
  Wait(60.001);
  Out(Ask(kAck, 1001, 5001));
  NoBack(Reply(kAck, 5001, 1001));
}

TEST_F(InterfaceTimerSemantics, D_TIMERS_D_TRACK_AWS_SG_13_ASynBeginsAnewWhatNoTrackerRemembers) {
  Start(OneEndTracks(R"({"TcpEstablishedTimeout": 60})"));
  Establish();
  Wait(60.001);
  Out(Ask(kSyn, 70'000));
  Back(Reply(kSynAck, 90'000, 70'001));
}

// The first question after it is the first of another flow, so that the second answer is no
// stream's.
TEST_F(InterfaceTimerSemantics, D_TIMERS_D_TRACK_AWS_SG_13_NoStreamGoesOnWhereNobodyTracks) {
  VpcConfig config = OneEndTracks("{}");
  config.Set("NetworkInterfaces", "eni-web", "ConnectionTrackingConfiguration",
             R"({"UdpTimeout": 60})");
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:7");
  Out(ask);
  Back(reply);
  Wait(30.001);
  Out(ask);
  Wait(30.001);
  NoBack(reply);
}

// Other settings count for the flows that begin with them.
TEST_F(InterfaceTimerSemantics, D_TIMERS_AWS_SG_13_AFlowKeepsTheTimersItBeganWith) {
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:7");
  Start(OneEndTracks(R"({"UdpTimeout": 60})"));
  Out(ask);
  Apply(OneEndTracks("{}"));
  Wait(60);
  Back(reply);
  Wait(60.001);
  NoBack(reply);
  Out(ask);
  Wait(30.001);
  NoBack(reply);
}

// Also where its pair is made anew because the asker's end comes to track it as well.
TEST_F(InterfaceTimerSemantics, D_TIMERS_AWS_SG_13_AFlowThatIsTrackedAtOneMoreEndKeepsItsTimers) {
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  const PacketSpec reply = Udp("10.0.1.10:53", "10.0.0.10:7");
  Start(OneEndTracks(R"({"UdpTimeout": 60})"));
  Out(ask);
  VpcConfig config = OneEndTracks("{}");
  config.In("sg-web", {});
  Apply(config);
  Out(ask);
  Wait(50);
  // eni-web has forgotten it by then, eni-app has not.
  Expect("eni-app", reply, "drop sg_ingress");
  config.In("sg-web", {"udp 7 10.0.0.0/8"});
  Apply(config);
  Back(reply);
}

// A SYN that opens a closing connection again begins a flow, with the settings of its time.
TEST_F(InterfaceTimerSemantics, D_TIMERS_AWS_SG_13_AConnectionOpenedAgainHasTheTimersOfNow) {
  Start(OneEndTracks("{}"));
  Establish();
  Out(Ask(kFin | kAck, 1001, 5001));
  Apply(OneEndTracks(R"({"TcpEstablishedTimeout": 60})"));
  Establish();
  Wait(60.001);
  NoBack(Reply(kAck, 5001, 1001));
}

// The gateway's table leads what comes back for eni-app to eni-mid: an answer that strays. It keeps
// the binding; who has forgotten the flow by then does not remember it again.
TEST_F(InterfaceTimerSemantics, D_TIMERS_AnAnswerThatStraysRemindsNobody) {
  VpcConfig config;
  config.Routes("rtb-app", {"0.0.0.0/0 nat-a"})
      .Routes("rtb-pub", {"0.0.0.0/0 igw-a", "10.1.0.0/16 pcx-ab", "10.0.1.0/24 eni-mid"});
  Start(config);
  const PacketSpec ask = Udp("10.0.1.10:5", "10.1.0.10:53");
  Expect("eni-app", ask, "forward eni-b: *");
  const std::string outside = End("10.0.0.200", LastSent().src_port);
  Wait(31);
  Expect("eni-b", Udp("10.1.0.10:53", outside), "forward eni-mid: *");
  config.Out("sg-app", {}).Out("sg-b", {});
  Apply(config);
  Expect("eni-app", ask, "drop sg_egress");
  Expect("eni-b", Udp("10.1.0.10:53", outside), "drop sg_egress");
}

// eni-app asks eni-b across the peering, until its table leads there by the NAT gateway.
class NewBindingSemantics : public VpcTest {
 protected:
  static PacketSpec Ask(uint8_t flags, uint32_t seq, uint32_t ack) {
    return Tcp("10.0.1.10:5", "10.1.0.10:80", flags, seq, ack);
  }
  void EstablishThenLeadThroughGateway(double idle_seconds) {
    VpcConfig config;
    config.In("sg-app", {});
    Start(config);
    Expect("eni-app", Ask(kSyn, 1000, 0), "forward eni-b");
    Expect("eni-b", Tcp("10.1.0.10:80", "10.0.1.10:5", kSynAck, 9000, 1001), "forward eni-app");
    Expect("eni-app", Ask(kAck, 1001, 9001), "forward eni-b");
    config.Routes("rtb-app", {"0.0.0.0/0 nat-a"});
    Apply(config);
    Wait(idle_seconds);
    Expect("eni-app", Ask(kSyn, 1001, 0), "forward internet: *");
    outside_ = End("198.51.100.200", LastSent().src_port);
  }
  std::string outside_;
};

// A SYN in an established connection changes nothing of it, but the binding it makes is new.
TEST_F(NewBindingSemantics, D_TIMERS_AWS_NAT_07_ABindingLivesFromThePacketThatMadeIt) {
  EstablishThenLeadThroughGateway(340);
  Wait(350);
  Expect("eni-app", Ask(kAck, 1001, 9001), "forward internet: tcp " + outside_ + " > 10.1.0.10:80");
}

TEST_F(NewBindingSemantics, D_TIMERS_AWS_NAT_07_ABindingMadeAfterALongSilenceIsAlive) {
  EstablishThenLeadThroughGateway(400);
  Expect("internet", Tcp("10.1.0.10:80", outside_, kAck, 9001, 1001), "forward eni-app: *");
}

// The gateway's binding is of the established connection: another SYN does not restart its clock.
TEST_F(NewBindingSemantics, D_TIMERS_AWS_NAT_07_AnotherSynRestartsNoClock) {
  EstablishThenLeadThroughGateway(10);
  Wait(200);
  Expect("eni-app", Ask(kSyn, 1001, 0), "forward internet: *");
  Wait(200);
  Expect("eni-app", Ask(kAck, 1001, 9001), "consume nat_idle_timeout *");
}

}  // namespace
}  // namespace sluice::testing
