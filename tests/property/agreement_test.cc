// Scenarios written by hand with what must come of every packet, run through the pipeline (with and
// without session cache, packet by packet and in bursts) and through the reference world.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "control/explain/packet_maker.h"
#include "tests/control/explain/world_fixture.h"
#include "tests/property/scenario.h"

namespace sluice::testing {
namespace {

constexpr const char* kNone = "";
constexpr const char* kTcpFrom10 =
    R"({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})";

class AgreementTest : public ::testing::Test {
 protected:
  void Start(const Holes& holes) { ASSERT_TRUE(AddConfig(scenario_, ConfigText(holes))); }
  void Change(const Holes& holes) {
    ASSERT_TRUE(AddConfig(scenario_, ConfigText(holes)));
    Step step;
    step.time_ns = now_ns_;
    step.apply = static_cast<int>(scenario_.configs.size() - 1);
    scenario_.steps.push_back(step);
  }
  void Advance(int64_t ns) { now_ns_ += ns; }

  void Send(const std::string& from, const PacketShape& shape, const std::string& expected) {
    const ValidatedIntent& intent = *scenario_.configs.back().intent;
    const NetworkInterface* eni = intent.FindNetworkInterface(from);
    const MacAddress source = eni != nullptr ? *eni->mac : MacAddress{{0x02, 0, 0, 0, 0, 0xfe}};
    Step step;
    step.time_ns = now_ns_;
    step.port = from;
    step.frame =
        sluice::MakeFrame(intent.host().router_mac, source, 0, kEtherTypeIpv4, MakePacket(shape));
    step.expected = expected;
    scenario_.steps.push_back(std::move(step));
  }
  void SendFrame(const std::string& port, const FrameSpec& spec, const std::string& expected) {
    SendBytes(port, MakeFrame(spec), expected);
  }
  void SendBytes(const std::string& port, const Frame& frame, const std::string& expected) {
    Step step;
    step.time_ns = now_ns_;
    step.port = port;
    step.frame = frame;
    step.expected = expected;
    scenario_.steps.push_back(std::move(step));
  }
  void Send(const std::string& from, const PacketHeader& header, const std::string& expected,
            uint8_t tcp_flags = kTcpSyn) {
    Send(from, PacketShape{.header = header, .tcp_flags = tcp_flags}, expected);
  }

  // Whatever the bursts, all that is remembered at the end is the same, too.
  void TearDown() override {
    const PipelineRun singly = RunPipeline(scenario_, {1, true});
    for (const PipelineOptions& options :
         {PipelineOptions{1, true}, {1, false}, {7, true}, {200, true}, {200, true, true}}) {
      const PipelineRun run = RunPipeline(scenario_, options);
      std::optional<Mismatch> mismatch = JudgeRun(scenario_, run);
      if (!mismatch) {
        mismatch = CompareRuns(singly, run);
      }
      EXPECT_FALSE(mismatch) << "batch " << options.batch_capacity << ", session cache "
                             << options.session_cache << "\n"
                             << "step " << mismatch->step << ": " << mismatch->what;
    }
  }

 private:
  Scenario scenario_;
  int64_t now_ns_ = 1000 * kSecond;
};

TEST_F(AgreementTest, D_ICMPFLOW_AnAnswerOpensNothing) {
  Start({{"APP_IN", kNone}});
  Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 0, 0, 7), "forward");
  Send("eni-two", Icmp("10.0.0.11", "10.0.1.10", 8, 0, 7), "drop sg_ingress");
}

TEST_F(AgreementTest, D_TRACK_OnlyWhatCouldOpenAFlowMakesItTracked) {
  Start({});
  Send("eni-app", Tcp("10.0.1.10", 1024, "10.0.0.11", 80), "forward");
  Change({{"APP_OUT", kTcpFrom10}, {"APP_IN", kNone}});  // from now on it would be tracked
  Send("eni-app", Tcp("10.0.1.10", 1024, "10.0.0.11", 80), "forward", kTcpSyn | kTcpFin);
  Send("eni-two", Tcp("10.0.0.11", 80, "10.0.1.10", 1024), "drop sg_ingress", kTcpSyn | kTcpAck);
  Send("eni-app", Tcp("10.0.1.10", 1024, "10.0.0.11", 80), "forward", kTcpAck);
  Send("eni-two", Tcp("10.0.0.11", 80, "10.0.1.10", 1024), "forward", kTcpSyn | kTcpAck);
}

