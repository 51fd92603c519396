// Nothing on the packet path allocates: random configurations and packets of every class, through
// the pipeline in bursts and one by one, with and without the session cache, with flow logs.
// SLUICE_TEST_SEED chooses the run.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <vector>

#include "tests/property/scenario.h"
#include "tests/support/allocation_watch.h"

namespace sluice::testing {
namespace {

constexpr size_t kStepsAScenario = 400;
constexpr uint64_t kScenarios = 40;
constexpr PipelineOptions kVariants[] = {{1, false}, {32, true}, {192, true, true}};

TEST(AllocationTest, TheWatchSeesEveryWayToAllocate) {
  const auto counted = [](auto code) {
    const AllocationCounts before = AllocationsInPipeline();
    {
      const CountAsPipeline watch;
      code();
    }
    const AllocationCounts after = AllocationsInPipeline();
    EXPECT_EQ(after.allocations - before.allocations, after.frees - before.frees);
    return after.allocations - before.allocations;
  };
  struct alignas(128) Wide {
    char bytes[128];
  };
  // Through volatile pointers: what nobody looks at, the compiler leaves out.
  EXPECT_EQ(counted([] {
              int* volatile number = new int(7);
              delete number;
            }),
            1u);
  EXPECT_EQ(counted([] {
              Wide* volatile wide = new Wide[3];
              delete[] wide;
            }),
            1u);
  EXPECT_EQ(counted([] {
              void* volatile memory = std::malloc(100);
              std::free(memory);
            }),
            1u);
  EXPECT_EQ(counted([] {
              auto* volatile numbers = new std::vector<int>(1000);
              delete numbers;
            }),
            2u);
  EXPECT_EQ(counted([] {}), 0u);
}

TEST(AllocationTest, NoPacketMakesThePipelineAllocate) {
  const char* text = std::getenv("SLUICE_TEST_SEED");
  const uint64_t first = text == nullptr ? 771 : std::strtoull(text, nullptr, 10);
  std::printf("[ seed     ] scenarios from %llu on\n", static_cast<unsigned long long>(first));
  std::set<DropReason> reasons;
  const AllocationCounts before = AllocationsInPipeline();
  for (uint64_t seed = first; seed < first + kScenarios; ++seed) {
    const Generated generated = GenerateScenario(seed, kStepsAScenario);
    for (const PipelineOptions& variant : kVariants) {
      for (const Told& told : RunPipeline(generated.scenario, variant).told) {
        reasons.insert(told.reason);
      }
      const AllocationCounts after = AllocationsInPipeline();
      ASSERT_EQ(after.allocations, before.allocations) << "seed " << seed;
      ASSERT_EQ(after.frees, before.frees) << "seed " << seed;
    }
  }
  EXPECT_GT(AllocationsInPipeline().calls - before.calls, 1000u);
  // Established, new and refused packets, answers of the router, fragments: most of what can be.
  EXPECT_GE(reasons.size(), 30u);
}

}  // namespace
}  // namespace sluice::testing
