// ICMP errors: those that hosts send about flows, and those the router sends itself; path MTU.
#include <algorithm>

#include "tests/semantics/vpc_test.h"

namespace sluice::testing {
namespace {

const char* const kNat = "198.51.100.200";

class IcmpErrorSemantics : public VpcTest {
 protected:
  // A flow of eni-app through the NAT gateway; returns its packet as the internet saw it.
  Bytes OpenThroughNat(uint32_t from = 5000) {
    Expect("eni-app", Udp(End("10.0.1.10", from), "203.0.113.9:53", 40), "forward internet: *");
    outside_ = End(kNat, LastSent().src_port);
    return LastSent().ip;
  }
  std::string outside_;
};

TEST_F(IcmpErrorSemantics, D_ICMPERR_AWS_MTU_02_RelatedErrorsPassTheGroup) {
  VpcConfig config;
  config.In("sg-app", {"udp 53 10.0.0.0/8"}).Out("sg-app", {}).In("sg-web", {});
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  Expect("eni-web", ask, "forward eni-app");
  const Bytes packet = BuildIpv4(ask);
  for (const uint8_t type : {uint8_t{3}, uint8_t{11}, uint8_t{12}}) {
    Expect("eni-app", ErrorAbout("10.0.1.10", "10.0.0.10", type, 0, packet), "forward eni-web");
  }
  // About another flow, or not to the quoted source (RFC_ROW_61).
  const Bytes other = BuildIpv4(Udp("10.0.0.10:8", "10.0.1.10:53"));
  Expect("eni-app", ErrorAbout("10.0.1.10", "10.0.0.10", 3, 3, other), "drop sg_egress");
  Expect("eni-app", ErrorAbout("10.0.1.10", "10.0.0.11", 3, 3, packet), "drop sg_egress");
  Expect("eni-app", ErrorAbout("10.0.1.10", "10.0.2.10", 3, 3, packet), "drop sg_egress");
}

TEST_F(IcmpErrorSemantics, D_ICMPERR_AboutAnUntrackedFlowTheRulesDecide) {
  VpcConfig config;
  config.Out("sg-app", {"udp 0-65535 0.0.0.0/0"});  // open for UDP: untracked
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  Expect("eni-web", ask, "forward eni-app");
  EXPECT_EQ(LiveSessions(), 0u);
  Expect("eni-app", ErrorAbout("10.0.1.10", "10.0.0.10", 3, 3, BuildIpv4(ask)), "drop sg_egress");
}

TEST_F(IcmpErrorSemantics, D_ICMPFLOW_RFC_ROW_86_SourceQuenchAndRedirectAreNeverRelated) {
  VpcConfig config;
  config.In("sg-web", {});
  Start(config);
  const PacketSpec ask = Udp("10.0.0.10:7", "10.0.1.10:53");
  Expect("eni-web", ask, "forward eni-app");
  for (const uint8_t type : {uint8_t{4}, uint8_t{5}}) {
    Expect("eni-app", ErrorAbout("10.0.1.10", "10.0.0.10", type, 0, BuildIpv4(ask)),
           "drop sg_ingress");
  }
  const Bytes seen = OpenThroughNat();
  for (const uint8_t type : {uint8_t{4}, uint8_t{5}}) {
    Expect("internet", ErrorAbout("203.0.113.9", kNat, type, 0, seen), "drop nat_unsolicited");
  }
}

TEST_F(IcmpErrorSemantics, AWS_NAT_16_RFC_ROW_32_RFC_ROW_55_AllCodesAreMappedBackByteForByte) {
  VpcConfig config;
  config.In("sg-app", {});
  Start(config);
  const Bytes seen = OpenThroughNat();
  const Bytes as_sent = BuildIpv4(Udp("10.0.1.10:5000", "203.0.113.9:53", 40));
  for (uint8_t code = 0; code < 16; ++code) {
    PacketSpec error = ErrorAbout("203.0.113.9", kNat, 3, code, seen, 68);
    error.icmp_rest = code == 4 ? 1400 : 0;
    Expect("internet", error,
           "forward eni-app: icmp 3/" + std::to_string(code) +
               " 203.0.113.9 > 10.0.1.10 [udp 10.0.1.10:5000 > 203.0.113.9:53]");
    // Type, code and MTU stay; the quote is the packet that the host sent, less the hop.
    PacketSpec expected = error;
    expected.dst = AddressOf("10.0.1.10");
    expected.ttl = 63;
    PacketSpec inner = Udp("10.0.1.10:5000", "203.0.113.9:53", 40);
    inner.ttl = 63;
    expected.payload = BuildIpv4(inner);
    EXPECT_EQ(LastSent().ip, BuildIpv4(expected));
  }
  EXPECT_EQ(as_sent.size(), 68u);
}

TEST_F(IcmpErrorSemantics, RFC_ROW_16_FromARouterOnTheWay) {
  Start();
  const Bytes seen = OpenThroughNat();
  for (const char* router : {"192.0.9.1", "203.0.113.1", "9.9.9.9"}) {
    Expect("internet", ErrorAbout(router, kNat, 11, 0, seen),
           "forward eni-app: icmp 11/0 " + std::string(router) +
               " > 10.0.1.10 [udp 10.0.1.10:5000 > 203.0.113.9:53]");
  }
}

TEST_F(IcmpErrorSemantics, RFC_ROW_16_FromAnApplianceOnTheWay) {
  VpcConfig config;
  config.In("sg-web", {})
      .Routes("rtb-pub", {"10.0.1.0/24 eni-mid"})
      .Routes("rtb-app", {"10.0.0.0/24 eni-mid"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:7", "10.0.1.10:53"), "forward eni-mid");
  Expect("eni-mid", ErrorAbout("10.0.3.10", "10.0.0.10", 11, 0, LastSent().ip), "forward eni-web");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_56_RFC_ROW_61_AboutNoFlowSilence) {
  Start();
  const Bytes seen = OpenThroughNat();
  PacketSpec unknown = Udp(End(kNat, 1024), "203.0.113.77:53");
  Expect("internet", ErrorAbout("203.0.113.9", kNat, 3, 3, BuildIpv4(unknown)),
         "drop nat_unsolicited");
  // The flow of eni-app, sent to another public address: by the group of that one.
  VpcConfig config;
  config.In("sg-web", {});
  Apply(config);
  Expect("internet", ErrorAbout("203.0.113.9", "198.51.100.10", 3, 3, seen), "drop sg_ingress");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_57_FromInsideAboutAnAnswer) {
  VpcConfig config;
  config.Out("sg-app", {"udp 53 0.0.0.0/0"});
  Start(config);
  OpenThroughNat();
  PacketSpec answer = Udp("203.0.113.9:53", outside_);
  Expect("internet", answer, "forward eni-app: *");
  const Bytes arrived = LastSent().ip;
  Expect("eni-app", ErrorAbout("10.0.1.10", "203.0.113.9", 3, 3, arrived),
         "forward internet: icmp 3/3 198.51.100.200 > 203.0.113.9 [udp 203.0.113.9:53 > " +
             outside_ + "]");
}

TEST_F(IcmpErrorSemantics, D_ICMPERR_RFC_ROW_59_ThroughAHairpin) {
  VpcConfig config;
  config.In("sg-web", {}).In("sg-two", {"udp 53 198.51.100.0/24"}).Out("sg-two", {});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "198.51.100.11:53", 40), "forward eni-two: *");
  Expect(
      "eni-two", ErrorAbout("10.0.0.11", "198.51.100.10", 3, 3, LastSent().ip),
      "forward eni-web: icmp 3/3 198.51.100.11 > 10.0.0.10 [udp 10.0.0.10:5 > 198.51.100.11:53]");
}

TEST_F(IcmpErrorSemantics, D_ICMPERR_TheInternetGatewayAlwaysTranslatesTheQuote) {
  Start();  // untracked flow; the error passes by the rules
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53", 40), "forward internet: *");
  const Bytes seen = LastSent().ip;
  Expect("internet", ErrorAbout("203.0.113.1", "198.51.100.10", 11, 0, seen, 68),
         "forward eni-web: icmp 11/0 203.0.113.1 > 10.0.0.10 [udp 10.0.0.10:5 > 203.0.113.9:53]");
  Expect("internet", Udp("203.0.113.9:53", "198.51.100.10:5", 40), "forward eni-web: *");
  Expect("eni-web", ErrorAbout("10.0.0.10", "203.0.113.9", 3, 3, LastSent().ip, 68),
         "forward internet: icmp 3/3 198.51.100.10 > 203.0.113.9 [udp 203.0.113.9:53 > "
         "198.51.100.10:5]");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_15_RFC_ROW_33_NoErrorEndsAFlow) {
  Start();
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kSyn, 1000), "forward internet: *");
  const Bytes seen = LastSent().ip;
  const std::string outside = End(kNat, LastSent().src_port);
  Expect("internet", Tcp("203.0.113.9:443", outside, kSynAck, 9000, 1001), "forward eni-app: *");
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kAck, 1001, 9001),
         "forward internet: *");
  for (const uint8_t type : {3, 4, 5, 11, 12}) {
    for (uint8_t code = 0; code < 16; ++code) {
      Send("internet", ErrorAbout("203.0.113.9", kNat, type, code, seen));
      Expect("internet", Tcp("203.0.113.9:443", outside, kAck, 9001, 1001), "forward eni-app: *");
    }
  }
  Expect("eni-app", Tcp("10.0.1.10:5000", "203.0.113.9:443", kAck, 1001, 9001),
         "forward internet: *");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_58_D_ICMPERR_NorRefreshesOne) {
  VpcConfig config;
  config.In("sg-app", {});
  Start(config);
  const Bytes seen = OpenThroughNat();
  const PacketSpec error = ErrorAbout("203.0.113.9", kNat, 3, 3, seen);
  for (int i = 0; i < 3; ++i) {
    Wait(10);
    Expect("internet", error, "forward eni-app: *");
  }
  Wait(0.001);
  Expect("internet", error, "drop sg_ingress");  // 30 s: the group's state is gone
  Expect("internet", Udp("203.0.113.9:53", outside_), "drop sg_ingress");
  for (int i = 0; i < 32; ++i) {
    Wait(10);
    Send("internet", error);
  }
  Expect("internet", error, "drop nat_unsolicited");  // 350 s: and the mapping
}

