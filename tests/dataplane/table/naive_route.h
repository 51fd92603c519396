// The plainest longest match: every route is looked at. The oracle of the route table tests.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/table/fib.h"

namespace sluice {

inline uint32_t NaiveNextHop(std::span<const FibRoute> routes, uint32_t destination) {
  int best_length = -1;
  uint32_t next_hop = kFibMiss;
  for (const FibRoute& route : routes) {
    const uint32_t shift = 32u - route.prefix.length;
    const bool inside = shift == 32 || destination >> shift == route.prefix.address.value >> shift;
    if (inside && route.prefix.length > best_length) {
      best_length = route.prefix.length;
      next_hop = route.next_hop;
    }
  }
  return next_hop;
}

}  // namespace sluice
