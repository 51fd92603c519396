// The NAT gateway: what it translates, for whom, for how long.
#include <algorithm>
#include <map>
#include <set>

#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

const char* const kHost = "203.0.113.9";
const char* const kInside = "10.0.1.10";
const char* const kNat = "198.51.100.200";

class NatGatewaySemantics : public VpcTest {
 protected:
  // Opens a flow of eni-app and returns its outside end, "198.51.100.200:40000".
  std::string OpenUdp(uint32_t from, const std::string& to) {
    Expect("eni-app", Udp(End(kInside, from), to),
           "forward internet: udp " + std::string(kNat) + ":* > " + to);
    return End(kNat, LastSent().src_port);
  }
  std::string OpenTcp(uint32_t from, const std::string& to) {
    Expect("eni-app", Tcp(End(kInside, from), to),
           "forward internet: tcp " + std::string(kNat) + ":* > " + to);
    const std::string outside = End(kNat, LastSent().src_port);
    Expect("internet", Tcp(to, outside, kSynAck, 9000, 1001),
           "forward eni-app: tcp " + to + " > " + End(kInside, from));
    Expect("eni-app", Tcp(End(kInside, from), to, kAck, 1001, 9001),
           "forward internet: tcp " + outside + " > " + to);
    return outside;
  }
  static std::string In(const std::string& from, uint32_t to) {
    return "forward eni-app: udp " + from + " > " + End(kInside, to);
  }
};

TEST_F(NatGatewaySemantics, AWS_NAT_02_RFC_ROW_107_ThreeProtocolsOf256) {
  Start();
  for (int protocol = 0; protocol < 256; ++protocol) {
    if (protocol == 1 || protocol == 6 || protocol == 17) {
      continue;
    }
    Expect("eni-app", Raw(kInside, kHost, static_cast<uint8_t>(protocol)),
           "drop nat_unsupported_protocol");
    Expect("internet", Raw(kHost, kNat, static_cast<uint8_t>(protocol)), "drop nat_unsolicited");
  }
  EXPECT_EQ(Count("nat_unsupported_protocol"), 253u);
  EXPECT_EQ(LiveSessions(), 0u);
  OpenUdp(5, "203.0.113.9:53");
  OpenTcp(5, "203.0.113.9:443");
  Expect("eni-app", Echo(kInside, kHost, 5), "forward internet: icmp 8/0 *");
  Expect("eni-app", Icmp(kInside, kHost, 9, 0, 5), "drop nat_unsupported_protocol");  // no query
}

TEST_F(NatGatewaySemantics, AWS_NAT_03_AWS_NAT_01_RFC_ROW_71_ThereAndBack) {
  Start();
  PacketSpec ask = Udp("10.0.1.10:5000", "203.0.113.9:53", 33);
  ask.ip_id = 77;
  ask.tos = 0x20;
  const std::string outside =
      (Expect("eni-app", ask, "forward internet: *"), End(kNat, LastSent().src_port));
  PacketSpec asked = ask;
  asked.src = AddressOf(kNat);
  asked.src_port = LastSent().src_port;
  asked.ttl = 63;
  EXPECT_EQ(LastSent().ip, BuildIpv4(asked));  // both stages: private address, then Elastic IP
  PacketSpec answer = Udp("203.0.113.9:53", outside, 400);
  answer.ttl = 9;
  Expect("internet", answer, In("203.0.113.9:53", 5000));
  PacketSpec answered = answer;
  answered.dst = AddressOf(kInside);
  answered.dst_port = 5000;
  answered.ttl = 8;
  EXPECT_EQ(LastSent().ip, BuildIpv4(answered));
}

TEST_F(NatGatewaySemantics, AWS_NAT_03_APrivateGatewayShowsItsPrivateAddress) {
  VpcConfig config;
  config.Add("NatGateways", R"({"NatGatewayId": "nat-p", "VpcId": "vpc-a", "SubnetId": "subnet-mid",
    "ConnectivityType": "private", "State": "available",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.3.200"}]})");
  config.Routes("rtb-app", {"10.1.0.0/16 nat-p"}).Routes("rtb-mid", {"10.1.0.0/16 pcx-ab"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "10.1.0.10:53"),
         "forward eni-b: udp 10.0.3.200:* > 10.1.0.10:53");
  EXPECT_EQ(LastSent().ttl, 63);
  const std::string mapped = End("10.0.3.200", LastSent().src_port);
  Expect("eni-b", Udp("10.1.0.10:53", mapped), "forward eni-app: udp 10.1.0.10:53 > 10.0.1.10:5");
  Expect("eni-b", Udp("10.1.0.10:54", mapped), "drop nat_unsolicited");
}