TEST_F(IcmpErrorSemantics, RFC_ROW_50_AWrongChecksumIsMalformed) {
  Start();
  const Bytes seen = OpenThroughNat();
  Bytes frame = FrameOf("internet", ErrorAbout("203.0.113.9", kNat, 3, 3, seen));
  for (const size_t at : {14u + 20 + 2, 14u + 20 + 5, 14u + 28 + 9, 14u + 28 + 27}) {
    Bytes flipped = frame;
    flipped[at] ^= 0x10;
    ExpectFrame("internet", flipped, "drop malformed_l4");
  }
  ExpectFrame("internet", frame, "forward eni-app: *");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_51_AWrongQuotedHeaderChecksumNamesNoFlow) {
  Start();
  Bytes seen = OpenThroughNat();
  seen[10] ^= 1;
  Expect("internet", ErrorAbout("203.0.113.9", kNat, 3, 3, seen), "drop nat_unsolicited");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_52_QuotedOptionsAreSkipped) {
  Start();
  for (size_t words = 0; words <= 10; ++words) {
    PacketSpec ask =
        Udp(End("10.0.1.10", 6000 + static_cast<uint32_t>(words)), "203.0.113.9:53", 40);
    ask.options.resize(words * 4, 1);  // no operation
    Expect("eni-app", ask, "forward internet: *");
    const Bytes seen = LastSent().ip;
    Expect("internet", ErrorAbout("203.0.113.9", kNat, 3, 3, seen, seen.size()),
           "forward eni-app: icmp 3/3 203.0.113.9 > 10.0.1.10 [udp " +
               End("10.0.1.10", ask.src_port) + " > 203.0.113.9:53]");
  }
}

