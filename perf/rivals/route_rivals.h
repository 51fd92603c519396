// DPDK's route tables with our routes: rte_fib (DIR-24-8 with 2-byte entries, the form that suits
// it best) and rte_lpm. One thread builds and asks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "dataplane/table/fib.h"
#include "perf/rivals/rival_heap.h"

struct rte_fib;
struct rte_lpm;

namespace sluice {

enum class RouteRivalKind : uint8_t { kFibScalar, kFibAvx512, kLpm };
std::string_view RouteRivalName(RouteRivalKind kind);  // "rte_fib scalar", …

class RouteRival {
 public:
  // The answer where no route matches.
  static constexpr uint32_t kMiss = 0x7fff;

  // With `routes` in it, next hops below kMiss. Unimplemented: this machine does not run the kind.
  // ResourceExhausted: memory is short, or the rival refuses a route.
  static absl::StatusOr<std::unique_ptr<RouteRival>> Make(RouteRivalKind kind,
                                                          std::span<const FibRoute> routes,
                                                          MemorySource& memory);
  // The memory that Make asks `memory` for.
  static size_t HeapBytes(RouteRivalKind kind, size_t route_count);
  ~RouteRival();

  // Looks up `n` destinations (host order) in bursts of `burst` <= kMaxBurst and throws the answers
  // away: what is timed.
  static constexpr size_t kMaxBurst = 256;
  void Run(const uint32_t* destination, size_t n, size_t burst) const;

  // Number of `keys` on which it does not say what `ours` says.
  size_t Disagreements(const Fib& ours, std::span<const uint32_t> keys) const;

  size_t bytes() const { return heap_->used_bytes(); }
  double build_seconds() const { return build_seconds_; }

 private:
  explicit RouteRival(std::unique_ptr<RivalHeap> heap) : heap_(std::move(heap)) {}
  absl::Status MakeFib(RouteRivalKind kind, size_t route_count);
  absl::Status MakeLpm(size_t route_count);
  absl::Status Add(std::span<const FibRoute> routes);
  uint32_t Lookup(uint32_t destination) const;

  std::unique_ptr<RivalHeap> heap_;
  rte_fib* fib_ = nullptr;
  rte_lpm* lpm_ = nullptr;
  double build_seconds_ = 0;
};

}  // namespace sluice
