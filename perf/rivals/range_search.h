// What a small route table could be instead of a tree of lines: its ranges in order, searched by
// halves. Plain (all lanes of a burst halve together) or below a table of 65,536 chunks by the
// upper half of the address, as DXR does (Zec, Rizzo, Mikuc: DXR, ACM CCR 2012). Any thread asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/table/fib.h"

namespace sluice {

enum class RangeSearchKind : uint8_t { kBinary, kChunks };
std::string_view RangeSearchName(RangeSearchKind kind);  // "binary search", "DXR"

class RangeSearch {
 public:
  // InvalidArgument: as RangesOfRoutes.
  static absl::StatusOr<std::unique_ptr<RangeSearch>> Make(RangeSearchKind kind,
                                                           std::span<const FibRoute> routes);

  // Looks up `n` destinations (host order) in bursts of `burst` <= kMaxBurst and throws the answers
  // away: what is timed.
  static constexpr size_t kMaxBurst = 256;
  void Run(const uint32_t* destination, size_t n, size_t burst) const;
  // The next hop or kFibMiss, by the same loops.
  uint32_t Lookup(uint32_t destination) const;
  size_t Disagreements(const Fib& ours, std::span<const uint32_t> keys) const;

  size_t bytes() const;
  double build_seconds() const { return build_seconds_; }

 private:
  // Of the ranges of a chunk: the first, and how many more there are.
  struct Chunk {
    uint32_t first;
    uint32_t more;
  };

  explicit RangeSearch(RangeSearchKind kind) : kind_(kind) {}
  void MakeChunks();
  void LookupBurst(const uint32_t* destination, uint32_t* next_hop, size_t n) const;
  void HalveTogether(const uint32_t* destination, uint32_t* next_hop, size_t n) const;
  void HalveChunks(const uint32_t* destination, uint32_t* next_hop, size_t n) const;

  RangeSearchKind kind_;
  std::vector<uint32_t> starts_;  // ascending; the first is 0
  std::vector<uint32_t> next_hops_;
  std::vector<Chunk> chunks_;
  double build_seconds_ = 0;
};

}  // namespace sluice