TEST_F(IcmpErrorSemantics, RFC_ROW_53_TheQuotedTransportChecksumIsNotAsked) {
  Start();
  Bytes seen = OpenThroughNat();
  seen[26] ^= 0x55;
  Expect("internet", ErrorAbout("203.0.113.9", kNat, 3, 3, seen, 68), "forward eni-app: *");
}

TEST_F(IcmpErrorSemantics, RFC_ROW_54_ExtensionsBehindTheQuoteStay) {
  Start();
  Bytes seen = OpenThroughNat();
  seen.resize(128, 0);  // RFC 4884: padded, then the extension
  const Bytes extension = {0x20, 0, 0xd5, 0x5f, 0, 8, 1, 1, 0x12, 0x34, 0x51, 0xff};
  PacketSpec error = ErrorAbout("203.0.113.9", kNat, 11, 0, seen, 128);
  error.icmp_rest = 32u << 16;  // length in words
  error.payload.insert(error.payload.end(), extension.begin(), extension.end());
  Expect("internet", error, "forward eni-app: *");
  const Bytes& quote = LastSent().quote;
  ASSERT_EQ(quote.size(), 140u);
  EXPECT_TRUE(std::equal(extension.begin(), extension.end(), quote.begin() + 128));
}

TEST_F(IcmpErrorSemantics, RFC_ROW_106_QuotesCutAnywhere) {
  VpcConfig config;
  config.In("sg-web", {"icmp -1 0.0.0.0/0"});
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "203.0.113.9:53", 40), "forward internet: *");
  const Bytes by_gateway = LastSent().ip;
  const Bytes by_nat = OpenThroughNat();
  for (size_t bytes = 0; bytes <= 68; ++bytes) {
    Expect("internet", ErrorAbout("203.0.113.1", kNat, 3, 3, by_nat, bytes),
           bytes < 28 ? "drop nat_unsolicited" : "forward eni-app: *");
    Expect("internet", ErrorAbout("203.0.113.1", "198.51.100.10", 3, 3, by_gateway, bytes),
           "forward eni-web: icmp 3/3 203.0.113.1 > 10.0.0.10*");
  }
}

