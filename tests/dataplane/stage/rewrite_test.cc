#include "dataplane/stage/rewrite.h"

#include <gtest/gtest.h>

#include <random>

#include "dataplane/session/nat_ip_id.h"
#include "dataplane/stage/interface.h"
#include "dataplane/stage/parse.h"
#include "tests/dataplane/stage/edge_world.h"

namespace sluice::testing {
namespace {

uint32_t Enter(EdgeWorld& world, const Bytes& frame, uint32_t out) {
  const uint32_t lane = world.Add(frame);
  LaneList in, arp, ip, dhcp, routed;
  in.Add(lane);
  Batch& b = *world.batch;
  ParseStage(world.snapshot, world.worker, b, in, arp, ip);
  EXPECT_EQ(ip.count, 1u);
  InterfaceStage(world.snapshot, world.worker, b, ip, dhcp, routed);
  EXPECT_EQ(routed.count, 1u);
  b.walk_src[lane] = b.src[lane];
  b.walk_dst[lane] = b.dst[lane];
  b.walk_l4_src[lane] = b.l4_src[lane];
  b.walk_l4_dst[lane] = b.l4_dst[lane];
  b.walk_quoted_src[lane] = b.quoted_src[lane];
  b.walk_quoted_dst[lane] = b.quoted_dst[lane];
  b.walk_quoted_l4_src[lane] = b.quoted_l4_src[lane];
  b.walk_quoted_l4_dst[lane] = b.quoted_l4_dst[lane];
  b.ttl_spent[lane] = 0;
  b.walk_flags[lane] = 0;
  b.out[lane] = InterfaceIdx(out);
  return lane;
}

Bytes Leave(EdgeWorld& world, uint32_t lane) {
  LaneList lanes;
  lanes.Add(lane);
  ComputeDeltas(*world.batch, lanes);
  RewriteStage(world.snapshot, world.worker, *world.batch, lanes);
  return world.Output(lane);
}

TEST(RewriteTest, LinkHeaderOfTheOutgoingSide) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.trailer.assign(20, 0xee);
  // Untagged in, tagged out: the header grows into the headroom; the trailer is gone.
  Bytes expected = BuildFrame([&] {
    PacketSpec sent = UdpSpec();
    sent.vlan = 12;
    sent.dst_mac = EniMac(1);
    sent.src_mac = kRouterMac;
    return sent;
  }());
  EXPECT_EQ(Leave(world, Enter(world, BuildFrame(spec), 1)), expected);
  // Tagged in, untagged out, by a resolved next hop.
  spec.vlan = 0;
  const Bytes out = Leave(world, Enter(world, BuildFrame(spec), 5));
  EXPECT_EQ(Get16(out, 12), 0x0800u);
  EXPECT_TRUE(std::equal(kNextHopMac.bytes.begin(), kNextHopMac.bytes.end(), out.begin()));
}

TEST(RewriteTest, AWS_RT_10_DirectKeepsBothMacs) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.dst_mac = EniMac(1);
  const Bytes out = Leave(world, Enter(world, BuildFrame(spec), 1));
  spec.vlan = 12;
  EXPECT_EQ(out, BuildFrame(spec));
}

