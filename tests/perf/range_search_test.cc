// Searches of ranges say what our tables say, and are seen to when they do not.
#include "perf/rivals/range_search.h"

#include <gtest/gtest.h>

#include "perf/workload/route_set.h"

namespace sluice {
namespace {

class RangeSearchTest : public ::testing::TestWithParam<RangeSearchKind> {};

TEST_P(RangeSearchTest, SaysWhatOurTableSays) {
  for (const uint32_t count : {2u, 10u, 100u, 3000u}) {
    const std::vector<FibRoute> routes = MakeRouteSet(count, 7);
    const auto ours = *FibBuilder(HeapMemory()).Build(routes);
    const auto search = *RangeSearch::Make(GetParam(), routes);
    std::vector<uint32_t> keys = MakeUniformAddresses(4096, 8);
    for (const FibRoute& route : routes) {  // where ranges end
      const uint32_t first = route.prefix.address.value;
      keys.insert(keys.end(), {first, first - 1, first | ~route.prefix.Mask(),
                               (first | ~route.prefix.Mask()) + 1});
    }
    EXPECT_EQ(search->Disagreements(*ours, keys), 0u) << count << " routes";
  }
}

TEST_P(RangeSearchTest, OtherRoutesAreOtherAnswers) {
  const auto ours = *FibBuilder(HeapMemory()).Build(MakeRouteSet(3000, 7));
  const auto search = *RangeSearch::Make(GetParam(), MakeRouteSet(3000, 9));
  EXPECT_GT(search->Disagreements(*ours, MakeUniformAddresses(4096, 8)), 0u);
  EXPECT_GE(search->bytes(), 3000 * 2 * sizeof(uint32_t));
}

INSTANTIATE_TEST_SUITE_P(Kinds, RangeSearchTest,
                         ::testing::Values(RangeSearchKind::kBinary, RangeSearchKind::kChunks));

}  // namespace
}  // namespace sluice