TEST_F(IcmpErrorSemantics, AWS_NAT_16_AnErrorAboutAnEcho) {
  Start();
  Expect("eni-app", Echo("10.0.1.10", "203.0.113.9", 7), "forward internet: *");
  Expect(
      "internet", ErrorAbout("203.0.113.1", kNat, 11, 0, LastSent().ip),
      "forward eni-app: icmp 11/0 203.0.113.1 > 10.0.1.10 [icmp 8/0 id 7 10.0.1.10 > 203.0.113.9]");
}

class PathMtuSemantics : public VpcTest {};

TEST_F(PathMtuSemantics, AWS_MTU_01_9001Inside1500ToTheInternet) {
  Start();
  PacketSpec inside = Udp("10.0.0.10:5", "10.0.1.10:80", 9001 - 28);
  inside.dont_fragment = true;
  Expect("eni-web", inside, "forward eni-app");
  PacketSpec peer = Udp("10.0.1.10:5", "10.1.0.10:80", 9001 - 28);
  peer.dont_fragment = true;
  Expect("eni-app", peer, "forward eni-b");
  PacketSpec out = Udp("10.0.0.10:5", "203.0.113.9:53", 1472);
  out.dont_fragment = true;
  Expect("eni-web", out, "forward internet: *");
  out.payload.resize(1473);
  Expect("eni-web", out, "consume mtu_exceeded eni-web: icmp 3/4 10.0.0.1 > 10.0.0.10 *");
}

