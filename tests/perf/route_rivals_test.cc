// DPDK's route tables say what ours say, and are seen to when they do not.
#include "perf/rivals/route_rivals.h"

#include <gtest/gtest.h>

#include "dataplane/table/simd.h"
#include "perf/workload/route_set.h"
#include "tests/dataplane/table/failing_memory.h"

namespace sluice {
namespace {

class RouteRivalTest : public ::testing::TestWithParam<RouteRivalKind> {
 protected:
  void SetUp() override {
    if (GetParam() == RouteRivalKind::kFibAvx512 && DetectSimdLevel() != SimdLevel::kAvx512) {
      GTEST_SKIP() << "no AVX-512 on this machine";
    }
  }
};

TEST_P(RouteRivalTest, SaysWhatOurTableSays) {
  const std::vector<FibRoute> routes = MakeRouteSet(3000, 7);
  const auto ours = *FibBuilder(HeapMemory()).Build(routes);
  const auto rival = RouteRival::Make(GetParam(), routes, HeapMemory());
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_EQ((*rival)->Disagreements(*ours, MakeUniformAddresses(4096, 8)), 0u);
  EXPECT_GT((*rival)->bytes(), size_t{32} << 20);
  EXPECT_GT((*rival)->build_seconds(), 0);
}

TEST_P(RouteRivalTest, OtherRoutesAreOtherAnswers) {
  const auto ours = *FibBuilder(HeapMemory()).Build(MakeRouteSet(3000, 7));
  const auto rival = RouteRival::Make(GetParam(), MakeRouteSet(3000, 9), HeapMemory());
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_GT((*rival)->Disagreements(*ours, MakeUniformAddresses(4096, 8)), 0u);
}

TEST_P(RouteRivalTest, HeldMemoryComesBack) {
  FailingMemory memory(size_t{1} << 30);
  ASSERT_TRUE(RouteRival::Make(GetParam(), MakeRouteSet(10, 1), memory).ok());
  EXPECT_EQ(memory.held_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RouteRivalTest,
                         ::testing::Values(RouteRivalKind::kFibScalar, RouteRivalKind::kFibAvx512,
                                           RouteRivalKind::kLpm));

TEST(RouteSetTest, HasSoManyDistinctRoutesAndRepeats) {
  const std::vector<FibRoute> routes = MakeRouteSet(1000, 3);
  EXPECT_EQ(routes.size(), 1000u);
  EXPECT_TRUE(RangesOfRoutes(routes).ok());
  EXPECT_EQ(routes.back().prefix, MakeRouteSet(1000, 3).back().prefix);
  EXPECT_NE(routes.back().prefix, MakeRouteSet(1000, 4).back().prefix);
  EXPECT_EQ(MakeVpcRoutes(100, 3).size(), 100u);
  EXPECT_TRUE(RangesOfRoutes(MakeVpcRoutes(100, 3)).ok());
}

}  // namespace
}  // namespace sluice