// Rows 71 to 74: random packets, random translations; what comes out is what a sender with the new
// addresses would have built.
TEST(RewriteTest, EqualsAFreshPacket) {
  std::mt19937 random(20260101);
  for (int i = 0; i < 20000; ++i) {
    EdgeWorld* world = nullptr;
    static std::unique_ptr<EdgeWorld> shared;
    if (shared == nullptr || shared->batch->count == kMaxBatch) {
      shared = std::make_unique<EdgeWorld>();
      shared->snapshot.interfaces[0].flags = 0;
    }
    world = shared.get();
    PacketSpec spec = UdpSpec();
    const uint8_t protocols[] = {6, 17, 1, 47};
    spec.protocol = protocols[random() % 4];
    spec.src = 0x0b000001 + (random() & 0xffffff);
    spec.dst = 0x5b000001 + (random() & 0xffffff);
    spec.src_port = static_cast<uint16_t>(random());
    spec.dst_port = static_cast<uint16_t>(random());
    spec.icmp_id = static_cast<uint16_t>(random());
    spec.ttl = static_cast<uint8_t>(2 + random() % 254);
    spec.ip_id = static_cast<uint16_t>(random());
    spec.udp_checksum = random() % 4 != 0;
    spec.src_mac = EniMac(0);
    spec.payload.resize(random() % 40);
    for (uint8_t& byte : spec.payload) {
      byte = static_cast<uint8_t>(random());
    }
    if (random() % 3 == 0) {
      spec.options = {148, 4, 0, 0};
    }
    const uint32_t lane = Enter(*world, BuildFrame(spec), 5);
    PacketSpec sent = spec;
    sent.src_mac = kRouterMac;
    sent.dst_mac = kNextHopMac;
    if (random() % 2 == 0) {
      sent.src = 0xcb007100 + random() % 256;
    } else {
      sent.dst = 0x0a000000 + random() % 65536;
    }
    sent.ttl = static_cast<uint8_t>(spec.ttl - 1);
    Batch& b = *world->batch;
    b.walk_src[lane] = sent.src;
    b.walk_dst[lane] = sent.dst;
    b.ttl_spent[lane] = 1;
    const auto port = static_cast<uint16_t>(random());
    if (spec.protocol == 1) {
      sent.icmp_id = port;
      b.walk_l4_src[lane] = port;
    } else if (spec.protocol != 47) {
      (random() % 2 == 0 ? sent.src_port : sent.dst_port) = port;
      b.walk_l4_src[lane] = sent.src_port;
      b.walk_l4_dst[lane] = sent.dst_port;
    }
    ASSERT_EQ(Leave(*world, lane), BuildFrame(sent)) << i;
  }
}

// RFC 6864 5.3, row 76: the pieces of one datagram keep one id, and two hosts' equal ids part.
TEST(RewriteTest, NatGivesDatagramsInPiecesIdsOfTheirOwn) {
  EdgeWorld world;
  world.snapshot.interfaces[0].flags = 0;
  world.snapshot.nat_gateways = AlignedArray<NatGatewayRow>::Make(HeapMemory(), "test", 1);
  const NatStreams streams(42);
  NatIpIds ids(streams);
  world.worker.nat_ip_ids = &ids;
  uint32_t given = kNoIpId;  // as the fragment cache remembers it
  const auto id_of = [&](const char* src, uint16_t id, size_t piece, const char* nat_public) {
    PacketSpec spec = UdpSpec();
    spec.payload.assign(64, 0xab);
    spec.src = Address(src);
    spec.dst = Address("8.8.8.8");
    spec.ip_id = id;
    const uint32_t lane = Enter(world, BuildFragments(spec, 32)[piece], 5);
    world.batch->walk_src[lane] = Address("203.0.113.200");
    world.batch->ttl_spent[lane] = 1;
    world.batch->nat[lane] = NatGatewayIdx(0);
    world.batch->nat_public[lane] = Address(nat_public);
    world.batch->nat_ip_id[lane] = given;
    world.batch->verdict[lane] = Verdict::kForward;
    GiveNatIpId(world.snapshot, world.worker, *world.batch, lane);
    const Bytes out = Leave(world, lane);
    EXPECT_EQ(ChecksumComplaint(out, 14), "");
    given = piece == 0 ? world.batch->nat_ip_id[lane] : given;
    return Get16(out, 18);
  };
  const char* own = "203.0.113.200";
  const uint16_t first = id_of("10.0.0.10", 7, 0, own);
  EXPECT_EQ(id_of("10.0.0.10", 7, 1, own), first);
  const uint16_t second = id_of("10.0.0.11", 7, 0, own);
  EXPECT_NE(second, first);
  EXPECT_EQ(id_of("10.0.0.11", 7, 1, own), second);
  EXPECT_NE(id_of("10.0.0.10", 8, 0, own), first);
  EXPECT_EQ(id_of("10.0.0.10", 7, 0, "203.0.113.201"), 7u) << "answers keep theirs";
}