TEST_F(NatGatewaySemantics, AWS_NAT_04_RFC_ROW_4_PortsFrom1024Up) {
  Start();
  std::set<uint16_t> seen;
  for (uint32_t from = 1; from < 1500; from += 7) {
    OpenUdp(from, "203.0.113.9:53");
    EXPECT_GE(LastSent().src_port, 1024);
    EXPECT_TRUE(seen.insert(LastSent().src_port).second) << "two flows share a port";
  }
}

TEST_F(NatGatewaySemantics, AWS_NAT_04_RFC_ROW_3_RFC_ROW_30_TwoHostsWithOneTuple) {
  Start();
  Expect("eni-app", Udp("10.0.1.10:5000", "203.0.113.9:53"), "forward internet: *");
  const std::string first = End(kNat, LastSent().src_port);
  Expect("eni-app2", Udp("10.0.1.11:5000", "203.0.113.9:53"), "forward internet: *");
  const std::string second = End(kNat, LastSent().src_port);
  EXPECT_NE(first, second);
  Expect("internet", Udp("203.0.113.9:53", first), In("203.0.113.9:53", 5000));
  Expect("internet", Udp("203.0.113.9:53", second),
         "forward eni-app2: udp 203.0.113.9:53 > 10.0.1.11:5000");
}

TEST_F(NatGatewaySemantics, RFC_ROW_2_RFC_ROW_64_AHostKeepsItsAddress) {
  VpcConfig config;
  config.Set("NatGateways", "nat-a", "NatGatewayAddresses", R"([
    {"PrivateIp": "10.0.0.200", "PublicIp": "198.51.100.200", "IsPrimary": true},
    {"PrivateIp": "10.0.0.210", "PublicIp": "203.0.113.200"},
    {"PrivateIp": "10.0.0.77", "PublicIp": "192.0.9.1"}])");
  std::set<std::string> used;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    Start(config, {.seed = seed});
    std::set<std::string> own;
    for (uint32_t from = 1000; from < 1030; ++from) {
      Expect("eni-app", Udp(End(kInside, from), End("203.0.114.9", from)), "forward internet: *");
      own.insert(LastSent().src);
      Expect("internet", Udp(End("203.0.114.9", from), End(LastSent().src, LastSent().src_port)),
             "forward eni-app: *");
    }
    EXPECT_EQ(own.size(), 1u);
    used.insert(own.begin(), own.end());
  }
  EXPECT_EQ(used, (std::set<std::string>{"198.51.100.200", "203.0.113.200", "192.0.9.1"}));
}

TEST_F(NatGatewaySemantics,
       AWS_NAT_05_RFC_ROW_1_RFC_ROW_21_D_PROFILE_PortsAreCountedPerDestination) {
  Start();
  // Endpoint-dependent mapping: another destination may, and somewhere does, reuse a port.
  std::map<uint16_t, std::set<std::string>> destinations;
  bool reused = false;
  for (uint32_t host = 1; host < 250 && !reused; ++host) {
    for (uint32_t from = 1000; from < 1004; ++from) {
      const std::string to = End("203.0.114." + std::to_string(host), 53);
      const std::string outside = OpenUdp(from, to);
      auto& of_port = destinations[LastSent().src_port];
      EXPECT_TRUE(of_port.insert(to).second) << "two flows share " << outside << " to " << to;
      reused = reused || of_port.size() > 1;
    }
  }
  EXPECT_TRUE(reused);
}

