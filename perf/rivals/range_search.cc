#include "perf/rivals/range_search.h"

#include <algorithm>
#include <chrono>

namespace sluice {
namespace {

constexpr int kChunkBits = 16;  // of the address, from the top

// The last of `count` ranges from `first` on that starts at or before the key.
uint32_t LastFrom(const uint32_t* starts, uint32_t first, uint32_t count, uint32_t key) {
  while (count > 1) {
    const uint32_t half = count / 2;
    first += starts[first + half] <= key ? half : 0;
    count -= half;
  }
  return first;
}

}  // namespace

std::string_view RangeSearchName(RangeSearchKind kind) {
  return kind == RangeSearchKind::kBinary ? "binary search" : "DXR";
}

absl::StatusOr<std::unique_ptr<RangeSearch>> RangeSearch::Make(RangeSearchKind kind,
                                                               std::span<const FibRoute> routes) {
  std::unique_ptr<RangeSearch> search(new RangeSearch(kind));
  const auto begun = std::chrono::steady_clock::now();
  const auto ranges = RangesOfRoutes(routes);
  if (!ranges.ok()) {
    return ranges.status();
  }
  uint32_t start = 0;
  for (const KeyRange& range : *ranges) {
    search->starts_.push_back(start);
    search->next_hops_.push_back(range.payload);
    start = range.end + 1;
  }
  if (kind == RangeSearchKind::kChunks) {
    search->MakeChunks();
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun;
  search->build_seconds_ = passed.count();
  return search;
}

void RangeSearch::MakeChunks() {
  const auto count = static_cast<uint32_t>(starts_.size());
  for (uint32_t chunk = 0; chunk < uint32_t{1} << kChunkBits; ++chunk) {
    const uint32_t lowest = chunk << (32 - kChunkBits);
    const uint32_t highest = lowest | ((uint32_t{1} << (32 - kChunkBits)) - 1);
    const uint32_t first = LastFrom(starts_.data(), 0, count, lowest);
    chunks_.push_back({first, LastFrom(starts_.data(), first, count - first, highest) - first});
  }
}

void RangeSearch::HalveTogether(const uint32_t* destination, uint32_t* next_hop, size_t n) const {
  const uint32_t* starts = starts_.data();
  uint32_t at[kMaxBurst] = {};
  for (auto count = static_cast<uint32_t>(starts_.size()); count > 1; count -= count / 2) {
    const uint32_t half = count / 2;
    for (size_t i = 0; i < n; ++i) {
      at[i] += starts[at[i] + half] <= destination[i] ? half : 0;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    next_hop[i] = next_hops_[at[i]];
  }
}

void RangeSearch::HalveChunks(const uint32_t* destination, uint32_t* next_hop, size_t n) const {
  for (size_t i = 0; i < n; ++i) {
    const Chunk& chunk = chunks_[destination[i] >> (32 - kChunkBits)];
    next_hop[i] = next_hops_[LastFrom(starts_.data(), chunk.first, chunk.more + 1, destination[i])];
  }
}

void RangeSearch::LookupBurst(const uint32_t* destination, uint32_t* next_hop, size_t n) const {
  kind_ == RangeSearchKind::kBinary ? HalveTogether(destination, next_hop, n)
                                    : HalveChunks(destination, next_hop, n);
}

void RangeSearch::Run(const uint32_t* destination, size_t n, size_t burst) const {
  uint32_t answers[kMaxBurst];
  for (size_t i = 0; i < n; i += burst) {
    LookupBurst(destination + i, answers, std::min(burst, n - i));
    asm volatile("" : : "r"(answers) : "memory");
  }
}

uint32_t RangeSearch::Lookup(uint32_t destination) const {
  uint32_t answer = kFibMiss;
  LookupBurst(&destination, &answer, 1);
  return answer;
}

size_t RangeSearch::Disagreements(const Fib& ours, std::span<const uint32_t> keys) const {
  return static_cast<size_t>(std::count_if(
      keys.begin(), keys.end(), [&](uint32_t key) { return Lookup(key) != ours.Lookup(key); }));
}

size_t RangeSearch::bytes() const {
  return starts_.size() * 2 * sizeof(uint32_t) + chunks_.size() * sizeof(Chunk);
}

}  // namespace sluice
