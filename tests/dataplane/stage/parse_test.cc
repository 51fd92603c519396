#include "dataplane/stage/parse.h"

#include <gtest/gtest.h>

#include "dataplane/packet/protocol.h"
#include "tests/dataplane/stage/edge_world.h"

namespace sluice::testing {
namespace {

struct Parsed {
  DropReason reason = DropReason::kNone;  // kNone: joined ip or arp
  uint16_t traits = 0;
  bool arp = false;
  InterfaceIdx sender;
};

Parsed Parse(EdgeWorld& world, const Bytes& frame, uint16_t port = 0) {
  const uint32_t lane = world.Add(frame, port);
  LaneList in, arp, ip;
  in.Add(lane);
  ParseStage(world.snapshot, world.worker, *world.batch, in, arp, ip);
  Parsed parsed;
  parsed.arp = arp.count == 1;
  parsed.traits = world.batch->traits[lane];
  parsed.sender = world.batch->sender[lane];
  if (arp.count + ip.count == 0) {
    parsed.reason = world.batch->reason[lane];
  }
  return parsed;
}

DropReason ReasonOf(const Bytes& frame) {
  EdgeWorld world;
  return Parse(world, frame).reason;
}

Bytes WithIpByte(Bytes frame, size_t offset, uint8_t value, bool seal = true) {
  frame[14 + offset] = value;
  if (seal) {
    const size_t end = 14 + (frame[14] & 15u) * 4;
    frame[24] = frame[25] = 0;
    const uint32_t sum = end <= frame.size() ? 0xffff & ~SlowSum(frame, 14, end) : 0;
    frame[24] = static_cast<uint8_t>(sum >> 8);
    frame[25] = static_cast<uint8_t>(sum);
  }
  return frame;
}

TEST(ParseTest, ReadsUdp) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.ip_id = 77;
  spec.ttl = 9;
  spec.vlan = 12;
  EXPECT_EQ(Parse(world, BuildFrame(spec)).reason, DropReason::kNone);
  const Batch& b = *world.batch;
  EXPECT_EQ(b.traits[0], kTraitIpv4 | kTraitPorts);
  EXPECT_EQ(b.vlan[0], 12);
  EXPECT_EQ(b.l2_bytes[0], 18);
  EXPECT_EQ(b.l3_bytes[0], 20);
  EXPECT_EQ(b.ip_bytes[0], 35);
  EXPECT_EQ(b.ttl[0], 9);
  EXPECT_EQ(b.ip_id[0], 77);
  EXPECT_EQ(b.src[0], spec.src);
  EXPECT_EQ(b.dst[0], spec.dst);
  EXPECT_EQ(b.l4_src[0], 4000);
  EXPECT_EQ(b.l4_dst[0], 53);
  EXPECT_EQ(b.rule_key[0], 53);
}

TEST(ParseTest, ReadsTcpAndIcmp) {
  EdgeWorld world;
  PacketSpec tcp = UdpSpec();
  tcp.protocol = 6;
  tcp.seq = 0x11223344;
  tcp.ack = 0x55667788;
  tcp.tcp_flags = kTcpFin | kTcpAck;
  EXPECT_EQ(Parse(world, BuildFrame(tcp)).traits, kTraitIpv4 | kTraitPorts | kTraitTcpSlow);
  EXPECT_EQ(world.batch->tcp_seq[0], tcp.seq);
  EXPECT_EQ(world.batch->tcp_ack[0], tcp.ack);
  EXPECT_EQ(world.batch->tcp_payload_bytes[0], 7u);
  PacketSpec ping = UdpSpec();
  ping.protocol = 1;
  ping.icmp_id = 9;
  EXPECT_EQ(Parse(world, BuildFrame(ping)).traits, kTraitIpv4 | kTraitIcmpQuery);
  EXPECT_EQ(world.batch->l4_src[1], 9);
  EXPECT_EQ(world.batch->l4_dst[1], 9);
  EXPECT_EQ(world.batch->rule_key[1], 0x0800);
  ping.icmp_code = 1;
  EXPECT_EQ(Parse(world, BuildFrame(ping)).traits, kTraitIpv4);
}

TEST(ParseTest, MarksDhcp) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.src_port = 68;
  spec.dst_port = 67;
  EXPECT_NE(Parse(world, BuildFrame(spec)).traits & kTraitDhcp, 0);
}