// The bound itself: 55,000 to one destination, another destination its own, and the end.
TEST_F(NatGatewaySemantics, AWS_NAT_05_AWS_NAT_06_RFC_ROW_69_FiftyFiveThousandAndThenTheEnd) {
  VpcConfig config;
  config.MaxSessions(200'000);
  Start(config, {.reference_world = false, .uncached = false});
  std::set<uint16_t> ports;
  const auto open = [&](const char* eni, const char* source, uint32_t from, const char* to) {
    const std::string fate = Send(eni, Udp(End(source, from), to));
    const bool opened = Matches(fate, "forward internet: udp 198.51.100.200:* > *");
    EXPECT_TRUE(opened || fate == "drop nat_ports_exhausted") << fate;
    return opened;
  };
  for (uint32_t i = 0; i < 55'000; ++i) {
    ASSERT_TRUE(open("eni-app", kInside, 1 + i, "203.0.113.9:53")) << i;
    ASSERT_TRUE(ports.insert(LastSent().src_port).second);
  }
  EXPECT_GE(*ports.begin(), 1024);
  for (uint32_t i = 0; i < 55'000; ++i) {
    ASSERT_TRUE(open("eni-app", kInside, 1 + i, "203.0.113.9:54")) << i;
  }
  const std::string last_mapping = End(kNat, LastSent().src_port);
  uint64_t exhausted = 0;
  for (uint32_t i = 0; i < 12'000; ++i) {
    exhausted += open("eni-app2", "10.0.1.11", 1 + i, "203.0.113.9:53") ? 0 : 1;
  }
  EXPECT_GE(exhausted, 12'000u + 55'000u - 64'512u);
  EXPECT_EQ(Count("nat_ports_exhausted"), exhausted);
  const std::string errors = std::to_string(exhausted);  // AWS_NAT_15: ErrorPortAllocation
  const std::string left = std::to_string(122'000 - exhausted);
  EXPECT_TRUE(Matches(NatCounts("nat-a"), "source 122000/4392000 left " + left +
                                              "/*, destination 0/0 left 0/0, dropped " + errors +
                                              ", tcp 0 of 0, no port " + errors + ", idle 0"))
      << NatCounts("nat-a");
  // RFC_ROW_60: nothing is sent about it. Existing flows and other destinations go on.
  Expect("internet", Udp("203.0.113.9:54", last_mapping), In("203.0.113.9:54", 55'000));
  Expect("eni-app", Udp(End(kInside, 55'000), "203.0.113.9:54"), "forward internet: *");
  EXPECT_EQ(End(kNat, LastSent().src_port), last_mapping);
  EXPECT_TRUE(open("eni-app2", "10.0.1.11", 1, "203.0.113.9:55"));
  EXPECT_TRUE(open("eni-app2", "10.0.1.11", 1, "203.0.113.8:53"));
}

TEST_F(NatGatewaySemantics, AWS_NAT_05_EveryAddressAddsItsOwn) {
  VpcConfig config;
  config.MaxSessions(140'000).Set("NatGateways", "nat-a", "NatGatewayAddresses", R"([
    {"PrivateIp": "10.0.0.200", "PublicIp": "198.51.100.200", "IsPrimary": true},
    {"PrivateIp": "10.0.0.201", "PublicIp": "198.51.100.201"}])");
  Start(config, {.reference_world = false, .uncached = false});
  std::set<std::string> outside;
  for (uint32_t i = 0; i < 110'000; ++i) {
    const bool first = i < 55'000;
    const std::string fate =
        Send(first ? "eni-app" : "eni-app2",
             Udp(End(first ? kInside : "10.0.1.11", 1 + i % 55'000), "203.0.113.9:53"));
    ASSERT_TRUE(Matches(fate, "forward internet: *")) << i << ": " << fate;
    ASSERT_TRUE(outside.insert(End(LastSent().src, LastSent().src_port)).second);
  }
}

// RFC 4787 REQ-11: rows 1, 3 and 11 again while the table fills up.
TEST_F(NatGatewaySemantics, RFC_ROW_14_TheSameBehaviourAtAnyFill) {
  constexpr uint32_t kCapacity = 2000;
  for (const uint32_t fill : {0u, kCapacity / 2, kCapacity * 99 / 100}) {
    VpcConfig config;
    config.MaxSessions(kCapacity);
    Start(config, {.reference_world = false});
    for (uint32_t i = 0; i < fill; ++i) {
      ASSERT_TRUE(Matches(Send("eni-app2", Udp(End("10.0.1.11", 1000 + i), "203.0.114.1:53")),
                          "forward internet: *"));
    }
    const std::string first = OpenUdp(5000, "203.0.113.9:53");
    OpenUdp(5000, "203.0.113.8:53");
    Expect("eni-app2", Udp("10.0.1.11:5000", "203.0.113.9:53"), "forward internet: *");
    EXPECT_NE(End(kNat, LastSent().src_port), first);
    Expect("internet", Udp("203.0.113.9:53", first), In("203.0.113.9:53", 5000));
    Expect("internet", Udp("203.0.113.7:53", first), "drop nat_unsolicited");
    Expect("eni-app", Udp("10.0.1.10:5000", "203.0.113.9:53"),
           "forward internet: udp " + first + " > 203.0.113.9:53");
  }
}

TEST_F(NatGatewaySemantics, AWS_SG_14_AFullTableRefusesMappingsAndKeepsThoseItHas) {
  VpcConfig config;
  config.MaxSessions(16);
  Start(config, {.reference_world = false});
  std::vector<std::string> outside;
  for (uint32_t i = 0; i < 16; ++i) {
    outside.push_back(OpenUdp(5000 + i, "203.0.113.9:53"));
  }
  Expect("eni-app", Udp("10.0.1.10:6000", "203.0.113.9:53"), "drop conntrack_full");
  for (uint32_t i = 0; i < 16; ++i) {
    Expect("internet", Udp("203.0.113.9:53", outside[i]), In("203.0.113.9:53", 5000 + i));
  }
  Wait(350.001);  // run out: their places are free again
  OpenUdp(6000, "203.0.113.9:53");
}

TEST_F(NatGatewaySemantics, RFC_ROW_63_PortsAreUnpredictable) {
  VpcConfig config;
  config.MaxSessions(40'000);
  constexpr int kFlows = 32'000;
  constexpr int kBuckets = 63;  // of 1024 ports
  Start(config, {.reference_world = false, .uncached = false, .seed = 20'261'124});
  std::vector<int> bucket(kBuckets, 0);
  int next = 0;
  uint32_t last = 0;
  for (uint32_t i = 0; i < kFlows; ++i) {
    Send("eni-app",
         Udp(End(kInside, 1024 + i), End("203.0.114." + std::to_string(1 + i % 250), 53)));
    const uint32_t l4_port = LastSent().src_port;
    ++bucket[(l4_port - 1024) / 1024];
    next += l4_port == last + 1 ? 1 : 0;
    last = l4_port;
  }
  double chi_square = 0;
  const double expected = double{kFlows} / kBuckets;
  for (const int count : bucket) {
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 120);  // 62 degrees of freedom: once in 10^5
  EXPECT_LE(next, 5);          // chance: 0.5
}

TEST_F(NatGatewaySemantics, AWS_NAT_07_D_NATIDLE_RFC_ROW_27_RFC_ROW_38_ResetAfter350IdleSeconds) {
  Start();
  const std::string outside = OpenTcp(5000, "203.0.113.9:443");
  const PacketSpec data = Tcp("10.0.1.10:5000", "203.0.113.9:443", kAck, 1001, 9001, 5);
  Wait(350);
  Expect("eni-app", data, "forward internet: tcp " + outside + " > 203.0.113.9:443");
  Wait(349.999);
  Expect("internet", Tcp("203.0.113.9:443", outside, kAck, 9001, 1006), "forward eni-app: *");
  Wait(350);  // answers restart it too (D-TIMERS)
  Expect("eni-app", data, "forward internet: *");
  Wait(350.001);
  Expect("internet", Tcp("203.0.113.9:443", outside, kAck, 9001, 1006), "drop nat_unsolicited");
  Expect("eni-app", data, "consume nat_idle_timeout eni-app: tcp 203.0.113.9:443 > 10.0.1.10:5000");
  const Seen reset = LastSent();
  EXPECT_EQ(reset.tcp_flags, kRst);
  EXPECT_EQ(reset.seq, 9001u);  // acceptable to the sender
  EXPECT_EQ(sent()[0].port_name, "eni-app");
  EXPECT_EQ(Count("nat_idle_timeout"), 1u);
  // A RST is not answered; a SYN binds anew.
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kRst, 1001), "drop nat_idle_timeout");
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kSynAck, 1001),
         "drop conntrack_invalid");
  OpenTcp(5000, "203.0.113.9:443");
}

TEST_F(NatGatewaySemantics, D_NATIDLE_ASegmentThatNeverHadAMapping) {
  Start();
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kAck, 700, 800, 9),
         "consume nat_idle_timeout eni-app: tcp 203.0.113.9:443 > 10.0.1.10:5000");
  EXPECT_EQ(LastSent().seq, 800u);
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kFin | kAck, 700, 801),
         "consume nat_idle_timeout eni-app: *");
  EXPECT_EQ(LiveSessions(), 0u);
}

TEST_F(NatGatewaySemantics, AWS_NAT_07_RFC_ROW_6_RFC_ROW_7_RFC_ROW_49_UdpAndIcmpMappings) {
  Start();
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  Expect("eni-app", Echo(kInside, kHost, 7), "forward internet: *");
  const uint16_t id = LastSent().icmp_id;
  Wait(350);
  Expect("internet", Udp("203.0.113.9:53", outside), In("203.0.113.9:53", 5000));
  Expect("internet", EchoReply(kHost, kNat, id),
         "forward eni-app: icmp 0/0 id 7 203.0.113.9 > 10.0.1.10");
  Wait(350.001);
  Expect("internet", Udp("203.0.113.9:53", outside), "drop nat_unsolicited");
  Expect("internet", EchoReply(kHost, kNat, id), "drop nat_unsolicited");
}

TEST_F(NatGatewaySemantics, D_TIMERS_GroupAndGatewayTimeAFlowOutApart) {
  VpcConfig config;
  config.In("sg-app", {});
  Start(config);
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  Wait(30);
  Expect("internet", Udp("203.0.113.9:53", outside), In("203.0.113.9:53", 5000));
  Wait(30.001);
  Expect("internet", Udp("203.0.113.9:53", outside), "drop sg_ingress");  // the mapping lives
  Wait(300);
  Expect("eni-app", Udp("10.0.1.10:5000", "203.0.113.9:53"),
         "forward internet: udp " + outside + " > 203.0.113.9:53");
}

TEST_F(NatGatewaySemantics, RFC_ROW_8_OutboundKeepsAMappingForAnHour) {
  Start();
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  for (int i = 0; i < 11; ++i) {
    Wait(340);
    Expect("eni-app", Udp("10.0.1.10:5000", "203.0.113.9:53"),
           "forward internet: udp " + outside + " > 203.0.113.9:53");
  }
}

TEST_F(NatGatewaySemantics, RFC_ROW_9_D_STATE_RefusedInboundKeepsNothingAlive) {
  Start();
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  for (int i = 0; i < 35; ++i) {
    Wait(10);
    Expect("internet", Udp("203.0.113.8:53", outside), "drop nat_unsolicited");
    Expect("internet", Udp("203.0.113.9:54", outside), "drop nat_unsolicited");
  }
  Wait(0.001);
  Expect("internet", Udp("203.0.113.9:53", outside), "drop nat_unsolicited");
}

TEST_F(NatGatewaySemantics, AWS_NAT_08_RFC_ROW_11_RFC_ROW_24_NothingUnsolicitedEnters) {
  Start();
  const std::string udp = OpenUdp(5000, "203.0.113.9:53");
  const std::string tcp = OpenTcp(5000, "203.0.113.9:443");
  const char* third_parties[] = {"203.0.113.8:53", "203.0.113.9:54", "198.51.100.10:53"};
  for (const char* from : third_parties) {
    Expect("internet", Udp(from, udp), "drop nat_unsolicited");
    Expect("internet", Tcp(from, tcp), "drop nat_unsolicited");
    Expect("internet", Tcp(from, tcp, kSynAck), "drop nat_unsolicited");
    Expect("internet", Tcp(from, tcp, kRst), "drop nat_unsolicited");
  }
  Expect("internet", Tcp("203.0.113.9:53", udp), "drop nat_unsolicited");  // another protocol
  Expect("internet", Echo(kHost, kNat, 7), "drop nat_unsolicited");
  Expect("internet", Tcp("203.0.113.9:5", "198.51.100.200:22"), "drop nat_unsolicited");
  // Nor from inside: it answers no ping and forwards to nobody.
  Expect("eni-app", Echo(kInside, "10.0.0.200", 7), "drop nat_unsolicited");
  Expect("eni-web", Tcp("10.0.0.10:5", "10.0.0.200:80"), "drop nat_unsolicited");
  Expect("eni-web", Echo("10.0.0.10", kNat, 7), "drop nat_unsolicited");
}

TEST_F(NatGatewaySemantics, RFC_ROW_25_RFC_ROW_26_UnsolicitedSynIsDroppedInSilence) {
  Start();
  Expect("internet", Tcp("203.0.113.9:443", "198.51.100.200:5000"), "drop nat_unsolicited");
  Wait(3);
  const std::string outside = OpenTcp(5000, "203.0.113.9:443");
  Wait(3);
  Expect("internet", Tcp("203.0.113.9:443", outside, kAck, 9001, 1001), "forward eni-app: *");
}

TEST_F(NatGatewaySemantics, AWS_NAT_10_TheAclOfItsSubnetOnBothSides) {
  VpcConfig config;
  Start(config);
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  const PacketSpec ask = Udp("10.0.1.10:5000", "203.0.113.9:53");
  const PacketSpec answer = Udp("203.0.113.9:53", outside);
  const char* all_in = "in 200 allow all 0.0.0.0/0";
  const char* all_out = "out 200 allow all 0.0.0.0/0";
  // The client's packet into the subnet of the gateway, as the client sent it.
  config.Acl("acl-pub", {"in 100 deny udp 53 10.0.1.0/24", all_in, all_out});
  Apply(config);
  Expect("eni-app", ask, "drop nacl_ingress acl-pub 100");
  Expect("internet", answer, In("203.0.113.9:53", 5000));
  // The gateway's packet out of it.
  config.Acl("acl-pub", {"out 100 deny udp 53 203.0.113.0/24", all_in, all_out});
  Apply(config);
  Expect("eni-app", ask, "drop nacl_egress acl-pub 100");
  // The answer in, to the gateway, from the host.
  config.Acl("acl-pub", {"in 100 deny udp 1024-65535 203.0.113.0/24", all_in, all_out});
  Apply(config);
  Expect("eni-app", ask, "forward internet: *");
  Expect("internet", answer, "drop nacl_ingress acl-pub 100");
  // And out of the gateway's subnet to the client.
  config.Acl("acl-pub", {"out 100 deny udp 5000 10.0.1.0/24", all_in, all_out});
  Apply(config);
  Expect("internet", answer, "drop nacl_egress acl-pub 100");
  // The client's own subnet, last.
  config.Acl("acl-pub", {all_in, all_out})
      .Acl("acl-app", {"in 100 deny udp 5000 203.0.113.0/24", all_in, all_out});
  Apply(config);
  Expect("internet", answer, "drop nacl_ingress acl-app 100");
}

TEST_F(NatGatewaySemantics, D_NACLBORDER_ClientAndGatewayInOneSubnet) {
  VpcConfig config;
  config.Add("NatGateways", R"({"NatGatewayId": "nat-m", "VpcId": "vpc-a", "SubnetId": "subnet-app",
    "State": "available", "NatGatewayAddresses": [{"PrivateIp": "10.0.1.200", "PublicIp": "198.51.100.201"}]})");
  // The table of the subnet leads to the internet, but for one destination through the gateway.
  config.Routes("rtb-app", {"0.0.0.0/0 igw-a", "203.0.113.0/24 nat-m"});
  config.Acl("acl-app",
             {"in 100 allow udp 1024-65535 203.0.113.0/24", "out 100 allow udp 53 203.0.113.0/24"});
  Start(config);
  Expect("eni-app", Udp("10.0.1.10:5", "203.0.113.9:53"),
         "drop blackhole_route");  // to itself again
  config.Routes("rtb-app", {"0.0.0.0/0 igw-a"}).Routes("rtb-main", {"0.0.0.0/0 nat-m"});
  config.Acl("acl-db", {"in 100 allow all 0.0.0.0/0"});
  Start(config);
  Expect("eni-db", Udp("10.0.2.10:5", "203.0.113.9:53"), "drop nacl_egress acl-db 32767");
}

TEST_F(NatGatewaySemantics, AWS_NAT_11_AWS_PEER_01_NotFromBeyondAPeering) {
  VpcConfig config;
  config.Routes("rtb-b", {"0.0.0.0/0 pcx-ab"});
  Start(config);
  Expect("eni-b", Udp("10.1.0.10:5", "203.0.113.9:53"), "drop peering_not_transitive");
  Expect("eni-b", Udp("10.1.0.10:5", "10.0.0.200:53"), "drop nat_unsolicited");
}

TEST_F(NatGatewaySemantics, AWS_NAT_16_RFC_ROW_47_RFC_ROW_48_EchoIdsAreTranslated) {
  Start();
  std::set<uint16_t> ids;
  std::map<std::string, uint16_t> id_of;
  for (const char* source : {"10.0.1.10", "10.0.1.11"}) {
    const std::string eni = source == std::string("10.0.1.10") ? "eni-app" : "eni-app2";
    Expect(eni, Echo(source, kHost, 7),
           "forward internet: icmp 8/0 id * 198.51.100.200 > 203.0.113.9");
    EXPECT_GE(LastSent().icmp_id, 1024);
    EXPECT_TRUE(ids.insert(LastSent().icmp_id).second);
    id_of[source] = LastSent().icmp_id;
  }
  for (const auto& [source, id] : id_of) {
    Expect("internet", EchoReply(kHost, kNat, id),
           "forward eni-app*: icmp 0/0 id 7 203.0.113.9 > " + source);
    Expect("internet", EchoReply("203.0.113.8", kNat, id), "drop nat_unsolicited");
    Expect("internet", Echo(kHost, kNat, id), "drop nat_unsolicited");
  }
  Expect("eni-app", Icmp(kInside, kHost, 13, 0, 9), "forward internet: icmp 13/0 id * *");
  const uint16_t stamp = LastSent().icmp_id;
  Expect("internet", Icmp(kHost, kNat, 14, 0, stamp),
         "forward eni-app: icmp 14/0 id 9 203.0.113.9 > 10.0.1.10");
}

TEST_F(NatGatewaySemantics, D_TTL_RFC_ROW_78_TheGatewayIsAVisibleHopBothWays) {
  Start();
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  for (const uint8_t ttl : {uint8_t{0}, uint8_t{1}}) {
    PacketSpec ask = Udp("10.0.1.10:5000", "203.0.113.9:53");
    ask.ttl = ttl;
    Expect("eni-app", ask,
           "consume ttl_expired eni-app: icmp 11/0 10.0.0.200 > 10.0.1.10 "
           "[udp 10.0.1.10:5000 > 203.0.113.9:53]");
    PacketSpec answer = Udp("203.0.113.9:53", outside);
    answer.ttl = ttl;
    Expect("internet", answer,
           "consume ttl_expired internet: icmp 11/0 198.51.100.200 > 203.0.113.9 "
           "[udp 203.0.113.9:53 > " +
               outside + "]");
  }
  PacketSpec ask = Udp("10.0.1.10:5000", "203.0.113.9:53");
  ask.ttl = 2;
  Expect("eni-app", ask, "forward internet: *");
  EXPECT_EQ(LastSent().ttl, 1);
  ask.ttl = 255;
  Expect("eni-app", ask, "forward internet: *");
  EXPECT_EQ(LastSent().ttl, 254);
  PacketSpec answer = Udp("203.0.113.9:53", outside);
  answer.ttl = 2;
  Expect("internet", answer, In("203.0.113.9:53", 5000));
  EXPECT_EQ(LastSent().ttl, 1);
}

TEST_F(NatGatewaySemantics, D_STATE_AnExpiredTtlTakesNoPort) {
  Start();
  PacketSpec ask = Udp("10.0.1.10:5000", "203.0.113.9:53");
  ask.ttl = 1;
  Expect("eni-app", ask, "consume ttl_expired *");
  EXPECT_EQ(LiveSessions(), 0u);
}

TEST_F(NatGatewaySemantics, RFC_ROW_34_ResetsCrossWithTheRightTuple) {
  Start();
  const std::string one = OpenTcp(5000, "203.0.113.9:443");
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kRst, 1001),
         "forward internet: tcp " + one + " > 203.0.113.9:443");
  const std::string two = OpenTcp(5001, "203.0.113.9:443");
  Expect("internet", Tcp("203.0.113.9:443", two, kRst, 9001),
         "forward eni-app: tcp 203.0.113.9:443 > 10.0.1.10:5001");
}