// Only code 0 is a query (decision 9): a quote of another names no flow, not that with the id 0.
TEST_F(AgreementTest, D_ICMPERR_AQuoteOfAnotherCodeNamesNoFlow) {
  Start({{"APP_IN", kNone}});
  Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 8, 0, 0), "forward");
  FrameSpec quoted{.source = Ip("10.0.1.10"), .destination = Ip("10.0.0.11"), .protocol = 1};
  FrameSpec error{.destination_mac = {{0x02, 0, 0, 0, 0, 1}},
                  .source_mac = {{0x02, 0x0a, 0, 0, 0, 0x11}},
                  .source = Ip("10.0.0.11"),
                  .destination = Ip("10.0.1.10"),
                  .protocol = 1,
                  .icmp_type = 3,
                  .icmp_code = 2};
  error.quoted = PacketOf(MakeFrame(quoted), 36);
  SendFrame("eni-two", error, "forward");
  quoted.icmp_code = 8;
  error.quoted = PacketOf(MakeFrame(quoted), 36);
  SendFrame("eni-two", error, "drop sg_ingress");
}

// AWS-SG-11: the session that the gateway makes of it is tracked, whatever the one before was.
TEST_F(AgreementTest, AWS_SG_11_AnAnswerThatAGatewayRemembersIsTracked) {
  const std::string extra = R"(, "Association": {"PublicIp": "198.51.100.13"})";
  Start({{"APP_EXTRA", extra}});
  Send("internet", Udp("8.8.8.8", 1024, "198.51.100.13", 40000), "forward");
  Send("eni-app", Udp("10.0.1.10", 40000, "8.8.8.8", 1024), "forward");
  Change({{"APP_EXTRA", extra}, {"APP_OUT", kNone}});
  Send("eni-app", Udp("10.0.1.10", 40000, "8.8.8.8", 1024), "forward");
}

// An answer that a NAT gateway has to remember waits for an earlier packet of its burst, and its
// own answer waits for it.
TEST_F(AgreementTest, D_STATE_WhatFollowsAWaitingPacketWaitsToo) {
  Start({{"APP_EXTRA", R"(, "Association": {"PublicIp": "198.51.100.13"})"}});
  Send("internet", Udp("8.8.8.8", 1024, "198.51.100.13", 40000), "forward");
  Send("eni-app", Udp("10.0.1.10", 40000, "8.8.8.8", 1024), "forward");
  Send("eni-app", Udp("10.0.1.10", 40000, "8.8.8.8", 1024), "forward");
}

TEST_F(AgreementTest, D_MIDSTREAM_WhatOnlyTheNatGatewayRemembersBeginsAnew) {
  Start({{"APP_IN", kNone}});
  Send("eni-app", Tcp("10.0.1.10", 40000, "8.8.8.8", 443), "forward");
  Advance(100 * kSecond);  // half-open 60 s, the gateway's 350 s
  Send("eni-app", Tcp("10.0.1.10", 40000, "8.8.8.8", 443), "forward", kTcpAck);
}

