#include "perf/rivals/route_rivals.h"

#include <rte_config.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_lpm.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "absl/status/status.h"

namespace sluice {
namespace {

constexpr uint32_t kGroups = 32'767;  // of 256 addresses: the most that 2-byte entries can name

absl::Status Refused(RouteRivalKind kind, const char* what) {
  return absl::ResourceExhaustedError(std::string(RouteRivalName(kind)) + " does not take " + what +
                                      ": " + rte_strerror(rte_errno));
}

}  // namespace

std::string_view RouteRivalName(RouteRivalKind kind) {
  switch (kind) {
    case RouteRivalKind::kFibScalar:
      return "rte_fib scalar";
    case RouteRivalKind::kFibAvx512:
      return "rte_fib AVX-512";
    case RouteRivalKind::kLpm:
      return "rte_lpm";
  }
  return "?";
}

size_t RouteRival::HeapBytes(RouteRivalKind kind, size_t route_count) {
  constexpr size_t kSlack = size_t{16} << 20;
  if (kind == RouteRivalKind::kLpm) {
    return (size_t{64} << 20) + size_t{kGroups} * 1024 + route_count * 8 + kSlack;
  }
  // The table, its groups, and two nodes of DPDK's own tree a route.
  return (size_t{32} << 20) + size_t{kGroups} * 512 + route_count * 2 * 256 + kSlack;
}

absl::StatusOr<std::unique_ptr<RouteRival>> RouteRival::Make(RouteRivalKind kind,
                                                             std::span<const FibRoute> routes,
                                                             MemorySource& memory) {
  auto heap = RivalHeap::Make(memory, HeapBytes(kind, routes.size()));
  if (!heap.ok()) {
    return heap.status();
  }
  std::unique_ptr<RouteRival> rival(new RouteRival(*std::move(heap)));
  const auto start = std::chrono::steady_clock::now();
  absl::Status made = kind == RouteRivalKind::kLpm ? rival->MakeLpm(routes.size())
                                                   : rival->MakeFib(kind, routes.size());
  if (made.ok()) {
    made = rival->Add(routes);
  }
  if (!made.ok()) {
    return made;
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  rival->build_seconds_ = passed.count();
  return rival;
}

absl::Status RouteRival::MakeFib(RouteRivalKind kind, size_t route_count) {
  rte_fib_conf conf = {};
  conf.type = RTE_FIB_DIR24_8;
  conf.default_nh = kMiss;
  conf.max_routes = static_cast<int>(route_count + 100);
  conf.dir24_8.nh_sz = RTE_FIB_DIR24_8_2B;
  conf.dir24_8.num_tbl8 = kGroups;
  fib_ = rte_fib_create(heap_->name().c_str(), heap_->socket(), &conf);
  if (fib_ == nullptr) {
    return Refused(kind, "its memory");
  }
  const auto lookup = kind == RouteRivalKind::kFibAvx512 ? RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512
                                                         : RTE_FIB_LOOKUP_DIR24_8_SCALAR_INLINE;
  return rte_fib_select_lookup(fib_, lookup) == 0
             ? absl::OkStatus()
             : absl::UnimplementedError(std::string(RouteRivalName(kind)) +
                                        " does not run on this machine");
}

absl::Status RouteRival::MakeLpm(size_t route_count) {
  rte_lpm_config conf = {};
  conf.max_rules = static_cast<uint32_t>(route_count + 100);
  conf.number_tbl8s = kGroups;
  lpm_ = rte_lpm_create(heap_->name().c_str(), heap_->socket(), &conf);
  return lpm_ != nullptr ? absl::OkStatus() : Refused(RouteRivalKind::kLpm, "its memory");
}

absl::Status RouteRival::Add(std::span<const FibRoute> routes) {
  for (const FibRoute& route : routes) {
    const Ipv4Prefix& prefix = route.prefix;
    // rte_lpm has no /0; two halves stand for it.
    const bool split = fib_ == nullptr && prefix.length == 0;
    const auto length = static_cast<uint8_t>(split ? 1 : prefix.length);
    int refused = fib_ != nullptr ? rte_fib_add(fib_, prefix.address.value, length, route.next_hop)
                                  : rte_lpm_add(lpm_, prefix.address.value, length, route.next_hop);
    if (split && refused == 0) {
      refused = rte_lpm_add(lpm_, 0x80000000u, length, route.next_hop);
    }
    if (refused != 0) {
      rte_errno = -refused;
      return Refused(fib_ != nullptr ? RouteRivalKind::kFibScalar : RouteRivalKind::kLpm,
                     ToString(prefix).c_str());
    }
  }
  return absl::OkStatus();
}

RouteRival::~RouteRival() {
  rte_fib_free(fib_);
  rte_lpm_free(lpm_);
}

void RouteRival::Run(const uint32_t* destination, size_t n, size_t burst) const {
  union {
    uint64_t fib[kMaxBurst];
    uint32_t lpm[kMaxBurst];
  } answers;
  for (size_t i = 0; i < n; i += burst) {
    const auto count = static_cast<unsigned>(std::min(burst, n - i));
    if (lpm_ != nullptr) {
      rte_lpm_lookup_bulk(lpm_, destination + i, answers.lpm, count);
    } else {
      rte_fib_lookup_bulk(fib_, const_cast<uint32_t*>(destination + i), answers.fib,
                          static_cast<int>(count));
    }
    asm volatile("" : : "r"(&answers) : "memory");
  }
}

uint32_t RouteRival::Lookup(uint32_t destination) const {
  uint32_t next_hop = kMiss;
  if (lpm_ != nullptr) {
    return rte_lpm_lookup(lpm_, destination, &next_hop) == 0 ? next_hop : kMiss;
  }
  // In a burst, so that the variant under test answers and not its tail loop.
  uint32_t keys[kMaxBurst];
  uint64_t answers[kMaxBurst];
  std::fill(keys, keys + kMaxBurst, destination);
  rte_fib_lookup_bulk(fib_, keys, answers, kMaxBurst);
  return static_cast<uint32_t>(answers[0]);
}

size_t RouteRival::Disagreements(const Fib& ours, std::span<const uint32_t> keys) const {
  return static_cast<size_t>(std::count_if(keys.begin(), keys.end(), [&](uint32_t key) {
    const uint32_t answer = ours.Lookup(key);
    return Lookup(key) != (answer == kFibMiss ? kMiss : answer);
  }));
}

}  // namespace sluice
