// ARP, DHCP and the RST of an idle NAT mapping: what the router itself answers.
#include <gtest/gtest.h>

#include "dataplane/packet/protocol.h"
#include "dataplane/stage/arp.h"
#include "dataplane/stage/dhcp.h"
#include "dataplane/stage/frame_builder.h"
#include "dataplane/stage/interface.h"
#include "dataplane/stage/parse.h"
#include "tests/dataplane/stage/edge_world.h"

namespace sluice::testing {
namespace {

DropReason Ask(EdgeWorld& world, const Bytes& frame, uint16_t port) {
  const uint32_t lane = world.Add(frame, port);
  LaneList in, arp, ip;
  in.Add(lane);
  ParseStage(world.snapshot, world.worker, *world.batch, in, arp, ip);
  ArpStage(world.snapshot, world.worker, *world.batch, arp);
  return world.batch->reason[lane];
}

ArpSpec RequestOf(uint8_t eni, const char* target) {
  ArpSpec spec;
  spec.src_mac = spec.sender_mac = EniMac(eni);
  spec.sender = Address("10.0.0.10");
  spec.target = Address(target);
  return spec;
}

TEST(ArpTest, D_ARP_AnswersFromConfigurationOnly) {
  EdgeWorld world;
  const struct {
    const char* target;
    DropReason reason;
    MacAddress answer;
  } cases[] = {{"10.0.0.1", DropReason::kArpReply, kRouterMac},
               {"10.0.0.11", DropReason::kArpReply, EniMac(1)},
               {"10.0.0.200", DropReason::kArpReply, EniMac(4)},
               {"10.0.0.10", DropReason::kArpIgnored, {}},
               {"10.0.0.20", DropReason::kArpIgnored, {}},
               {"10.0.0.2", DropReason::kArpIgnored, {}},
               {"10.0.0.99", DropReason::kArpIgnored, {}},
               {"8.8.8.8", DropReason::kArpIgnored, {}}};
  for (const auto& c : cases) {
    const size_t before = world.emits.frame_count();
    EXPECT_EQ(Ask(world, BuildArp(RequestOf(0, c.target)), 0), c.reason) << c.target;
    if (c.reason == DropReason::kArpIgnored) {
      EXPECT_EQ(world.emits.frame_count(), before);
      continue;
    }
    ArpSpec reply;
    reply.dst_mac = reply.target_mac = EniMac(0);
    reply.src_mac = reply.sender_mac = c.answer;
    reply.operation = 2;
    reply.sender = Address(c.target);
    reply.target = Address("10.0.0.10");
    EXPECT_EQ(world.Emitted(before), BuildArp(reply)) << c.target;
    EXPECT_EQ(world.emits.frame(before).out, InterfaceIdx(0));
  }
}

TEST(ArpTest, KeepsTheVlan) {
  EdgeWorld world;
  ArpSpec spec = RequestOf(1, "10.0.0.1");
  spec.vlan = 12;
  EXPECT_EQ(Ask(world, BuildArp(spec), 1), DropReason::kArpReply);
  EXPECT_EQ(Get16(world.Emitted(0), 12), 0x8100u);
  EXPECT_EQ(Get16(world.Emitted(0), 14), 12u);
}

// Rows 91: gratuitous ARP, replies, foreign formats and truncations change nothing.
TEST(ArpTest, IgnoresTheRest) {
  EdgeWorld world;
  ArpSpec spec = RequestOf(0, "10.0.0.1");
  spec.operation = 2;
  EXPECT_EQ(Ask(world, BuildArp(spec), 0), DropReason::kArpIgnored);
  const Bytes good = BuildArp(RequestOf(0, "10.0.0.1"));
  for (size_t n = 14; n < good.size(); ++n) {
    EXPECT_EQ(Ask(world, Bytes(good.begin(), good.begin() + n), 0), DropReason::kArpIgnored);
  }
  Bytes token_ring = good;
  token_ring[15] = 6;
  EXPECT_EQ(Ask(world, token_ring, 0), DropReason::kArpIgnored);
  EXPECT_EQ(world.emits.frame_count(), 0u);
  spec = RequestOf(9, "10.0.0.1");
  EXPECT_EQ(Ask(world, BuildArp(spec), 0), DropReason::kSourceCheck);
  EXPECT_EQ(Ask(world, good, 5), DropReason::kUnknownInterface);
}

TEST(ArpTest, SidesAnswerForTheirAddresses) {
  EdgeWorld world;
  ArpSpec spec = RequestOf(9, "198.51.100.2");
  EXPECT_EQ(Ask(world, BuildArp(spec), 3), DropReason::kArpReply);
  spec.target = Address("203.0.113.10");
  EXPECT_EQ(Ask(world, BuildArp(spec), 3), DropReason::kArpReply) << "a public address in use";
  spec.target = Address("203.0.113.11");
  EXPECT_EQ(Ask(world, BuildArp(spec), 3), DropReason::kArpIgnored);
  spec.vlan = 30;
  spec.target = Address("192.0.2.2");
  EXPECT_EQ(Ask(world, BuildArp(spec), 4), DropReason::kArpReply);
  spec.target = Address("203.0.113.10");
  EXPECT_EQ(Ask(world, BuildArp(spec), 4), DropReason::kArpIgnored);
}

TEST(ArpTest, LearnsTheConfiguredNextHopAlone) {
  EdgeWorld world;
  ArpSpec spec = RequestOf(9, "198.51.100.2");
  spec.operation = 2;
  spec.sender = Address("198.51.100.1");
  EXPECT_EQ(Ask(world, BuildArp(spec), 3), DropReason::kArpLearned);
  ArpLearned learned;
  ASSERT_TRUE(world.learned.Pop(learned));
  EXPECT_EQ(learned.side, InterfaceIdx(5));
  EXPECT_EQ(learned.mac, EniMac(9));
  spec.sender = Address("198.51.100.7");
  EXPECT_EQ(Ask(world, BuildArp(spec), 3), DropReason::kArpIgnored);
  EXPECT_FALSE(world.learned.Pop(learned));
}

TEST(ArpTest, LearnedRingIsBounded) {
  ArpLearnedRing ring;
  for (uint32_t i = 0; i < ArpLearnedRing::kCapacity; ++i) {
    EXPECT_TRUE(ring.Push({InterfaceIdx(i), {}}));
  }
  EXPECT_FALSE(ring.Push({InterfaceIdx(99), {}}));
  ArpLearned learned;
  EXPECT_TRUE(ring.Pop(learned));
  EXPECT_EQ(learned.side, InterfaceIdx(0));
}

// ---- DHCP ----

Bytes DhcpMessage(uint8_t type, uint32_t requested, uint32_t ciaddr, bool broadcast) {
  Bytes m = {1, 1, 6, 0};
  Put32(m, 0xdeadbeef);
  Put16(m, 0);
  Put16(m, broadcast ? 0x8000 : 0);
  Put32(m, ciaddr);
  m.resize(28, 0);
  const MacAddress mac = EniMac(0);
  m.insert(m.end(), mac.bytes.begin(), mac.bytes.end());
  m.resize(236, 0);
  Put32(m, 0x63825363);
  m.insert(m.end(), {53, 1, type});
  if (requested != 0) {
    m.insert(m.end(), {0, 50, 4});
    Put32(m, requested);
  }
  m.push_back(255);
  return m;
}

DropReason AskDhcp(EdgeWorld& world, const Bytes& message) {
  PacketSpec spec = UdpSpec();
  spec.src = 0;
  spec.dst = Address("255.255.255.255");
  spec.dst_mac = kBroadcastMac;
  spec.src_port = 68;
  spec.dst_port = 67;
  spec.payload = message;
  const uint32_t lane = world.Add(BuildFrame(spec));
  LaneList in, arp, ip, dhcp, out;
  in.Add(lane);
  ParseStage(world.snapshot, world.worker, *world.batch, in, arp, ip);
  InterfaceStage(world.snapshot, world.worker, *world.batch, ip, dhcp, out);
  EXPECT_EQ(dhcp.count, 1u);
  DhcpStage(world.snapshot, world.worker, *world.batch, dhcp);
  return world.batch->reason[lane];
}

constexpr size_t kBootp = 14 + 20 + 8;

TEST(DhcpTest, DiscoverGetsAnOffer) {
  EdgeWorld world;
  EXPECT_EQ(AskDhcp(world, DhcpMessage(1, 0, 0, false)), DropReason::kDhcpReply);
  EXPECT_EQ(world.batch->verdict[0], Verdict::kConsume);
  const Bytes offer = world.Emitted(0);
  EXPECT_EQ(ChecksumComplaint(offer, 14), "");
  EXPECT_EQ(offer.size(), kBootp + 300);
  EXPECT_EQ(Get32(offer, 26), Address("10.0.0.1"));
  EXPECT_EQ(Get32(offer, 30), Address("10.0.0.10"));
  EXPECT_EQ(Get32(offer, kBootp + 4), 0xdeadbeef);
  EXPECT_EQ(Get32(offer, kBootp + 16), Address("10.0.0.10"));
  Bytes options = {53,  1,   2, 54, 4, 10, 0, 0, 1, 51, 4, 0,  0, 14, 16, 1,  4, 255,
                   255, 255, 0, 3,  4, 10, 0, 0, 1, 6,  4, 10, 0, 0,  2,  15, 12};
  for (const char c : std::string("ec2.internal")) {
    options.push_back(static_cast<uint8_t>(c));
  }
  options.insert(options.end(), {26, 2, 0x23, 0x29, 255});
  EXPECT_EQ(Bytes(offer.begin() + kBootp + 240, offer.begin() + kBootp + 240 + options.size()),
            options);
}

TEST(DhcpTest, RequestGetsAckOrNak) {
  EdgeWorld world;
  EXPECT_EQ(AskDhcp(world, DhcpMessage(3, Address("10.0.0.10"), 0, true)), DropReason::kDhcpReply);
  EXPECT_EQ(world.Emitted(0)[kBootp + 242], 5);
  EXPECT_EQ(Get32(world.Emitted(0), 30), 0xffffffff);
  EXPECT_EQ(world.Emitted(0)[0], 0xff);
  AskDhcp(world, DhcpMessage(3, 0, Address("10.0.0.10"), false));
  EXPECT_EQ(world.Emitted(1)[kBootp + 242], 5) << "a renewal names its address in ciaddr";
  AskDhcp(world, DhcpMessage(3, Address("10.0.0.11"), 0, false));
  const Bytes nak = world.Emitted(2);
  EXPECT_EQ(nak[kBootp + 242], 6);
  EXPECT_EQ(nak[kBootp + 249], 255) << "a NAK tells type and server only";
  EXPECT_EQ(Get32(nak, kBootp + 16), 0u);
  AskDhcp(world, DhcpMessage(8, 0, Address("10.0.0.10"), false));
  EXPECT_EQ(world.Emitted(3)[kBootp + 249], 1) << "INFORM: no lease";
  EXPECT_EQ(AskDhcp(world, DhcpMessage(7, 0, 0, false)), DropReason::kDhcpReply);
  EXPECT_EQ(world.emits.frame_count(), 4u) << "RELEASE is not answered";
}

TEST(DhcpTest, EveryTruncationIsReadWithinItsBytes) {
  const Bytes message = DhcpMessage(1, Address("10.0.0.10"), 0, false);
  for (size_t n = 0; n <= message.size(); ++n) {
    EdgeWorld world;
    const DropReason reason = AskDhcp(world, Bytes(message.begin(), message.begin() + n));
    const bool readable = n == 243 || n == 244 || n >= 250;
    EXPECT_EQ(reason, readable ? DropReason::kDhcpReply : DropReason::kMalformedL4) << n;
  }
}

// ---- RST of an idle mapping ----

Bytes ResetFor(EdgeWorld& world, uint8_t flags) {
  PacketSpec spec = UdpSpec();
  spec.protocol = 6;
  spec.tcp_flags = flags;
  spec.seq = 1000;
  spec.ack = 0xfffffff0;
  const uint32_t lane = world.Add(BuildFrame(spec));
  LaneList in, arp, ip, dhcp, out;
  in.Add(lane);
  ParseStage(world.snapshot, world.worker, *world.batch, in, arp, ip);
  InterfaceStage(world.snapshot, world.worker, *world.batch, ip, dhcp, out);
  const size_t before = world.emits.frame_count();
  EmitNatIdleReset(world.snapshot, world.worker, *world.batch, lane);
  EXPECT_EQ(world.batch->reason[lane], DropReason::kNatIdleTimeout);
  return world.emits.frame_count() == before ? Bytes() : world.Emitted(before);
}

TEST(NatIdleResetTest, D_NATIDLE_ResetIsAcceptable) {
  EdgeWorld world;
  const Bytes acked = ResetFor(world, kTcpAck);
  EXPECT_EQ(ChecksumComplaint(acked, 14), "");
  EXPECT_EQ(Get32(acked, 26), Address("10.0.0.11"));
  EXPECT_EQ(Get32(acked, 30), Address("10.0.0.10"));
  EXPECT_EQ(Get16(acked, 34), 53u);
  EXPECT_EQ(Get16(acked, 36), 4000u);
  EXPECT_EQ(Get32(acked, 38), 0xfffffff0u);
  EXPECT_EQ(acked[47], kTcpRst);
  EXPECT_EQ(world.batch->verdict[0], Verdict::kConsume);
  const Bytes bare = ResetFor(world, kTcpFin);
  EXPECT_EQ(Get32(bare, 38), 0u);
  EXPECT_EQ(Get32(bare, 42), 1000u + 7 + 1);
  EXPECT_EQ(bare[47], kTcpRst | kTcpAck);
  EXPECT_TRUE(ResetFor(world, kTcpRst).empty()) << "a RST is never answered";
  EXPECT_EQ(world.batch->verdict[2], Verdict::kDrop);
}

}  // namespace
}  // namespace sluice::testing