// A segment without flags in a known flow changes nothing, also when the session cache knows it.
TEST_F(AgreementTest, D_RST_NothingIsLearntFromInsaneFlags) {
  Start({{"APP_IN", kNone}});
  const PacketHeader ask = Tcp("10.0.1.10", 40000, "10.0.0.11", 80);
  const PacketHeader answer = Tcp("10.0.0.11", 80, "10.0.1.10", 40000);
  Send("eni-app", {.header = ask, .tcp_flags = kTcpSyn, .tcp_sequence = 1000}, "forward");
  Send("eni-two", {.header = answer, .tcp_flags = kTcpSyn | kTcpAck}, "forward");
  Send("eni-app", {.header = ask, .tcp_flags = kTcpAck, .tcp_sequence = 1001}, "forward");
  Send("eni-app", {.header = ask, .tcp_flags = 0, .tcp_sequence = 1001, .payload_bytes = 50},
       "forward");
  Send("eni-app", {.header = ask, .tcp_flags = kTcpRst, .tcp_sequence = 1051}, "forward");
  Advance(59 * kSecond);
  Send("eni-two", {.header = answer, .tcp_flags = kTcpAck}, "forward");
}

// Connections whose packets stand between each other's, some of one connection next to each other.
class SideBySideTest : public AgreementTest {
 protected:
  static constexpr uint32_t kConnections = 24;
  static constexpr uint32_t kLags = 4;
  static constexpr uint32_t kStays = 17;  // of each lag: does not end
  static constexpr uint32_t kFirstFin = 3;

  // All of them but the ends of kStays, with so many others between two packets of one.
  void Converse() {
    constexpr uint32_t kSteps = std::size(kSegments);
    for (uint32_t lag = 0; lag < kLags; ++lag) {
      for (uint32_t turn = 0; turn < kConnections + kSteps * lag; ++turn) {
        for (uint32_t step = 0; step < kSteps; ++step) {
          const uint32_t number = turn - lag * step;
          if (number < kConnections && !(number == kStays && step >= kFirstFin)) {
            SendStep(lag, number, step);
          }
        }
      }
    }
  }
  void SendStep(uint32_t lag, uint32_t number, uint32_t step) {
    SendSegment(lag, number, kSegments[step], "forward");
  }
  void SendLateAnswer(uint32_t lag, uint32_t number, const char* expected) {
    SendSegment(lag, number, {true, kTcpAck, 9001, 1001}, expected);
  }

 private:
  struct Segment {
    bool reply;
    uint8_t flags;
    uint32_t sequence, acknowledgment;
  };
  static constexpr Segment kSegments[] = {{false, kTcpSyn, 1000, 0},
                                          {true, kTcpSyn | kTcpAck, 9000, 1001},
                                          {false, kTcpAck, 1001, 9001},
                                          {false, kTcpFin | kTcpAck, 1001, 9001},
                                          {true, kTcpFin | kTcpAck, 9001, 1002},
                                          {false, kTcpAck, 1002, 9002}};

  void SendSegment(uint32_t lag, uint32_t number, const Segment& segment, const char* expected) {
    const auto l4_port = static_cast<uint16_t>(40000 + 100 * lag + number);
    const PacketHeader ask = Tcp("10.0.1.10", l4_port, "10.0.0.11", 80);
    const PacketHeader answer = Tcp("10.0.0.11", 80, "10.0.1.10", l4_port);
    Send(segment.reply ? "eni-two" : "eni-app",
         {.header = segment.reply ? answer : ask,
          .tcp_flags = segment.flags,
          .tcp_sequence = segment.sequence,
          .tcp_acknowledgment = segment.acknowledgment},
         expected);
  }
};

// What is remembered of each at the end is looked at behind every scenario.
TEST_F(SideBySideTest, ConnectionsOpenAndEnd) {
  Start({{"APP_IN", kNone}});
  Converse();
}

// Each ends for itself, and one stays open.
TEST_F(SideBySideTest, ConnectionsThatHaveEndedAreForgotten) {
  constexpr uint32_t kAgain = 5;
  Start({{"APP_IN", kNone}});
  Converse();
  // A SYN opens what has ended again.
  for (uint32_t lag = 0; lag < kLags; ++lag) {
    for (uint32_t step = 0; step < kFirstFin; ++step) {
      SendStep(lag, kAgain, step);
    }
  }
  Advance(61 * kSecond);  // closed ones are forgotten after 60 s
  for (uint32_t lag = 0; lag < kLags; ++lag) {
    for (uint32_t number = 0; number < kConnections; ++number) {
      SendLateAnswer(lag, number,
                     number == kStays || number == kAgain ? "forward" : "drop sg_ingress");
    }
  }
}

