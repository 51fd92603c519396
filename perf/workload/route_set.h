// Routes and keys for benches of route tables: seedable, the same on every machine. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/table/fib.h"
#include "perf/workload/key_stream.h"

namespace sluice {

// Next hops of a set: below this, so that two bytes hold them for every rival too.
inline constexpr uint32_t kRouteSetNextHops = 1000;

// `count` distinct routes: a default route, then /24 (60 %), /16 to /23 (38 %) and /25 to /32 (2 %)
// at random places, as the published shares of full tables go. 1 <= count <= 4,000,000.
std::vector<FibRoute> MakeRouteSet(size_t count, uint64_t seed);

// A VPC's table: the default route, the VPC's own 10.x.0.0/16 and `count` - 2 other networks of /16
// to /28 in the private ranges, as peerings, gateways and endpoints bring. Tables with other seeds
// share no border but by chance. 2 <= count <= 10,000.
std::vector<FibRoute> MakeVpcRoutes(size_t count, uint64_t seed);

// Uniform over the whole address space, host order.
std::vector<uint32_t> MakeUniformAddresses(size_t count, uint64_t seed);

// One of the routes, uniformly, and an address of its prefix; another, longer one may match it.
uint32_t AnyAddressOf(const std::vector<FibRoute>& routes, WorkloadRandom& random);

}  // namespace sluice