// Established flows of jumbo packets are remembered too, up to what fits on their way.
TEST_F(PathMtuSemantics, AWS_MTU_01_JumboPacketsHitTheirSession) {
  Start();
  const PacketSpec small = Udp("10.0.0.10:5", "10.0.1.10:80", 100);
  Expect("eni-web", small, "forward eni-app");
  Expect("eni-app", Udp("10.0.1.10:80", "10.0.0.10:5", 9001 - 28), "forward eni-web");
  Expect("eni-web", small, "forward eni-app");
  const uint64_t before = SessionHits();
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:80", 9001 - 28), "forward eni-app");
  Expect("eni-app", Udp("10.0.1.10:80", "10.0.0.10:5", 9001 - 28), "forward eni-web");
  EXPECT_EQ(SessionHits() - before, 2u);

  const PacketSpec out = Udp("10.0.0.10:5", "203.0.113.9:53", 1472);
  Expect("eni-web", out, "forward internet: *");
  PacketSpec long_out = Udp("10.0.0.10:5", "203.0.113.9:53", 1473);
  long_out.dont_fragment = true;
  Expect("eni-web", long_out, "consume mtu_exceeded eni-web: icmp 3/4 10.0.0.1 > 10.0.0.10 *");
}

TEST_F(PathMtuSemantics, AWS_IGW_06_RFC_ROW_17_RFC_ROW_81_RFC_ROW_85_FragmentationNeeded) {
  Start();
  for (const size_t payload : {1473u, 4000u, 8900u}) {
    PacketSpec big = Udp("10.0.0.10:5", "203.0.113.9:53", payload);
    big.dont_fragment = true;
    big.ip_id = 99;
    Expect("eni-web", big,
           "consume mtu_exceeded eni-web: icmp 3/4 10.0.0.1 > 10.0.0.10 "
           "[udp 10.0.0.10:5 > 203.0.113.9:53]");
    const Seen error = LastSent();
    EXPECT_EQ(error.icmp_rest, 1500u);
    EXPECT_EQ(error.ip.size(), 576u);
    EXPECT_EQ(error.ttl, 64);
    EXPECT_FALSE(error.dont_fragment);
    Bytes as_sent = BuildIpv4(big);
    as_sent.resize(576 - 28);
    EXPECT_EQ(error.quote, as_sent);  // as its sender sent it
  }
}

TEST_F(PathMtuSemantics, AWS_IGW_06_AWS_MTU_01_RFC_ROW_18_FragmentsInOrderThatReassemble) {
  Start();
  PacketSpec big = Udp("10.0.0.10:5", "203.0.113.9:53", 4000);
  big.ip_id = 0x4242;
  for (size_t i = 0; i < big.payload.size(); ++i) {
    big.payload[i] = static_cast<uint8_t>(i * 7);
  }
  Expect(
      "eni-web", big,
      "forward internet: udp 198.51.100.10:5 > 203.0.113.9:53 +0 | internet: udp 198.51.100.10 > "
      "203.0.113.9 +1480 | internet: udp 198.51.100.10 > 203.0.113.9 +2960");
  PacketSpec translated = big;
  translated.src = AddressOf("198.51.100.10");
  const Bytes whole = BuildIpv4(translated);
  Bytes joined;
  for (size_t i = 0; i < sent().size(); ++i) {
    const Seen part = LastSent(i);
    EXPECT_EQ(part.ip_id, 0x4242);
    EXPECT_EQ(part.fragment_bytes, joined.size());
    EXPECT_EQ(part.more_fragments, i + 1 < sent().size());
    EXPECT_LE(part.ip.size(), 1500u);
    joined.insert(joined.end(), part.l4.begin(), part.l4.end());
  }
  EXPECT_EQ(joined, Bytes(whole.begin() + 20, whole.end()));  // the UDP checksum holds for it
}

TEST_F(PathMtuSemantics, AWS_MTU_01_ASmallPortFragmentsOrAnswers) {
  VpcConfig config;
  config.Mtu("eni-app", 1500);
  Start(config);
  Expect("eni-web", Udp("10.0.0.10:5", "10.0.1.10:80", 1473),
         "forward eni-app: udp 10.0.0.10:5 > 10.0.1.10:80 +0 | eni-app: udp 10.0.0.10 > 10.0.1.10 "
         "+1480");
  PacketSpec rigid = Udp("10.0.0.10:5", "10.0.1.10:80", 1473);
  rigid.dont_fragment = true;
  Expect("eni-web", rigid, "consume mtu_exceeded eni-web: icmp 3/4 10.0.0.1 > 10.0.0.10 *");
}