// Decision 8: what a reset carries has been sent, too, so the same one again is not the next
// segment.
TEST_F(AgreementTest, D_RST_AResetWithPayloadCountsOnce) {
  Start({{"APP_IN", kNone}});
  const PacketHeader ask = Tcp("10.0.1.10", 40000, "10.0.0.11", 80);
  const PacketShape reset{.header = Tcp("10.0.0.11", 80, "10.0.1.10", 40000),
                          .tcp_flags = kTcpRst | kTcpAck,
                          .tcp_sequence = 9000,
                          .tcp_acknowledgment = 1001,
                          .payload_bytes = 26};
  Send("eni-app", {.header = ask, .tcp_flags = kTcpSyn, .tcp_sequence = 1000}, "forward");
  Send("eni-two", reset, "forward");
  Advance(9 * kSecond);
  Send("eni-two", reset, "forward");
  Advance(2 * kSecond);
  Send("eni-two", reset, "drop sg_ingress");
}

// Insane flags reach a flow that only the NAT gateway remembers; the ACK behind them tracks it.
TEST_F(AgreementTest, D_TRACK_AFlowThatTheGatewayRemembersIsTrackedAnew) {
  Start({{"APP_IN", kNone}});
  const PacketHeader ask = Tcp("10.0.1.10", 40000, "8.8.8.8", 443);
  Send("eni-app", ask, "forward");
  Advance(100 * kSecond);
  Send("eni-app", ask, "forward", 0);
  Send("eni-app", ask, "forward", kTcpAck);
  Send("eni-app", ask, "forward", kTcpAck);
}

// What a rule refuses of a datagram stands in the flow logs fragment by fragment.
TEST_F(AgreementTest, AWS_FL_10_LaterFragmentsOfARefusedFirstAreRejectsToo) {
  Start({{"APP_IN", kNone}});
  FrameSpec first{.destination_mac = {{0x02, 0, 0, 0, 0, 1}},
                  .source_mac = {{0x02, 0x0a, 0, 0, 0, 0x11}},
                  .source = Ip("10.0.0.11"),
                  .destination = Ip("10.0.1.10"),
                  .source_port = 1024,
                  .destination_port = 53,
                  .payload_bytes = 16,
                  .fragment_word = 0x2000};
  FrameSpec later = first;
  later.fragment_word = 0x2003;
  FrameSpec last = first;
  last.fragment_word = 0x0006;
  SendFrame("eni-two", later, "drop sg_ingress");
  SendFrame("eni-two", first, "drop sg_ingress");
  SendFrame("eni-two", last, "drop sg_ingress");
  Change({{"APP_IN", kNone}, {"ACL_PUB", kNone}});
  first.identification = later.identification = 2;
  SendFrame("eni-two", first, "drop nacl_egress");
  SendFrame("eni-two", later, "drop nacl_egress");
}