TEST_F(NatGatewaySemantics, RFC_ROW_36_ASynReopensAfterBothFins) {
  Start();
  const std::string outside = OpenTcp(5000, "203.0.113.9:443");
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kFin | kAck, 1001, 9001),
         "forward internet: *");
  Expect("internet", Tcp("203.0.113.9:443", outside, kFin | kAck, 9001, 1002),
         "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kAck, 1002, 9002),
         "forward internet: *");
  const std::string again = OpenTcp(5000, "203.0.113.9:443");
  Expect("internet", Tcp("203.0.113.9:443", again, kAck, 9001, 1001), "forward eni-app: *");
}

TEST_F(NatGatewaySemantics, D_ISOLATION_OneGatewaysPortsDoNotDependOnAnothersTraffic) {
  VpcConfig config;
  config.Add("NatGateways", R"({"NatGatewayId": "nat-b", "VpcId": "vpc-b", "SubnetId": "subnet-b",
    "State": "available", "NatGatewayAddresses": [{"PrivateIp": "10.1.0.200", "PublicIp": "198.51.101.200"}]})");
  config.Add("Subnets", R"({"SubnetId": "subnet-b2", "VpcId": "vpc-b", "CidrBlock": "10.1.1.0/24",
                            "AvailabilityZone": "eu-west-1a"})");
  config.Add("RouteTables", R"({"RouteTableId": "rtb-b2", "VpcId": "vpc-b",
    "Associations": [{"Main": false, "SubnetId": "subnet-b2"}]})");
  config.Eni("eni-b2", "subnet-b2", "10.1.1.10").Routes("rtb-b2", {"0.0.0.0/0 nat-b"});
  std::vector<std::vector<Bytes>> runs;
  for (const bool busy : {false, true}) {
    Start(config);
    std::vector<Bytes> frames;
    for (uint32_t from = 1000; from < 1050; ++from) {
      if (busy) {
        Expect("eni-b2", Udp(End("10.1.1.10", from), "203.0.113.9:53", 2000),
               "forward internet: * | internet: *");
      }
      Expect("eni-app", Udp(End(kInside, from), "203.0.113.9:53", 2000),
             "forward internet: * | internet: *");
      frames.push_back(sent()[0].frame);  // ports and IP ids
      frames.push_back(sent()[1].frame);
    }
    runs.push_back(frames);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST_F(NatGatewaySemantics, AWS_NAT_17_RFC_ROW_17_RFC_ROW_85_TooBigForTheWayOn) {
  Start();
  PacketSpec rigid = Udp("10.0.1.10:5000", "203.0.113.9:53", 1473);
  rigid.dont_fragment = true;
  Expect("eni-app", rigid,
         "consume mtu_exceeded eni-app: icmp 3/4 10.0.0.200 > 10.0.1.10 "
         "[udp 10.0.1.10:5000 > 203.0.113.9:53]");
  EXPECT_EQ(LastSent().icmp_rest & 0xffff, 1500u);
  rigid.payload.resize(1472);
  Expect("eni-app", rigid, "forward internet: *");
  PacketSpec loose = Udp("10.0.1.10:5001", "203.0.113.9:53", 1473);
  Expect("eni-app", loose,
         "forward internet: udp 198.51.100.200:* > 203.0.113.9:53 +0 | internet: udp "
         "198.51.100.200 > 203.0.113.9 +1480");
}

TEST_F(NatGatewaySemantics, AWS_NAT_01_AMovedGatewayAddressEndsItsMappings) {
  VpcConfig config;
  Start(config);
  const std::string outside = OpenUdp(5000, "203.0.113.9:53");
  config.Set("NatGateways", "nat-a", "NatGatewayAddresses",
             R"([{"PrivateIp": "10.0.0.201", "PublicIp": "198.51.100.201"}])");
  Apply(config);
  Expect("internet", Udp("203.0.113.9:53", outside), "drop igw_unknown_public_ip");
  Expect("eni-app", Udp("10.0.1.10:5000", "203.0.113.9:53"),
         "forward internet: udp 198.51.100.201:* > *");
}

}  // namespace
}  // namespace sluice::testing