TEST(RewriteTest, LaterFragmentsChangeAddressesOnly) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.payload.assign(64, 0xab);
  const Bytes later = BuildFragments(spec, 32)[1];
  const uint32_t lane = Enter(world, later, 5);
  Batch& b = *world.batch;
  b.traits[lane] |= kTraitPorts;  // inherited
  b.walk_src[lane] = Address("203.0.113.10");
  b.walk_l4_src[lane] = 9999;
  const Bytes out = Leave(world, lane);
  EXPECT_EQ(Get32(out, 26), Address("203.0.113.10"));
  EXPECT_EQ(ChecksumComplaint(out, 14), "");
  EXPECT_EQ(Bytes(out.begin() + 34, out.end()), Bytes(later.begin() + 34, later.end()));
}

// RFC 5508 REQ-4, rows 52, 53, 55: byte by byte what the receiver would have got quoted had the
// sender known its addresses.
TEST(RewriteTest, D_ICMPERR_QuotedPacketFollows) {
  for (const uint8_t protocol : {6, 17, 1, 47}) {
    for (const size_t quoted_bytes : {28u, 30u, 36u, 60u}) {
      for (const bool options : {false, true}) {
        PacketSpec inner = UdpSpec();
        inner.protocol = protocol;
        inner.src = Address("203.0.113.200");
        inner.dst = Address("8.8.8.8");
        inner.icmp_id = 1024;
        inner.payload.assign(20, 0x5a);
        if (options) {
          inner.options = {7, 7, 4, 0, 0, 0, 0, 0};
        }
        PacketSpec inside = inner;
        inside.src = Address("10.0.0.11");
        inside.src_port = 40000;
        inside.icmp_id = 77;
        const Bytes before = BuildIpv4(inner);
        const Bytes after = BuildIpv4(inside);
        const size_t n = std::min(before.size(), quoted_bytes + inner.options.size());
        PacketSpec outer = UdpSpec();
        outer.protocol = 1;
        outer.icmp_type = 3;
        outer.icmp_code = 3;
        outer.payload = Bytes(before.begin(), before.begin() + n);
        EdgeWorld world;
        const uint32_t lane = Enter(world, BuildFrame(outer), 1);
        Batch& b = *world.batch;
        ASSERT_NE(b.quoted_offset[lane], 0);
        b.walk_quoted_src[lane] = inside.src;
        if (protocol == 1) {
          b.walk_quoted_l4_src[lane] = inside.icmp_id;
        } else if (protocol != 47) {
          b.walk_quoted_l4_src[lane] = inside.src_port;
        }
        PacketSpec sent = outer;
        sent.payload = Bytes(after.begin(), after.begin() + n);
        sent.vlan = 12;
        sent.dst_mac = EniMac(1);
        sent.src_mac = kRouterMac;
        EXPECT_EQ(Leave(world, lane), BuildFrame(sent)) << int{protocol} << " " << n;
      }
    }
  }
}

TEST(RewriteTest, QuoteThatNamesNoFlowIsLeftAlone) {
  EdgeWorld world;
  PacketSpec outer = UdpSpec();
  outer.protocol = 1;
  outer.icmp_type = 11;
  outer.payload.assign(30, 0x45);
  const uint32_t lane = Enter(world, BuildFrame(outer), 1);
  const Bytes out = Leave(world, lane);
  EXPECT_EQ(ChecksumComplaint(out, 18), "");
  EXPECT_EQ(Bytes(out.begin() + 46, out.end()), outer.payload);
}

}  // namespace
}  // namespace sluice::testing