// What comes in from the internet is as long as the internet side's port allows, also when the
// session cache knows its way.
TEST_F(AgreementTest, AWS_IGW_06_TheUplinksMtuHoldsForBothDirections) {
  std::string ports = R"({"Name": "internet", "Mtu": 1280}, {"Name": "eni-web"})";
  Start({{"MORE", R"(, "Host": {"Ports": [)" + ports + R"(],
          "Attachments": [{"NetworkInterfaceId": "eni-web", "Port": "eni-web"}],
          "Uplink": {"Port": "internet", "Address": "198.51.100.2/24", "NextHop": "198.51.100.1"}})"}});
  const PacketHeader ask = Udp("8.8.8.8", 1024, "198.51.100.10", 53);
  const PacketHeader answer = Udp("10.0.0.10", 53, "8.8.8.8", 1024);
  for (const size_t bytes : {100, 1400, 1252, 1253}) {
    Send("internet", {.header = ask, .payload_bytes = bytes}, "forward");
    Send("eni-web", {.header = answer, .payload_bytes = bytes}, "forward");
  }
}

// A flow that the session cache knows has no say about packets that only look like its own. Each
// odd one stands between two plain ones, in bursts and alone.
TEST_F(AgreementTest, WhatIsOddAboutAPacketOfAnEstablishedFlowIsSeen) {
  Start({});
  const PacketHeader ask = Tcp("10.0.1.10", 1024, "10.0.0.11", 80);
  const PacketHeader answer = Tcp("10.0.0.11", 80, "10.0.1.10", 1024);
  Send("eni-app", {.header = ask, .tcp_flags = kTcpSyn, .tcp_sequence = 1000}, "forward");
  Send("eni-two", {.header = answer, .tcp_flags = kTcpSyn | kTcpAck}, "forward");
  const FrameSpec spec{.destination_mac = {{0x02, 0, 0, 0, 0, 1}},
                       .source_mac = {{0x02, 0x0a, 0, 0, 0x01, 0x10}},
                       .source = Ip("10.0.1.10"),
                       .destination = Ip("10.0.0.11"),
                       .protocol = kProtocolTcp,
                       .source_port = 1024,
                       .destination_port = 80,
                       .tcp_flags = kTcpAck,
                       .tcp_sequence = 1001};
  const Frame plain = MakeFrame(spec);
  constexpr size_t kIp = 14;
  constexpr size_t kTcp = 34;
  const auto odd = [&](size_t offset, uint8_t value, const std::string& expected) {
    Frame frame = plain;
    frame[offset] = value;
    SendBytes("eni-app", frame, expected);
    SendBytes("eni-app", plain, "forward");
  };
  SendBytes("eni-app", plain, "forward");
  odd(0, 0x06, "drop unknown_mac");
  odd(11, 0x77, "drop source_check");
  odd(12, 0x86, "drop unsupported_ethertype");
  odd(kIp, 0x65, "drop malformed_ipv4");
  odd(kIp, 0x44, "drop malformed_ipv4");
  odd(kIp + 2, 0x40, "drop malformed_ipv4");   // longer than the frame
  odd(kIp + 3, 39, "drop bad_ipv4_checksum");  // shorter than its headers
  odd(kIp + 11, plain[kIp + 11] ^ 1, "drop bad_ipv4_checksum");
  odd(kTcp + 12, 0x40, "drop malformed_l4");  // a header of 16 bytes
  odd(kTcp + 12, 0xf0, "drop malformed_l4");  // of 60, of which 30 are there
  odd(kTcp + 13, 0, "forward");               // insane flags change nothing
  odd(kTcp + 13, kTcpSyn, "forward");         // nor does a SYN
  Frame broadcast = plain;
  std::fill_n(broadcast.begin() + 6, 6, uint8_t{0xff});
  SendBytes("eni-app", broadcast, "drop source_check");
  Frame from_nobody = plain;
  std::fill_n(from_nobody.begin() + 6, 6, uint8_t{0});
  SendBytes("eni-app", from_nobody, "drop source_check");
  Frame tagged = plain;
  tagged.insert(tagged.begin() + 12, {0x81, 0x00, 0x00, 0x00});  // a priority tag: as untagged
  SendBytes("eni-app", tagged, "forward");
  tagged[15] = 5;
  SendBytes("eni-app", tagged, "drop unknown_interface");
  SendBytes("eni-app", Frame(plain.begin(), plain.begin() + 40), "drop malformed_ipv4");
  SendBytes("eni-app", Frame(plain.begin(), plain.begin() + 13), "drop malformed_ethernet");
  Frame padded = plain;
  padded.resize(plain.size() + 20);
  SendBytes("eni-app", padded, "forward");
  SendBytes("eni-app", plain, "forward");
}

// The interface's own table leads its answer back to it: as whoever it reaches it asks its rules.
TEST_F(AgreementTest, D_TRACK_AnAnswerThatStraysToItsSenderAsksTheRules) {
  const std::string routes =
      R"({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"},
         {"DestinationCidrBlock": "203.0.113.0/24", "NetworkInterfaceId": "eni-web"})";
  Start({{"ROUTES_PUB", routes}});
  PacketHeader ask = Udp("203.0.113.9", 0, "198.51.100.10", 0);
  PacketHeader answer = Udp("10.0.0.10", 0, "203.0.113.9", 0);
  ask.protocol = answer.protocol = 47;
  Send("internet", ask, "forward");
  Change({{"ROUTES_PUB", routes}, {"WEB_IN", kNone}});
  Send("eni-web", answer, "drop sg_ingress");
}

