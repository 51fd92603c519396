// Frames in rings under a real DPDK environment without hugepages: the shape of lanes, and the
// worker loop around a stand-in pipeline.
#include "dataplane/runtime/mbuf_batch.h"

#include <gtest/gtest.h>
#include <rte_config.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <filesystem>
#include <random>

#include "dataplane/runtime/runtime.h"
#include "dataplane/runtime/worker_loop.h"
#include "tests/dataplane/runtime/cross_over_pipeline.h"
#include "tests/dataplane/runtime/loop_bench.h"

namespace sluice {
namespace {

constexpr uint32_t kPorts = 2;

// One environment a process: two ring ports made before anything is attached.
struct World {
  std::unique_ptr<Eal> eal;
  std::unique_ptr<MbufPool> pool;
  rte_ring* in[kPorts];
  rte_ring* out[kPorts];
  std::vector<std::unique_ptr<Device>> devices;
  uint32_t in_use_at_start = 0;
  std::string runtime_folder;
};

// Made by the first test that needs it; ended with the program, so that nothing of it is left in
// the file system.
std::unique_ptr<World> the_world;

class WorldsEnd : public ::testing::Environment {
 public:
  void TearDown() override {
    if (the_world != nullptr) {
      const std::string folder = the_world->runtime_folder;
      EXPECT_TRUE(std::filesystem::exists(folder));
      the_world.reset();
      EXPECT_FALSE(std::filesystem::exists(folder)) << folder << " is left behind";
    }
  }
};
const auto* const worlds_end = ::testing::AddGlobalTestEnvironment(new WorldsEnd);

World& TheWorld() {
  if (the_world == nullptr) {
    auto w = std::make_unique<World>();
    EalRequest request;
    request.devices = {"net_ring_a"};
    request.workers = 2;
    request.mbuf_bytes = request.small_page_mbuf_bytes = uint64_t{64} << 20;
    request.file_prefix = "mbuf-batch-test-" + std::to_string(getpid());
    request.given = "--no-huge -m 128 --no-shconf";
    auto eal = Eal::Start(PlanEal(request, ReadMachineFacts()), false);
    SLUICE_CHECK(eal.ok());
    w->eal = *std::move(eal);
    w->runtime_folder = getenv("RUNTIME_DIRECTORY");
    auto pool = MbufPool::Make({.count = 8191, .room_bytes = 2176});
    SLUICE_CHECK(pool.ok());
    w->pool = std::make_unique<MbufPool>(*std::move(pool));
    for (uint32_t p = 0; p < kPorts; ++p) {
      const std::string n = std::to_string(p);
      w->in[p] = rte_ring_create(("in" + n).c_str(), 1024, SOCKET_ID_ANY, 0);
      w->out[p] = rte_ring_create(("out" + n).c_str(), 1024, SOCKET_ID_ANY, 0);
      SLUICE_CHECK(rte_eth_from_rings(("test" + n).c_str(), &w->in[p], 1, &w->out[p], 1, 0) >= 0);
      auto device = Device::Attach({.name = "p" + n, .device = "net_ring_test" + n});
      SLUICE_CHECK(device.ok());
      w->devices.push_back(*std::move(device));
      SLUICE_CHECK(w->devices[p]->Configure(p, 2, w->pool->get()).ok());
      SLUICE_CHECK(w->devices[p]->Start().ok());
    }
    w->in_use_at_start = w->pool->in_use();
    the_world = std::move(w);
  }
  return *the_world;
}

std::vector<uint8_t> Bytes(size_t count, FrameMark mark = FrameMark::kForward, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& b : bytes) {
    b = static_cast<uint8_t>(random());
  }
  bytes[14] = static_cast<uint8_t>(mark);
  return bytes;
}

// The bytes as a chain of segments of at most `segment_bytes`.
rte_mbuf* Chain(const std::vector<uint8_t>& bytes, size_t segment_bytes) {
  rte_mbuf* head = nullptr;
  for (size_t at = 0; at < bytes.size(); at += segment_bytes) {
    const size_t part = std::min(segment_bytes, bytes.size() - at);
    rte_mbuf* segment = rte_pktmbuf_alloc(TheWorld().pool->get());
    memcpy(rte_pktmbuf_append(segment, static_cast<uint16_t>(part)), bytes.data() + at, part);
    if (head == nullptr) {
      head = segment;
    } else {
      rte_pktmbuf_chain(head, segment);
    }
  }
  return head;
}

std::vector<uint8_t> Read(rte_mbuf* mbuf) {
  std::vector<uint8_t> bytes(mbuf->pkt_len);
  const void* from = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, bytes.data());
  if (from != bytes.data()) {
    memcpy(bytes.data(), from, bytes.size());
  }
  return bytes;
}

class MbufBatchTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(TheWorld().pool->in_use(), TheWorld().in_use_at_start); }
};

