#include "dataplane/runtime/neighbor_resolver.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr MacAddress kPeer = {{2, 0, 0, 0, 0, 0x77}};

Snapshot MakeSnapshot(uint32_t next_hop, uint16_t vlan) {
  Snapshot snapshot;
  snapshot.router_mac = {{2, 0, 0, 0, 0, 1}};
  snapshot.adjacency = AlignedArray<AdjacencyRow>::Make(HeapMemory(), "adjacency", 1);
  snapshot.adjacency[0].neighbor = 3;
  snapshot.sides = AlignedArray<SideRow>::Make(HeapMemory(), "sides", 1);
  snapshot.sides[0].interface = InterfaceIdx(0);
  snapshot.sides[0].port = PortIdx(2);
  snapshot.sides[0].vlan = vlan;
  snapshot.sides[0].address = Ipv4Address{0xc6336402};
  snapshot.sides[0].next_hop = Ipv4Address{next_hop};
  return snapshot;
}

TEST(NeighborResolverTest, AsksEverySecondUntilAnsweredThenRefreshes) {
  NeighborTable table;
  NeighborResolver resolver(table);
  resolver.SetSides(MakeSnapshot(0xc6336401, 0));
  MacAddress mac;
  EXPECT_EQ(resolver.Tick(0).size(), 1u);
  EXPECT_EQ(resolver.Tick(NeighborResolver::kRetryNs - 1).size(), 0u);
  EXPECT_EQ(resolver.Tick(NeighborResolver::kRetryNs).size(), 1u);
  EXPECT_FALSE(table.Lookup(3, mac));
  resolver.Learn(InterfaceIdx(0), kPeer, NeighborResolver::kRetryNs);
  EXPECT_TRUE(table.Lookup(3, mac));
  EXPECT_EQ(mac, kPeer);
  const int64_t learned = NeighborResolver::kRetryNs;
  EXPECT_EQ(resolver.Tick(learned + NeighborResolver::kRefreshNs - 1).size(), 0u);
  EXPECT_EQ(resolver.Tick(learned + NeighborResolver::kRefreshNs).size(), 1u);
  EXPECT_TRUE(table.Lookup(3, mac));
  EXPECT_EQ(resolver.Tick(learned + NeighborResolver::kForgetNs).size(), 1u);
  EXPECT_FALSE(table.Lookup(3, mac));
}

TEST(NeighborResolverTest, RequestIsAsRfc826WritesIt) {
  NeighborTable table;
  NeighborResolver resolver(table);
  resolver.SetSides(MakeSnapshot(0xc6336401, 12));
  const std::vector<ArpRequest> requests = resolver.Tick(0);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].port, PortIdx(2));
  EXPECT_EQ(requests[0].bytes, 64);
  const uint8_t expected[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   0,  0,   0,  0,   1,
                              0x81, 0,    0,    12,   8,    6,    0,   1,  8,   0,  6,   4,
                              0,    1,    2,    0,    0,    0,    0,   1,  198, 51, 100, 2,
                              0,    0,    0,    0,    0,    0,    198, 51, 100, 1};
  EXPECT_TRUE(std::equal(std::begin(expected), std::end(expected), requests[0].frame.begin()));
}

TEST(NeighborResolverTest, ANewNextHopForgetsTheOldAddress) {
  NeighborTable table;
  NeighborResolver resolver(table);
  MacAddress mac;
  resolver.SetSides(MakeSnapshot(0xc6336401, 0));
  resolver.Learn(InterfaceIdx(0), kPeer, 0);
  resolver.SetSides(MakeSnapshot(0xc6336401, 0));
  EXPECT_TRUE(table.Lookup(3, mac)) << "unchanged next hop";
  resolver.SetSides(MakeSnapshot(0xc6336463, 0));
  EXPECT_FALSE(table.Lookup(3, mac));
  resolver.Learn(InterfaceIdx(0), kPeer, 0);
  resolver.SetSides(Snapshot{});
  EXPECT_FALSE(table.Lookup(3, mac)) << "no side left";
  EXPECT_TRUE(resolver.Tick(1).empty());
}

}  // namespace
}  // namespace sluice
