#include "dataplane/table/fib.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "dataplane/table/kernels.h"
#include "dataplane/table/simd_calibration.h"
#include "tests/dataplane/table/failing_memory.h"
#include "tests/dataplane/table/naive_route.h"

namespace sluice {
namespace {

using Routes = std::vector<FibRoute>;

FibRoute Route(uint32_t address, uint8_t length, uint32_t next_hop) {
  return {Ipv4Prefix{Ipv4Address(address), length}.Canonical(), next_hop};
}

// Without two routes of one prefix.
Routes Distinct(const Routes& routes) {
  std::map<Ipv4Prefix, uint32_t> by_prefix;
  for (const FibRoute& route : routes) {
    by_prefix[route.prefix] = route.next_hop;
  }
  Routes out;
  for (const auto& [prefix, next_hop] : by_prefix) {
    out.push_back({prefix, next_hop});
  }
  return out;
}

Routes RandomRoutes(size_t count, uint32_t next_hop_count, std::mt19937& random) {
  Routes routes;
  while (routes.size() < count) {
    const uint32_t shape = static_cast<uint32_t>(random() % 4);
    const uint32_t address =
        shape == 0 ? static_cast<uint32_t>(random()) : 0x0a000000u | (random() & 0x00ffffffu);
    // Some nest under the previous one.
    const uint32_t base = shape == 1 && !routes.empty()
                              ? routes.back().prefix.address.value | (random() & 0xffu)
                              : address;
    routes.push_back(Route(base, static_cast<uint8_t>(random() % 33), random() % next_hop_count));
  }
  return Distinct(routes);
}

std::vector<uint32_t> Keys(const Routes& routes, size_t random_count, std::mt19937& random) {
  std::vector<uint32_t> keys = {0, 1, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu};
  for (const FibRoute& route : routes) {
    const uint32_t first = route.prefix.First().value;
    const uint32_t last = route.prefix.Last().value;
    keys.insert(keys.end(), {first - 1, first, first + 1, last - 1, last, last + 1});
  }
  for (size_t i = 0; i < random_count; ++i) {
    keys.push_back(static_cast<uint32_t>(random()));
  }
  return keys;
}

std::vector<std::shared_ptr<const Fib>> AllTiers(const Routes& routes, bool with_direct) {
  const auto ranges = RangesOfRoutes(routes);
  EXPECT_TRUE(ranges.ok()) << ranges.status();
  std::vector<FibTier> tiers = {FibTier::kTree};
  if (ranges->size() <= 16) {
    tiers.push_back(FibTier::kRanges);
  }
  if (with_direct) {
    tiers.push_back(FibTier::kDirect);
  }
  std::vector<std::shared_ptr<const Fib>> tables;
  for (const FibTier tier : tiers) {
    auto fib = Fib::FromRanges(*ranges, tier, HeapMemory());
    EXPECT_TRUE(fib.ok()) << fib.status();
    tables.push_back(std::make_shared<const Fib>(*std::move(fib)));
  }
  return tables;
}

// Those this machine runs.
std::map<std::string, const TableKernels*> AllKernels() {
  std::map<std::string, const TableKernels*> all = {{"scalar", &kScalarKernels},
                                                    {"avx2", &kAvx2Kernels}};
  if (DetectSimdLevel() == SimdLevel::kAvx512) {
    all["avx512"] = &kAvx512Kernels;
  }
  if (CpuRunsGatherKernels()) {
    all["gather"] = &kGatherKernels;
  }
  return all;
}

void ExpectAllAgree(const Routes& routes, bool with_direct, std::mt19937& random) {
  const std::vector<uint32_t> keys = Keys(routes, 500, random);
  std::vector<uint32_t> expected;
  for (const uint32_t key : keys) {
    expected.push_back(NaiveNextHop(routes, key));
  }
  const auto tables = AllTiers(routes, with_direct);
  const auto set = FibSet::Make(tables, HeapMemory());
  ASSERT_TRUE(set.ok());
  for (const auto& [name, kernels] : AllKernels()) {
    for (uint32_t t = 0; t < tables.size(); ++t) {
      const std::vector<uint32_t> idx(keys.size(), t);
      std::vector<uint32_t> got(keys.size());
      kernels->fib(set->views().data(), idx.data(), keys.data(), got.data(), keys.size());
      for (size_t i = 0; i < keys.size(); ++i) {
        ASSERT_EQ(got[i], expected[i])
            << ToString(Ipv4Address(keys[i])) << " tier " << static_cast<int>(tables[t]->tier())
            << " routes " << routes.size() << " simd " << name;
      }
    }
  }
}

TEST(FibTest, EmptyTableHasNoRoute) {
  FibBuilder builder(HeapMemory());
  const auto fib = builder.Build({});
  ASSERT_TRUE(fib.ok());
  EXPECT_EQ((*fib)->tier(), FibTier::kRanges);
  EXPECT_EQ((*fib)->bytes(), 64u);
  EXPECT_EQ((*fib)->Lookup(0), kFibMiss);
  EXPECT_EQ((*fib)->Lookup(0xffffffffu), kFibMiss);
}

TEST(FibTest, AdjacentRangesWithOneNextHopAreMerged) {
  const Routes routes = {Route(0x0a000000, 9, 5), Route(0x0a800000, 9, 5),
                         Route(0x0a010000, 16, 5)};
  const auto ranges = RangesOfRoutes(routes);
  ASSERT_TRUE(ranges.ok());
  EXPECT_EQ(*ranges, (std::vector<KeyRange>{
                         {0x09ffffff, kFibMiss}, {0x0affffff, 5}, {0xffffffff, kFibMiss}}));
}

TEST(FibTest, WrongRoutesAreRefused) {
  FibBuilder builder(HeapMemory());
  const FibRoute host_bits{{Ipv4Address(10, 0, 0, 1), 24}, 1};
  EXPECT_EQ(builder.Build({&host_bits, 1}).status().code(), absl::StatusCode::kInvalidArgument);
  const FibRoute long_prefix{{Ipv4Address(10, 0, 0, 1), 33}, 1};
  EXPECT_EQ(builder.Build({&long_prefix, 1}).status().code(), absl::StatusCode::kInvalidArgument);
  const FibRoute reserved = Route(0, 0, kMaxNextHop);
  EXPECT_EQ(builder.Build({&reserved, 1}).status().code(), absl::StatusCode::kInvalidArgument);
  const Routes twice = {Route(0, 0, 1), Route(0, 0, 2)};
  EXPECT_EQ(builder.Build(twice).status().code(), absl::StatusCode::kInvalidArgument);
  const Routes same = {Route(0, 0, 1), Route(0, 0, 1)};
  EXPECT_TRUE(builder.Build(same).ok());
}

TEST(FibTest, TiersAgreeWithTheNaiveMatchOnRandomTables) {
  for (uint32_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const Routes routes =
        RandomRoutes(1 + random() % (seed % 3 == 0 ? 8 : 400), 1 + random() % 20, random);
    ExpectAllAgree(routes, seed % 20 == 0, random);
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST(FibTest, TiersAgreeOnNestedPrefixesOfEveryLength) {
  std::mt19937 random(3);
  for (const uint32_t address : {0u, 0xffffffffu, 0x0a0a0a0au, 0x80000000u}) {
    Routes routes;
    for (uint32_t length = 0; length <= 32; ++length) {
      routes.push_back(Route(address, static_cast<uint8_t>(length), length));
    }
    ExpectAllAgree(routes, true, random);
  }
}

TEST(FibTest, TiersAgreeOnAThousandsRouteTableWithWideNextHops) {
  std::mt19937 random(11);
  const Routes routes = RandomRoutes(3000, kMaxNextHop - 1, random);  // 4-byte entries
  ExpectAllAgree(routes, true, random);
  ExpectAllAgree(RandomRoutes(3000, 0x7fff, random), true, random);  // the last 2-byte next hop
}

// Every address of 10.0.0.0/12, and the two addresses beside it.
TEST(FibTest, EveryAddressOfASlash12) {
  std::mt19937 random(5);
  Routes routes = {Route(0x0a000000, 12, 1)};
  for (int i = 0; i < 300; ++i) {
    routes.push_back(Route(0x0a000000u | (random() & 0xfffffu),
                           static_cast<uint8_t>(12 + random() % 21), 2 + random() % 100));
  }
  routes = Distinct(routes);
  const auto tables = AllTiers(routes, true);
  const auto set = FibSet::Make(tables, HeapMemory());
  ASSERT_TRUE(set.ok());
  constexpr uint32_t kStep = 4096;
  std::vector<uint32_t> keys(kStep), idx(kStep), got(kStep), expected(kStep);
  for (uint32_t base = 0x0a000000u; base < 0x0a100000u; base += kStep) {
    const Ipv4Prefix block{Ipv4Address(base), 20};
    Routes near;
    std::copy_if(routes.begin(), routes.end(), std::back_inserter(near),
                 [&](const FibRoute& route) { return route.prefix.Overlaps(block); });
    for (uint32_t i = 0; i < kStep; ++i) {
      keys[i] = base + i;
      expected[i] = NaiveNextHop(near, keys[i]);
    }
    for (uint32_t t = 0; t < tables.size(); ++t) {
      std::fill(idx.begin(), idx.end(), t);
      set->LookupBatch(idx.data(), keys.data(), got.data(), kStep);
      ASSERT_EQ(got, expected) << ToString(block) << " table " << t;
    }
  }
  for (uint32_t t = 0; t < tables.size(); ++t) {
    EXPECT_EQ(set->Lookup(FibIdx(t), 0x09ffffffu), kFibMiss);
    EXPECT_EQ(set->Lookup(FibIdx(t), 0x0a100000u), kFibMiss);
  }
}

TEST(FibTest, OneBatchMixesTablesAndTiersAndMayWriteOverItsInput) {
  std::mt19937 random(17);
  std::vector<std::shared_ptr<const Fib>> tables;
  std::vector<Routes> lists;
  for (const size_t count : {3u, 12u, 200u, 2000u}) {
    lists.push_back(RandomRoutes(count, 50, random));
    tables.push_back(AllTiers(lists.back(), false).front());
  }
  lists.push_back(lists[2]);
  tables.push_back(AllTiers(lists[2], true).back());
  const auto set = FibSet::Make(tables, HeapMemory());
  ASSERT_TRUE(set.ok());
  for (const size_t n : {0u, 1u, 31u, 32u, 33u, 64u, 777u}) {
    std::vector<uint32_t> idx(n), keys(n), expected(n);
    for (size_t i = 0; i < n; ++i) {
      idx[i] = static_cast<uint32_t>(random() % tables.size());
      const Routes& list = lists[idx[i]];
      keys[i] = list[random() % list.size()].prefix.address.value + random() % 3;
      expected[i] = NaiveNextHop(list, keys[i]);
    }
    set->LookupBatch(idx.data(), keys.data(), keys.data(), n);
    EXPECT_EQ(keys, expected);
  }
}

TEST(FibTest, TenThousandTablesOfAHundredRoutesFitIn32MB) {
  std::mt19937 random(23);
  FibBuilder builder(HeapMemory());
  std::vector<std::shared_ptr<const Fib>> tables;
  for (int t = 0; t < 10'000; ++t) {
    Routes routes;
    for (uint32_t i = 0; i < 100;
         ++i) {  // no two share a border: the most ranges 100 routes can have
      routes.push_back(Route(random() & ~0xffu, 24, i));
    }
    auto fib = builder.Build(Distinct(routes));
    ASSERT_TRUE(fib.ok());
    tables.push_back(*fib);
  }
  const auto set = FibSet::Make(tables, HeapMemory());
  ASSERT_TRUE(set.ok());
  RecordProperty("bytes", static_cast<int>(set->bytes()));
  EXPECT_LE(set->bytes(), size_t{32} << 20);
}

TEST(FibTest, TreeTakesAtMost17BytesARouteAndAHeader) {
  for (uint32_t count : {100u, 1000u, 8000u}) {
    Routes routes;
    for (uint32_t i = 0; i < count; ++i) {
      routes.push_back(Route(i << 12, 24, i));
    }
    const auto fib = AllTiers(routes, false).front();
    EXPECT_LE(fib->bytes(), 17u * count + 512) << count;
  }
}

TEST(FibTest, IdenticalTablesAreShared) {
  FibBuilder builder(HeapMemory());
  Routes routes = {Route(0x0a000000, 8, 1), Route(0, 0, 2)};
  const auto a = builder.Build(routes);
  std::reverse(routes.begin(), routes.end());
  const auto b = builder.Build(routes);
  routes[0].next_hop = 3;
  const auto c = builder.Build(routes);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_EQ(a->get(), b->get());
  EXPECT_NE(a->get(), c->get());
}

TEST(FibTest, LargeTablesBecomeDirectUpToTheCap) {
  FibLimits limits;
  limits.max_direct_tables = 1;
  limits.direct_above_ranges = 100;
  FibBuilder builder(HeapMemory(), limits);
  Routes routes;
  for (uint32_t i = 0; i < 100; ++i) {
    routes.push_back(Route(i << 16, 24, i));
  }
  auto first = builder.Build(routes);
  routes[0].next_hop = 77;
  auto second = builder.Build(routes);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*first)->tier(), FibTier::kDirect);
  EXPECT_EQ((*second)->tier(), FibTier::kTree);
  first->reset();
  routes[0].next_hop = 78;
  EXPECT_EQ((*builder.Build(routes))->tier(), FibTier::kDirect);
}

TEST(FibTest, ShortageOfMemoryIsReportedAndLeavesNothing) {
  FailingMemory memory(100);
  FibBuilder builder(memory);
  Routes routes;
  for (uint32_t i = 0; i < 20; ++i) {
    routes.push_back(Route(i << 16, 24, i));
  }
  EXPECT_EQ(builder.Build(routes).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(memory.held_bytes(), 0u);
  EXPECT_TRUE(builder.Build({routes.data(), 1}).ok());
}

}  // namespace
}  // namespace sluice
