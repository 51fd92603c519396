#include "dataplane/stage/fragment.h"

#include <gtest/gtest.h>

#include "dataplane/stage/interface.h"
#include "dataplane/stage/parse.h"
#include "tests/dataplane/stage/edge_world.h"

namespace sluice::testing {
namespace {

// Runs a burst as the pipeline does; every judged lane gets `verdict`.
std::vector<uint32_t> Burst(EdgeWorld& world, const std::vector<Bytes>& frames,
                            Verdict verdict = Verdict::kForward) {
  world.batch->count = 0;
  world.emits.Clear();
  for (const Bytes& frame : frames) {
    world.Add(frame);
  }
  Batch& b = *world.batch;
  LaneList arp, ip, dhcp, pending;
  ParseStage(world.snapshot, world.worker, b, world.Lanes(), arp, ip);
  InterfaceStage(world.snapshot, world.worker, b, ip, dhcp, pending);
  std::vector<uint32_t> judged;
  for (const uint8_t lane : pending) {
    LaneList one, out;
    one.Add(lane);
    FragmentStage(world.snapshot, world.worker, b, one, out);
    if (!out.empty()) {
      b.verdict[lane] = verdict;
      b.reason[lane] = verdict == Verdict::kForward ? DropReason::kNone : DropReason::kSgEgress;
      judged.push_back(lane);
    }
    ResolveFragments(world.worker, b, out);
  }
  return judged;
}

std::vector<Bytes> Three(uint16_t id) {
  PacketSpec spec = UdpSpec();
  spec.ip_id = id;
  spec.payload.assign(88, 0x33);
  return BuildFragments(spec, 32);
}

TEST(FragmentTest, D_FRAG_LaterOnesInheritThePorts) {
  EdgeWorld world;
  EXPECT_EQ(Burst(world, Three(1)), (std::vector<uint32_t>{0, 1, 2}));
  for (uint32_t lane = 0; lane < 3; ++lane) {
    EXPECT_EQ(world.batch->l4_src[lane], 4000) << lane;
    EXPECT_EQ(world.batch->l4_dst[lane], 53) << lane;
    EXPECT_EQ(world.batch->rule_key[lane], 53) << lane;
    EXPECT_NE(world.batch->traits[lane] & kTraitPorts, 0) << lane;
  }
}

TEST(FragmentTest, D_FRAG_EveryOrderPasses) {
  const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const bool one_burst : {true, false}) {
    EdgeWorld world;
    uint16_t id = 10;
    for (const auto& order : orders) {
      const std::vector<Bytes> pieces = Three(++id);
      std::vector<Bytes> sent;
      for (const int i : order) {
        sent.push_back(pieces[static_cast<size_t>(i)]);
      }
      size_t judged = 0;
      size_t released = 0;
      for (size_t from = 0; from < 3; from += one_burst ? 3 : 1) {
        const std::vector<Bytes> burst(sent.begin() + from,
                                       sent.begin() + (one_burst ? 3 : from + 1));
        judged += Burst(world, burst).size();
        released += world.emits.released_count();
      }
      size_t early = 0;
      while (order[early] != 0) {
        ++early;
      }
      // In the burst that sets held ones free, what follows goes behind them.
      const size_t freed = one_burst && early > 0 ? 2 : early;
      EXPECT_EQ(judged, 3 - freed) << id;
      EXPECT_EQ(released, freed) << id;
      EXPECT_EQ(world.fragments->held_count(), 0u);
      // Released frames are input again and inherit now.
      std::vector<Bytes> again = sent;
      again.erase(again.begin() + static_cast<std::ptrdiff_t>(early));
      again.resize(freed);
      EXPECT_EQ(Burst(world, again).size(), freed) << id;
    }
  }
}

TEST(FragmentTest, D_FRAG_ADroppedFirstTakesTheOthersAlong) {
  EdgeWorld world;
  Burst(world, Three(2), Verdict::kDrop);
  EXPECT_EQ(world.batch->verdict[1], Verdict::kDrop);
  EXPECT_EQ(world.batch->reason[1], DropReason::kSgEgress);
  EXPECT_EQ(world.batch->reason[2], DropReason::kSgEgress);
}

TEST(FragmentTest, D_FRAG_OverlapIsRefused) {
  EdgeWorld world;
  PacketSpec spec = UdpSpec();
  spec.ip_id = 3;
  spec.payload.assign(88, 0x33);
  std::vector<Bytes> pieces = BuildFragments(spec, 32);
  PacketSpec evil = spec;
  evil.raw_l4 = true;
  evil.payload.assign(32, 0x44);
  evil.fragment_bytes = 24;
  evil.more_fragments = true;
  Burst(world, {pieces[0], BuildFrame(evil)});
  EXPECT_EQ(world.batch->reason[1], DropReason::kFragmentOverlap);
}

TEST(FragmentTest, D_FRAG_OrphansComeBackInTime) {
  EdgeWorld world;
  Burst(world, {Three(4)[1]});
  EXPECT_EQ(world.batch->verdict[0], Verdict::kHold);
  void* handle = world.batch->handle[0];
  world.emits.Clear();
  EXPECT_TRUE(ReleaseOrphans(world.worker, false));
  EXPECT_EQ(world.emits.released_count(), 0u);
  world.worker.now_ms += 2001;
  EXPECT_TRUE(ReleaseOrphans(world.worker, false));
  ASSERT_EQ(world.emits.released_count(), 1u);
  EXPECT_EQ(world.emits.released(0).handle, handle);
  EXPECT_TRUE(world.emits.released(0).dropped);
  EXPECT_EQ(world.emits.released(0).reason, DropReason::kFragmentOrphan);
  Burst(world, {Three(5)[1], Three(6)[2]});
  world.emits.Clear();
  EXPECT_TRUE(ReleaseOrphans(world.worker, true));
  EXPECT_EQ(world.emits.released_count(), 2u) << "drained";
}

TEST(FragmentTest, HeldFramesAreBoundedPerSide) {
  EdgeWorld world;
  uint32_t held = 0;
  for (uint16_t id = 100; id < 300; ++id) {
    Burst(world, {Three(id)[1]});
    held += world.batch->verdict[0] == Verdict::kHold;
    if (world.batch->verdict[0] != Verdict::kHold) {
      EXPECT_EQ(world.batch->reason[0], DropReason::kFragmentCacheFull);
    }
  }
  EXPECT_EQ(held, FragmentCacheSizes().held_frames_per_side);
}

}  // namespace
}  // namespace sluice::testing