TEST_F(MbufBatchTest, HeadersOfAChainComeToLieInSegmentOne) {
  rte_mempool* pool = TheWorld().pool->get();
  for (const size_t bytes : {60u, 200u, 639u, 640u, 641u, 1500u, 9018u}) {
    for (const size_t segment : {1u, 13u, 14u, 100u, 639u, 640u, 2000u}) {
      if (bytes / segment > 2000) {
        continue;  // more segments than buffers
      }
      const std::vector<uint8_t> sent = Bytes(bytes, FrameMark::kForward, 5);
      rte_mbuf* mbuf = Chain(sent, segment);
      ASSERT_TRUE(ShapeFrame(mbuf, pool));
      EXPECT_GE(mbuf->data_len, std::min<size_t>(bytes, kContiguousBytes));
      EXPECT_EQ(mbuf->pkt_len, bytes);
      EXPECT_EQ(rte_mbuf_check(mbuf, 1, nullptr), 0);
      EXPECT_EQ(Read(mbuf), sent) << bytes << " in " << segment;
      rte_pktmbuf_free(mbuf);
    }
  }
}

TEST_F(MbufBatchTest, SharedFramesAreCopied) {
  rte_mempool* pool = TheWorld().pool->get();
  const std::vector<uint8_t> sent = Bytes(100);
  rte_mbuf* original = Chain(sent, 2000);
  rte_mbuf* clone = rte_pktmbuf_clone(original, pool);
  ASSERT_TRUE(ShapeFrame(clone, pool));
  rte_pktmbuf_mtod(clone, uint8_t*)[0] ^= 0xff;
  EXPECT_EQ(Read(original), sent);
  rte_pktmbuf_free(clone);
  rte_pktmbuf_free(original);
}

TEST_F(MbufBatchTest, AVlanTagTheDeviceTookOffComesBack) {
  rte_mbuf* mbuf = Chain(Bytes(60), 2000);
  mbuf->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  mbuf->vlan_tci = 12;
  ASSERT_TRUE(ShapeFrame(mbuf, TheWorld().pool->get()));
  const std::vector<uint8_t> got = Read(mbuf);
  ASSERT_EQ(got.size(), 64u);
  EXPECT_EQ(std::vector<uint8_t>(got.begin() + 12, got.begin() + 16),
            (std::vector<uint8_t>{0x81, 0, 0, 12}));
  rte_pktmbuf_free(mbuf);
}

TEST_F(MbufBatchTest, OutputMayStartEarlierAndEndEarlier) {
  for (const size_t segment : {2000u, 700u}) {
    const std::vector<uint8_t> sent = Bytes(1400);
    rte_mbuf* mbuf = Chain(sent, segment);
    uint8_t* frame = rte_pktmbuf_mtod(mbuf, uint8_t*);
    CutToOutput(mbuf, frame - 4, 1000 + 4);
    EXPECT_EQ(mbuf->pkt_len, 1004u);
    EXPECT_EQ(rte_mbuf_check(mbuf, 1, nullptr), 0);
    const std::vector<uint8_t> got = Read(mbuf);
    EXPECT_TRUE(std::equal(got.begin() + 4, got.end(), sent.begin()));
    CutToOutput(mbuf, frame + 10, 20);
    EXPECT_EQ(Read(mbuf), std::vector<uint8_t>(sent.begin() + 10, sent.begin() + 30));
    rte_pktmbuf_free(mbuf);
  }
}

TEST_F(MbufBatchTest, AnEmptyPoolRefusesAndKeepsTheFrame) {
  rte_mempool* pool = TheWorld().pool->get();
  rte_mbuf* mbuf = Chain(Bytes(1000), 10);
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* one = rte_pktmbuf_alloc(pool)) {
    all.push_back(one);
  }
  rte_mbuf* before = mbuf;
  EXPECT_FALSE(ShapeFrame(mbuf, pool));
  EXPECT_EQ(mbuf, before);
  EXPECT_EQ(CopyToMbuf(Bytes(60), pool), nullptr);
  rte_pktmbuf_free_bulk(all.data(), static_cast<unsigned>(all.size()));
  EXPECT_EQ(mbuf->pkt_len, 1000u);
  rte_pktmbuf_free(mbuf);
}

// ---- The loop

class WorkerLoopTest : public MbufBatchTest {
 protected:
  WorkerLoopTest() : bench_(kPorts, 2) {
    World& world = TheWorld();
    for (uint32_t w = 0; w < 2; ++w) {
      loops_.push_back(std::make_unique<WorkerLoop>(
          WorkerLoopOptions{.worker = w,
                            .pool = world.pool->get(),
                            .devices = {world.devices[0].get(), world.devices[1].get()},
                            .context = bench_.contexts[w].get(),
                            .publisher = &bench_.publisher,
                            .qsbr = &bench_.qsbr}));
    }
  }

  ~WorkerLoopTest() override {
    bench_.qsbr.Offline(0);
    bench_.qsbr.Offline(1);
  }

  void Put(uint32_t port, FrameMark mark, uint32_t seed = 1, size_t bytes = 100) {
    ASSERT_EQ(rte_ring_enqueue(TheWorld().in[port], Chain(Bytes(bytes, mark, seed), 4000)), 0);
  }
  std::vector<std::vector<uint8_t>> Take(uint32_t port) {
    std::vector<std::vector<uint8_t>> frames;
    void* mbuf = nullptr;
    while (rte_ring_dequeue(TheWorld().out[port], &mbuf) == 0) {
      frames.push_back(Read(static_cast<rte_mbuf*>(mbuf)));
      rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
    }
    return frames;
  }
  PortCounters& Counted(uint32_t worker, uint32_t port) {
    return bench_.counters[worker]->ports[port];
  }

