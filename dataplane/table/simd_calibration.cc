#include "dataplane/table/simd_calibration.h"

#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/table/direct_map.h"
#include "dataplane/table/kernels.h"

namespace sluice {
namespace {

// A map of which only the first nodes exist: keys stay below. Small, so that the cost of the
// instructions shows and not that of memory.
constexpr uint32_t kNodes = 2048;
constexpr uint32_t kKeys = 1024;
constexpr int kRounds = 9;

struct Sample {
  std::vector<DirectNode<uint16_t>> nodes;
  std::vector<uint16_t> entries;
  std::vector<uint32_t> keys;
};

Sample MakeSample() {
  Sample sample;
  sample.nodes.assign(kNodes, {0x0101, {1, 2, 3}});
  for (uint32_t i = 0; i < kNodes; i += 7) {  // about as many lists as a full table has
    sample.nodes[i].change = 0x1110;
    sample.nodes[i].SetListAt(i);
  }
  sample.entries.assign(kNodes + kDirectNodeBlocks + DirectSizes::kPaddingEntries, 7);
  for (uint32_t i = 0; i < kKeys; ++i) {
    sample.keys.push_back(i * 2654435761u % (kNodes << 12));  // Fibonacci hashing: scattered
  }
  return sample;
}

uint64_t BestTicks(const TableKernels& kernels, const FibView& view,
                   const std::vector<uint32_t>& keys) {
  const std::vector<uint32_t> table(keys.size(), 0);
  std::vector<uint32_t> out(keys.size());
  uint64_t best = UINT64_MAX;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t start = __rdtsc();
    kernels.fib(&view, table.data(), keys.data(), out.data(), keys.size());
    best = std::min<uint64_t>(best, __rdtsc() - start);
  }
  return best;
}

}  // namespace

bool CpuRunsGatherKernels() {
  return DetectSimdLevel() == SimdLevel::kAvx512 && __builtin_cpu_supports("avx512vpopcntdq");
}

bool GathersAreFaster() {
  if (!CpuRunsGatherKernels()) {
    return false;
  }
  const Sample sample = MakeSample();
  FibView view{};
  view.tier = FibTier::kDirect;
  view.entry_bytes = 2;
  view.nodes = sample.nodes.data();
  view.entries = sample.entries.data();
  const uint64_t plain = BestTicks(kAvx512Kernels, view, sample.keys);
  return BestTicks(kGatherKernels, view, sample.keys) < plain;
}

}  // namespace sluice
