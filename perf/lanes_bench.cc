// How a stage goes through its lanes: a list of their numbers (what the product has), a mask of
// bits, or all lanes with a test each. A stage of the size of the route stage's start: reads three
// columns, writes two. docs/decisions/0007.
#include <benchmark/benchmark.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <random>

#include "dataplane/packet/batch.h"
#include "dataplane/packet/lanes.h"

namespace sluice {
namespace {

constexpr uint32_t kLanes = 64;  // two words of a mask would only be slower
constexpr uint32_t kPatterns = 256;

struct Pattern {
  LaneList list;
  uint64_t mask = 0;
  uint8_t chosen[kLanes] = {};
};

// Lanes chosen at random, `percent` of them.
std::unique_ptr<Pattern[]> Patterns(uint32_t percent) {
  std::mt19937 random(percent);
  auto patterns = std::make_unique<Pattern[]>(kPatterns);
  for (uint32_t p = 0; p < kPatterns; ++p) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if (random() % 100 < percent) {
        patterns[p].list.Add(lane);
        patterns[p].mask |= uint64_t{1} << lane;
        patterns[p].chosen[lane] = 1;
      }
    }
  }
  return patterns;
}

inline void Work(Batch& batch, uint32_t lane) {
  batch.walk_src[lane] = batch.src[lane];
  batch.walk_dst[lane] = batch.dst[lane] ^ batch.traits[lane];
}

template <typename Each>
void Run(benchmark::State& state, Each each) {
  const auto patterns = Patterns(static_cast<uint32_t>(state.range(0)));
  auto batch = std::make_unique<Batch>();
  uint64_t lanes = 0;
  uint32_t next = 0;
  for (auto _ : state) {
    const Pattern& pattern = patterns[next++ % kPatterns];
    each(pattern, *batch);
    benchmark::ClobberMemory();
    lanes += pattern.list.count;
  }
  state.counters["ns_per_lane"] = benchmark::Counter(
      static_cast<double>(lanes) * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_List(benchmark::State& state) {
  Run(state, [](const Pattern& pattern, Batch& batch) {
    for (const uint8_t lane : pattern.list) {
      Work(batch, lane);
    }
  });
}
void BM_Mask(benchmark::State& state) {
  Run(state, [](const Pattern& pattern, Batch& batch) {
    for (uint64_t mask = pattern.mask; mask != 0; mask &= mask - 1) {
      Work(batch, static_cast<uint32_t>(std::countr_zero(mask)));
    }
  });
}
void BM_AllWithTest(benchmark::State& state) {
  Run(state, [](const Pattern& pattern, Batch& batch) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if (pattern.chosen[lane] != 0) {
        Work(batch, lane);
      }
    }
  });
}

BENCHMARK(BM_List)->Arg(5)->Arg(50)->Arg(100);
BENCHMARK(BM_Mask)->Arg(5)->Arg(50)->Arg(100);
BENCHMARK(BM_AllWithTest)->Arg(5)->Arg(50)->Arg(100);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