  LoopBench bench_;
  std::vector<std::unique_ptr<WorkerLoop>> loops_;
};

TEST_F(WorkerLoopTest, AFrameForAnotherWorkersPortGoesThroughItsRing) {
  Put(0, FrameMark::kForward, 9);
  loops_[0]->Round();  // polls port 0; port 1 is worker 1's
  EXPECT_TRUE(Take(1).empty());
  loops_[1]->Round();
  const auto frames = Take(1);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0], Bytes(100, FrameMark::kForward, 9));
  EXPECT_EQ(Counted(0, 0).forwarded.Read(), 1u);
  EXPECT_EQ(Counted(1, 1).sent.Read(), 1u);
  EXPECT_EQ(Counted(1, 1).sent_bytes.Read(), 100u);
  EXPECT_EQ(Counted(1, 1).originated.Read(), 0u);
}

TEST_F(WorkerLoopTest, DropsAreFreedAndGrownFramesStartEarlier) {
  Put(1, FrameMark::kDrop);
  Put(1, FrameMark::kGrow);
  loops_[1]->Round();
  loops_[0]->Round();
  const auto frames = Take(0);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].size(), 104u);
}

TEST_F(WorkerLoopTest, ReleasedFramesAreInputAgainBeforeAnyOther) {
  Put(1, FrameMark::kHold, 2);
  Put(1, FrameMark::kHold, 3);
  loops_[1]->Round();
  EXPECT_TRUE(Take(0).empty());
  Put(1, FrameMark::kRelease, 4);
  loops_[1]->Round();
  Put(1, FrameMark::kForward, 5);
  loops_[1]->Round();
  loops_[0]->Round();
  const auto frames = Take(0);
  ASSERT_EQ(frames.size(), 4u);
  const uint32_t order[] = {4, 2, 3, 5};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(frames[i][0], Bytes(100, FrameMark::kForward, order[i])[0]) << i;
  }
  EXPECT_EQ(Counted(1, 1).received.Read(), 4u);
  EXPECT_EQ(Counted(1, 1).released.Read(), 2u);
}

TEST_F(WorkerLoopTest, HeldFramesAreFreedAtTheEnd) {
  for (int i = 0; i < 100; ++i) {
    Put(0, FrameMark::kHold);
  }
  while (rte_ring_count(TheWorld().in[0]) != 0) {
    loops_[0]->Round();
  }
  EXPECT_EQ(TheWorld().pool->in_use(), TheWorld().in_use_at_start + 100);
  loops_[0]->Drain();
}

TEST_F(WorkerLoopTest, EmittedFramesLongerThanABufferAreChained) {
  Put(0, FrameMark::kAnswer);
  loops_[0]->Round();
  const auto frames = Take(0);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0], std::vector<uint8_t>(3000, 0x5a));
}

TEST_F(WorkerLoopTest, AFullDeviceIsCountedAndNothingIsLost) {
  std::vector<rte_mbuf*> fill;
  while (rte_ring_free_count(TheWorld().out[0]) > 5) {
    ASSERT_EQ(rte_ring_enqueue(TheWorld().out[0], Chain(Bytes(60), 4000)), 0);
  }
  for (int i = 0; i < 20; ++i) {
    Put(1, FrameMark::kForward);
  }
  loops_[1]->Round();
  loops_[0]->Round();
  EXPECT_EQ(Counted(0, 0).sent.Read(), 5u);
  EXPECT_EQ(Counted(0, 0).tx_full.Read(), 15u);
  Take(0);
}

TEST_F(WorkerLoopTest, AFullHandOverRingIsCountedAtItsBound) {
  uint64_t put = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 32; ++i, ++put) {
      Put(0, FrameMark::kForward);
    }
    loops_[0]->Round();
  }
  EXPECT_EQ(Counted(0, 0).forwarded.Read(), put);
  EXPECT_EQ(Counted(0, 1).tx_full.Read(), put - 1023);
  loops_[1]->Drain();
  EXPECT_EQ(Counted(1, 1).sent.Read(), 1023u);
  Take(1);
}

TEST_F(WorkerLoopTest, ManyFramesAllArriveInOrder) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    const uint32_t count = random() % 64;
    for (uint32_t i = 0; i < count; ++i) {
      Put(1, FrameMark::kForward, round * 64 + i);
    }
    std::vector<std::vector<uint8_t>> got;
    while (got.size() < count) {
      loops_[1]->Round();
      loops_[0]->Round();
      for (auto& frame : Take(0)) {
        got.push_back(std::move(frame));
      }
    }
    for (uint32_t i = 0; i < count; ++i) {
      ASSERT_EQ(got[i], Bytes(100, FrameMark::kForward, round * 64 + i));
    }
  }
}

}  // namespace
}  // namespace sluice