// RFC 1812 5.2.2; every truncation ends with a reason, and under ASan no byte behind the frame is
// read.
TEST(ParseTest, EveryTruncationIsRefused) {
  for (const uint8_t protocol : {6, 17, 1, 47}) {
    for (const int vlan : {-1, 5}) {
      PacketSpec spec = UdpSpec();
      spec.protocol = protocol;
      spec.vlan = vlan;
      spec.options = {7, 7, 4, 0, 0, 0, 0, 0};
      if (protocol == 1) {
        spec.icmp_type = 3;
        spec.payload = BuildIpv4(UdpSpec());
      }
      const Bytes frame = BuildFrame(spec);
      EXPECT_EQ(ReasonOf(frame), DropReason::kNone);
      for (size_t n = 0; n < frame.size(); ++n) {
        const DropReason reason = ReasonOf(Bytes(frame.begin(), frame.begin() + n));
        const bool link = n < 14 || (vlan >= 0 && n < 18);
        EXPECT_EQ(reason, link ? DropReason::kMalformedEthernet : DropReason::kMalformedIpv4) << n;
      }
    }
  }
}

// The same with the IPv4 length following: the L4 header and the quoted packet are what is short.
TEST(ParseTest, EveryShortPacketIsJudgedWithinItsBytes) {
  for (const uint8_t protocol : {6, 17, 1}) {
    const size_t needed = protocol == 6 ? 20 : 8;
    for (size_t n = 0; n <= 64; ++n) {
      PacketSpec spec = UdpSpec();
      spec.protocol = protocol;
      spec.raw_l4 = true;
      spec.payload.assign(n, 0);
      if (n > 13) {
        spec.payload[12] = 5 << 4;
      }
      if (protocol == 17 && n >= 8) {
        spec.payload[5] = 8;
      }
      EXPECT_EQ(ReasonOf(BuildFrame(spec)),
                n < needed ? DropReason::kMalformedL4 : DropReason::kNone)
          << int{protocol} << " " << n;
    }
  }
}

TEST(ParseTest, QuotesOfEveryLengthStayWithinBounds) {
  PacketSpec inner = UdpSpec();
  inner.options = {7, 7, 4, 0, 0, 0, 0, 0};
  const Bytes quoted = BuildIpv4(inner);
  for (size_t n = 0; n <= quoted.size(); ++n) {
    EdgeWorld world;
    PacketSpec spec = UdpSpec();
    spec.protocol = 1;
    spec.icmp_type = 3;
    spec.payload = Bytes(quoted.begin(), quoted.begin() + n);
    EXPECT_EQ(Parse(world, BuildFrame(spec)).reason, DropReason::kNone);
    EXPECT_NE(world.batch->traits[0] & kTraitIcmpError, 0);
    EXPECT_EQ(world.batch->quoted_offset[0], n >= 36 ? 28 : 0) << n;
    EXPECT_EQ(world.batch->quoted_l4_dst[0], n >= 36 ? 53 : 0) << n;
  }
}

TEST(ParseTest, QuoteWithBadChecksumNamesNoFlow) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.protocol = 1;
  spec.icmp_type = 11;
  spec.payload = BuildIpv4(UdpSpec());
  spec.payload[10] ^= 1;
  EXPECT_EQ(Parse(world, BuildFrame(spec)).reason, DropReason::kNone);
  EXPECT_EQ(world.batch->quoted_offset[0], 0);
  Bytes frame = BuildFrame(spec);
  frame[37] ^= 1;  // the ICMP checksum itself
  EXPECT_EQ(Parse(world, frame).reason, DropReason::kMalformedL4);
}

TEST(ParseTest, LinkLayer) {
  Bytes frame = BuildFrame(UdpSpec());
  frame[12] = 0x86;
  frame[13] = 0xdd;
  EdgeWorld world;
  const Parsed ipv6 = Parse(world, frame);
  EXPECT_EQ(ipv6.reason, DropReason::kUnsupportedEthertype);
  EXPECT_EQ(ipv6.sender, InterfaceIdx(0)) << "a dropped frame names its sender";
  PacketSpec spec = UdpSpec();
  spec.vlan = 7;
  Bytes twice = BuildFrame(spec);
  twice[16] = 0x81;
  twice[17] = 0;
  EXPECT_EQ(ReasonOf(twice), DropReason::kUnsupportedEthertype);
  EXPECT_TRUE(Parse(world, BuildArp({})).arp);
}

TEST(ParseTest, Ipv4Header) {
  const Bytes frame = BuildFrame(UdpSpec());
  EXPECT_EQ(ReasonOf(WithIpByte(frame, 0, 0x65)), DropReason::kMalformedIpv4);
  EXPECT_EQ(ReasonOf(WithIpByte(frame, 0, 0x44)), DropReason::kMalformedIpv4);
  EXPECT_EQ(ReasonOf(WithIpByte(frame, 3, 19)), DropReason::kMalformedIpv4);
  EXPECT_EQ(ReasonOf(WithIpByte(frame, 3, 36)), DropReason::kMalformedIpv4);
  EXPECT_EQ(ReasonOf(WithIpByte(frame, 10, 0xaa, false)), DropReason::kBadIpv4Checksum);
  PacketSpec trailer = UdpSpec();
  trailer.trailer.assign(30, 0xee);
  EXPECT_EQ(ReasonOf(BuildFrame(trailer)), DropReason::kNone);
}

