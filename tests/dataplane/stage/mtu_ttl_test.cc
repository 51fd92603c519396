#include "dataplane/stage/mtu_ttl.h"

#include <gtest/gtest.h>

#include "dataplane/stage/interface.h"
#include "dataplane/stage/parse.h"
#include "dataplane/stage/rewrite.h"
#include "tests/dataplane/stage/edge_world.h"

namespace sluice::testing {
namespace {

// Parses a frame and pretends the walk: addresses unchanged, leaving on `out`.
uint32_t Walk(EdgeWorld& world, const Bytes& frame, uint16_t port, uint32_t out) {
  const uint32_t lane = world.Add(frame, port);
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
  b.out[lane] = InterfaceIdx(out);
  b.ttl_spent[lane] = 0;
  b.nat_private[lane] = 0;
  b.walk_flags[lane] = 0;
  return lane;
}

LaneList Check(EdgeWorld& world, uint32_t lane) {
  LaneList in, out;
  in.Add(lane);
  MtuTtlStage(world.snapshot, *world.batch, in, out);
  AnswerUnfit(world.snapshot, world.worker, *world.batch, lane);
  return out;
}

PacketSpec Big(size_t payload, bool dont_fragment) {
  PacketSpec spec = UdpSpec();
  spec.dst = Address("8.8.8.8");
  spec.payload.resize(payload);
  for (size_t i = 0; i < payload; ++i) {
    spec.payload[i] = static_cast<uint8_t>(i * 7);
  }
  spec.dont_fragment = dont_fragment;
  spec.ip_id = 4711;
  return spec;
}

// RFC 1191 4, RFC 1812 4.3.2.3: rows 17, 81, 85.
TEST(MtuTtlTest, AWS_IGW_06_FragmentationNeeded) {
  EdgeWorld world;
  const Bytes exact = BuildFrame(Big(1472, true));
  EXPECT_EQ(Check(world, Walk(world, exact, 0, 5)).count, 1u);
  const PacketSpec spec = Big(1473, true);
  const uint32_t lane = Walk(world, BuildFrame(spec), 0, 5);
  EXPECT_EQ(Check(world, lane).count, 0u);
  EXPECT_EQ(world.batch->verdict[lane], Verdict::kConsume);
  EXPECT_EQ(world.batch->reason[lane], DropReason::kMtuExceeded);
  const Bytes error = world.Emitted(0);
  EXPECT_EQ(ChecksumComplaint(error, 14), "");
  EXPECT_EQ(error.size(), 14u + 576);
  EXPECT_EQ(Get32(error, 26), Address("10.0.0.1"));
  EXPECT_EQ(Get32(error, 30), Address("10.0.0.10"));
  EXPECT_EQ(Get16(error, 34), 0x0304u);
  EXPECT_EQ(Get16(error, 40), 1500u);
  const Bytes sent = BuildIpv4(spec);
  EXPECT_EQ(Bytes(error.begin() + 42, error.end()), Bytes(sent.begin(), sent.begin() + 548));
}

TEST(MtuTtlTest, NoErrorToSidesNorAboutErrors) {
  EdgeWorld world;
  world.snapshot.adjacency[0].mtu_bytes = 600;
  PacketSpec spec = Big(700, true);
  spec.src = Address("8.8.8.8");
  spec.dst = Address("203.0.113.10");
  uint32_t lane = Walk(world, BuildFrame(spec), 3, 0);
  Check(world, lane);
  EXPECT_EQ(world.batch->verdict[lane], Verdict::kDrop);
  EXPECT_EQ(world.batch->reason[lane], DropReason::kMtuExceeded);
  spec = Big(0, true);
  spec.protocol = 1;
  spec.icmp_type = 3;
  spec.payload = BuildIpv4(Big(700, false));
  lane = Walk(world, BuildFrame(spec), 0, 0);
  Check(world, lane);
  EXPECT_EQ(world.batch->verdict[lane], Verdict::kDrop);
  EXPECT_EQ(world.emits.frame_count(), 0u);
}

TEST(MtuTtlTest, D_TTL_AtNatGateways) {
  for (const uint8_t ttl : {0, 1, 2, 255}) {
    EdgeWorld world;
    PacketSpec spec = UdpSpec();
    spec.dst = Address("8.8.8.8");
    spec.ttl = ttl;
    const uint32_t lane = Walk(world, BuildFrame(spec), 0, 5);
    EXPECT_EQ(Check(world, lane).count, 1u) << "routers do not count hops";
    world.batch->ttl_spent[lane] = 1;
    world.batch->nat_private[lane] = Address("10.0.0.200");
    EXPECT_EQ(Check(world, lane).count, ttl > 1 ? 1u : 0u) << int{ttl};
    if (ttl <= 1) {
      EXPECT_EQ(world.batch->reason[lane], DropReason::kTtlExpired);
      EXPECT_EQ(world.batch->verdict[lane], Verdict::kConsume);
      const Bytes error = world.Emitted(0);
      EXPECT_EQ(ChecksumComplaint(error, 14), "");
      EXPECT_EQ(Get32(error, 26), Address("10.0.0.200"));
      EXPECT_EQ(Get16(error, 34), 0x0b00u);
      EXPECT_EQ(error.size(), 14u + 28 + 35);
    }
  }
}

TEST(MtuTtlTest, TimeExceededToTheInternetComesFromThePublicAddress) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.src = Address("8.8.8.8");
  spec.dst = Address("203.0.113.200");
  spec.ttl = 1;
  const uint32_t lane = Walk(world, BuildFrame(spec), 3, 0);
  world.batch->ttl_spent[lane] = 1;
  world.batch->nat_private[lane] = Address("10.0.0.200");
  Check(world, lane);
  const Bytes error = world.Emitted(0);
  EXPECT_EQ(Get32(error, 26), Address("203.0.113.200"));
  EXPECT_TRUE(std::equal(kNextHopMac.bytes.begin(), kNextHopMac.bytes.end(), error.begin()));
}

// Row 80: bounded output, and it comes back with time.
TEST(MtuTtlTest, ErrorsAreLimitedPerSide) {
  EdgeWorld world;
  const Bytes frame = BuildFrame(Big(1473, true));
  uint32_t answered = 0;
  for (int i = 0; i < 200; ++i) {
    const uint32_t lane = Walk(world, frame, 0, 5);
    Check(world, lane);
    answered += world.batch->verdict[lane] == Verdict::kConsume;
  }
  EXPECT_EQ(answered, IcmpLimiter::kBurst);
  EXPECT_TRUE(world.limiter.Allow(InterfaceIdx(1), world.worker.now_ms)) << "others do not suffer";
  EXPECT_FALSE(world.limiter.Allow(InterfaceIdx(0), world.worker.now_ms + 9));
  EXPECT_TRUE(world.limiter.Allow(InterfaceIdx(0), world.worker.now_ms + 10));
  EXPECT_FALSE(world.limiter.Allow(InterfaceIdx(0), world.worker.now_ms + 10));
}

TEST(MtuTtlTest, InterfaceEndpointsCarry8500Silently) {
  EdgeWorld world;
  world.snapshot.interfaces[1].flags |= kInterfaceForceTrack;
  EXPECT_EQ(Check(world, Walk(world, BuildFrame(Big(8472, false)), 0, 1)).count, 1u);
  const uint32_t lane = Walk(world, BuildFrame(Big(8473, false)), 0, 1);
  EXPECT_EQ(Check(world, lane).count, 0u);
  EXPECT_EQ(world.batch->verdict[lane], Verdict::kDrop);
}

TEST(MtuTtlTest, HairpinHasTheInternetsMtu) {
  EdgeWorld world;
  EXPECT_EQ(PathMtuBytes(world.snapshot, InterfaceIdx(0), false), 9001u);
  EXPECT_EQ(PathMtuBytes(world.snapshot, InterfaceIdx(0), true), 1500u);
  world.snapshot.adjacency[5].mtu_bytes = 9001;
  EXPECT_EQ(PathMtuBytes(world.snapshot, InterfaceIdx(5), false), 1500u);
}

// RFC 791 3.2: rows 18, 75. The pieces put together are the packet.
TEST(MtuTtlTest, AWS_MTU_01_Fragments) {
  for (const bool with_options : {false, true}) {
    EdgeWorld world;
    PacketSpec spec = Big(4000, false);
    if (with_options) {
      spec.options = {7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0};  // record route, router alert (copied)
    }
    const uint32_t lane = Walk(world, BuildFrame(spec), 0, 5);
    const LaneList out = Check(world, lane);
    ASSERT_EQ(out.count, 1u);
    ASSERT_EQ(world.batch->split[lane], 1);
    ComputeDeltas(*world.batch, out);
    RewriteStage(world.snapshot, world.worker, *world.batch, out);
    SplitStage(world.snapshot, world.worker, *world.batch, out);
    ASSERT_EQ(world.emits.frame_count(), 3u);
    Bytes together;
    for (size_t i = 0; i < 3; ++i) {
      const Bytes piece = world.Emitted(i);
      const size_t header_bytes = (piece[14] & 15u) * 4;
      EXPECT_EQ(ChecksumComplaint(piece, 14), "");
      EXPECT_LE(piece.size(), 1514u);
      EXPECT_EQ(piece.size(), 14 + Get16(piece, 16));
      EXPECT_EQ(Get16(piece, 18), 4711u);
      EXPECT_EQ((Get16(piece, 20) & 0x1fffu) * 8, together.size());
      EXPECT_EQ((Get16(piece, 20) & 0x2000u) != 0, i != 2);
      EXPECT_EQ(header_bytes, !with_options ? 20u : i == 0 ? 32u : 24u);
      EXPECT_EQ(world.emits.frame(i).kind, EmitKind::kFragment);
      together.insert(together.end(), piece.begin() + 14 + header_bytes, piece.end());
    }
    const Bytes whole = BuildIpv4(spec);
    EXPECT_EQ(together, Bytes(whole.begin() + 20 + spec.options.size(), whole.end()));
  }
}

TEST(MtuTtlTest, AFullListLosesThePacket) {
  EdgeWorld world;
  const uint32_t lane = Walk(world, BuildFrame(Big(4000, false)), 0, 5);
  LaneList out = Check(world, lane);
  ComputeDeltas(*world.batch, out);
  RewriteStage(world.snapshot, world.worker, *world.batch, out);
  while (world.emits.HasRoom(3, 1)) {
    world.emits.Emit(EmitKind::kOriginated, 0, InterfaceIdx(0), 1);
  }
  const size_t before = world.emits.frame_count();
  SplitStage(world.snapshot, world.worker, *world.batch, out);
  EXPECT_EQ(world.batch->verdict[lane], Verdict::kDrop);
  EXPECT_EQ(world.batch->reason[lane], DropReason::kNoMbuf);
  EXPECT_EQ(world.emits.frame_count(), before);
}

TEST(MtuTtlTest, UnresolvedNextHop) {
  EdgeWorld world;
  const auto resolves = [&](uint32_t out) {
    const uint32_t lane = Walk(world, BuildFrame(UdpSpec()), 0, out);
    LaneList in, reachable;
    in.Add(lane);
    ResolveNextHopStage(world.snapshot, world.worker, *world.batch, in, reachable);
    return reachable.count == 1;
  };
  EXPECT_TRUE(resolves(1));
  EXPECT_TRUE(resolves(5));
  EXPECT_FALSE(resolves(6)) << "no ARP reply yet";
  EXPECT_FALSE(resolves(4)) << "no port";
}

}  // namespace
}  // namespace sluice::testing