// What an interface was asked it may not ask itself: what an appliance hands on is a flow that it
// sends.
TEST_F(AgreementTest, AWS_RT_12_WhatCameInDoesNotGoOutByItsState) {
  Start({{"APP_OUT", kNone},
         {"APP_EXTRA",
          R"(, "SourceDestCheck": false, "Association": {"PublicIp": "198.51.100.13"})"}});
  Send("internet", Udp("203.0.113.9", 1024, "198.51.100.13", 22), "forward");
  Send("eni-app", Udp("203.0.113.9", 1024, "10.0.1.10", 22), "drop sg_egress");
  Send("eni-app", Udp("10.0.1.10", 22, "203.0.113.9", 1024), "forward");
}

// The old way's answers are not known any more when a flow has found another way (decision 1).
TEST_F(AgreementTest, D_TRACK_AFlowThatIsLedThroughANatGatewayLeavesItsOldWay) {
  const std::string extra = R"(, "Association": {"PublicIp": "198.51.100.13"})";
  const std::string straight = R"({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-a"})";
  Start({{"APP_IN", kNone}, {"APP_EXTRA", extra}, {"ROUTES_APP", straight}});
  Send("eni-app", Icmp("10.0.1.10", "203.0.113.9", 8, 0, 7), "forward");
  Change({{"APP_IN", kNone}, {"APP_EXTRA", extra}});
  Send("internet", Icmp("203.0.113.9", "198.51.100.13", 0, 0, 7), "forward");
  Send("eni-app", Icmp("10.0.1.10", "203.0.113.9", 8, 0, 7), "forward");
  Send("internet", Icmp("203.0.113.9", "198.51.100.13", 0, 0, 7), "drop sg_ingress");
  Change({{"APP_IN", kNone}, {"APP_EXTRA", extra}, {"ROUTES_APP", straight}});
  Send("eni-app", Icmp("10.0.1.10", "203.0.113.9", 8, 0, 7), "forward");
  Send("internet", Icmp("203.0.113.9", "198.51.100.13", 0, 0, 7), "forward");
}

// A fragment waits for its first, an answer without a question comes, then the question.
TEST_F(AgreementTest, D_STATE_WhatComesBehindAWaitingFragmentDoesNotOvertake) {
  Start({{"APP_IN", kNone}});
  FrameSpec first{.destination_mac = {{0x02, 0, 0, 0, 0, 1}},
                  .source_mac = {{0x02, 0x0a, 0, 0, 0x01, 0x10}},
                  .source = Ip("10.0.1.10"),
                  .destination = Ip("10.0.0.11"),
                  .source_port = 1024,
                  .destination_port = 53,
                  .payload_bytes = 16,
                  .fragment_word = 0x2000};
  FrameSpec later = first;
  later.fragment_word = 0x0003;
  SendFrame("eni-app", first, "forward");
  SendFrame("eni-app", later, "forward");
  Send("eni-two", Icmp("10.0.0.11", "10.0.1.10", 0, 0, 7), "drop sg_ingress");
  Send("eni-app", Icmp("10.0.1.10", "10.0.0.11", 8, 0, 7), "forward");
}

}  // namespace
}  // namespace sluice::testing