// RFC 791, RFC 7126: row 84 of the requirements.
TEST(ParseTest, Options) {
  const auto with = [](Bytes options) {
    PacketSpec spec = UdpSpec();
    options.resize((options.size() + 3) / 4 * 4, 0);
    spec.options = options;
    return ReasonOf(BuildFrame(spec));
  };
  EXPECT_EQ(with({131, 7, 4, 1, 2, 3, 4}), DropReason::kIpv4Options);
  EXPECT_EQ(with({1, 137, 7, 4, 1, 2, 3, 4}), DropReason::kIpv4Options);
  EXPECT_EQ(with({7, 7, 4, 0, 0, 0, 0}), DropReason::kNone);
  EXPECT_EQ(with({68, 8, 5, 0, 0, 0, 0, 0}), DropReason::kNone);
  EXPECT_EQ(with({148, 4, 0, 0}), DropReason::kNone);
  EXPECT_EQ(with({0, 131, 7, 4}), DropReason::kNone) << "nothing counts behind the end";
  EXPECT_EQ(with({7, 1, 0, 0}), DropReason::kMalformedIpv4);
  EXPECT_EQ(with({7, 9, 0, 0}), DropReason::kMalformedIpv4);
  EXPECT_EQ(with({1, 1, 1, 7}), DropReason::kMalformedIpv4);
  Bytes full(40, 1);
  EXPECT_EQ(with(full), DropReason::kNone);
}

TEST(ParseTest, L4Headers) {
  PacketSpec tcp = UdpSpec();
  tcp.protocol = 6;
  Bytes frame = BuildFrame(tcp);
  frame[46] = 4 << 4;
  EXPECT_EQ(ReasonOf(frame), DropReason::kMalformedL4);
  frame[46] = 7 << 4;
  EXPECT_EQ(ReasonOf(frame), DropReason::kMalformedL4);
  Bytes udp = BuildFrame(UdpSpec());
  udp[39] = 7;
  EXPECT_EQ(ReasonOf(udp), DropReason::kMalformedL4);
  udp[39] = 16;
  EXPECT_EQ(ReasonOf(udp), DropReason::kMalformedL4);
  udp[39] = 8;
  EXPECT_EQ(ReasonOf(udp), DropReason::kNone);
}

// RFC 1858: row 92.
TEST(ParseTest, D_FRAG_TinyFragments) {
  PacketSpec tcp = UdpSpec();
  tcp.protocol = 6;
  tcp.payload.assign(40, 1);
  EXPECT_EQ(ReasonOf(BuildFragments(tcp, 8)[0]), DropReason::kFragmentTiny);
  EXPECT_EQ(ReasonOf(BuildFragments(tcp, 16)[0]), DropReason::kFragmentTiny);
  EXPECT_EQ(ReasonOf(BuildFragments(tcp, 8)[1]), DropReason::kFragmentTiny);
  EXPECT_EQ(ReasonOf(BuildFragments(tcp, 24)[0]), DropReason::kNone);
  EXPECT_EQ(ReasonOf(BuildFragments(tcp, 24)[1]), DropReason::kNone);
}

TEST(ParseTest, FragmentsOfWrongSize) {
  PacketSpec spec = UdpSpec();
  spec.raw_l4 = true;
  spec.payload.assign(12, 1);
  spec.more_fragments = true;
  EXPECT_EQ(ReasonOf(BuildFrame(spec)), DropReason::kMalformedIpv4);
  spec.more_fragments = false;
  spec.payload.clear();
  spec.fragment_bytes = 64;
  EXPECT_EQ(ReasonOf(BuildFrame(spec)), DropReason::kMalformedIpv4);
  spec.payload.assign(100, 1);
  spec.fragment_bytes = 65528;
  EXPECT_EQ(ReasonOf(BuildFrame(spec)), DropReason::kMalformedIpv4);
  spec.fragment_bytes = 65400;
  EXPECT_EQ(ReasonOf(BuildFrame(spec)), DropReason::kNone);
}

TEST(ParseTest, Martians) {
  const auto martian = [](const char* src, const char* dst) {
    return IsMartian(Address(src), Address(dst));
  };
  for (const char* odd : {"0.1.2.3", "127.0.0.1", "240.0.0.1", "255.255.255.255"}) {
    EXPECT_TRUE(martian(odd, "10.0.0.1")) << odd;
    EXPECT_TRUE(martian("10.0.0.1", odd)) << odd;
  }
  EXPECT_TRUE(martian("224.0.0.1", "10.0.0.1"));
  EXPECT_TRUE(martian("10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(martian("10.0.0.1", "224.0.0.1"));
  EXPECT_FALSE(martian("126.255.255.255", "128.0.0.0"));
}

}  // namespace
}  // namespace sluice::testing