TEST_F(PathMtuSemantics, AWS_MTU_01_AHairpinIsTheInternetToo) {
  Start();
  PacketSpec rigid = Udp("10.0.0.10:5", "198.51.100.11:80", 1473);
  rigid.dont_fragment = true;
  Expect("eni-web", rigid, "consume mtu_exceeded eni-web: icmp 3/4 10.0.0.1 > 10.0.0.10 *");
  rigid.dont_fragment = false;
  Expect("eni-web", rigid, "forward eni-two: * +0 | eni-two: * +1480");
}

TEST_F(PathMtuSemantics, RFC_ROW_79_NoErrorAboutErrorsOrLaterFragments) {
  Start();
  // An ICMP error too big for the way: dropped, same reason, no answer.
  PacketSpec error = ErrorAbout("10.0.0.10", "203.0.113.9", 3, 3, Bytes(1500, 0x45), 1500);
  error.dont_fragment = true;
  Expect("eni-web", error, "drop mtu_exceeded");
  PacketSpec last_hop = ErrorAbout("10.0.1.10", "203.0.113.9", 3, 3, Bytes(64, 0x45), 64);
  last_hop.ttl = 1;
  Expect("eni-app", last_hop, "drop nat_unsupported_protocol");
  // A later fragment whose TTL ends at the gateway.
  PacketSpec whole = Udp("10.0.1.10:5000", "203.0.113.9:53", 40);
  whole.ip_id = 5;
  whole.src_mac = MacOf("eni-app");
  std::vector<Bytes> fragments = BuildFragments(whole, 24);
  ASSERT_EQ(fragments.size(), 2u);
  ExpectFrame("eni-app", fragments[0], "forward internet: *");
  PacketSpec later = whole;
  later.ttl = 1;
  fragments = BuildFragments(later, 24);
  ExpectFrame("eni-app", fragments[1], "drop ttl_expired");
  // From outside nothing is told about size.
  VpcConfig config;
  config.Mtu("eni-web", 1400);
  Start(config);
  PacketSpec in = Udp("203.0.113.9:5", "198.51.100.10:80", 1400);
  in.dont_fragment = true;
  Expect("internet", in, "drop mtu_exceeded");
}

TEST_F(PathMtuSemantics, RFC_ROW_80_ErrorsAreRateLimited) {
  Start();
  PacketSpec rigid = Udp("10.0.0.10:5", "203.0.113.9:53", 1473);
  rigid.dont_fragment = true;
  int answered = 0;
  for (int i = 0; i < 10'000; ++i) {
    Wait(i % 10 == 0 ? 0.001 : 0);  // one second in all
    answered += Send("eni-web", rigid) == "drop mtu_exceeded" ? 0 : 1;
  }
  EXPECT_GE(answered, 10);
  EXPECT_LE(answered, 2000);
  // Another interface's errors are not starved, nor these later.
  PacketSpec other = Udp("10.0.0.11:5", "203.0.113.9:53", 1473);
  other.dont_fragment = true;
  Expect("eni-two", other, "consume mtu_exceeded eni-two: *");
  Wait(2);
  Expect("eni-web", rigid, "consume mtu_exceeded eni-web: *");
}

TEST_F(PathMtuSemantics, RFC_ROW_75_DfIsNeverCleared) {
  Start();
  for (const char* eni : {"eni-web", "eni-app"}) {
    PacketSpec spec =
        Udp(eni == std::string("eni-web") ? "10.0.0.10:5" : "10.0.1.10:5", "203.0.113.9:53");
    spec.dont_fragment = true;
    Expect(eni, spec, "forward internet: *");
    EXPECT_TRUE(LastSent().dont_fragment);
  }
}

}  // namespace
}  // namespace sluice::testing
