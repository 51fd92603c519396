#include "perf/workload/route_set.h"

#include <array>
#include <map>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

using DistinctRoutes = std::map<Ipv4Prefix, uint32_t>;

std::vector<FibRoute> InOrder(const DistinctRoutes& distinct) {
  std::vector<FibRoute> routes;
  routes.reserve(distinct.size());
  for (const auto& [prefix, next_hop] : distinct) {
    routes.push_back({prefix, next_hop});
  }
  return routes;
}

uint32_t AnyNextHop(WorkloadRandom& random) {
  return static_cast<uint32_t>(random.Below(kRouteSetNextHops));
}

uint8_t InternetLength(WorkloadRandom& random) {
  const uint64_t roll = random.Below(100);
  return static_cast<uint8_t>(roll < 60   ? 24
                              : roll < 98 ? 16 + random.Below(8)
                                          : 25 + random.Below(8));
}

uint32_t AnyAddress(const Ipv4Prefix& prefix, WorkloadRandom& random) {
  return prefix.address.value | (static_cast<uint32_t>(random.Next()) & ~prefix.Mask());
}

Ipv4Address PrivateAddress(WorkloadRandom& random) {
  constexpr std::array<Ipv4Prefix, 3> kPrivate = {{{Ipv4Address(10, 0, 0, 0), 8},
                                                   {Ipv4Address(172, 16, 0, 0), 12},
                                                   {Ipv4Address(192, 168, 0, 0), 16}}};
  const Ipv4Prefix& range = kPrivate[random.Below(kPrivate.size())];
  return Ipv4Address(AnyAddress(range, random));
}

}  // namespace

std::vector<FibRoute> MakeRouteSet(size_t count, uint64_t seed) {
  SLUICE_CHECK(count >= 1 && count <= 4'000'000);
  WorkloadRandom random(seed);
  DistinctRoutes distinct = {{Ipv4Prefix{}, AnyNextHop(random)}};
  while (distinct.size() < count) {
    const Ipv4Address address(static_cast<uint32_t>(random.Next()));
    const Ipv4Prefix prefix = Ipv4Prefix{address, InternetLength(random)}.Canonical();
    distinct.emplace(prefix, AnyNextHop(random));
  }
  return InOrder(distinct);
}

std::vector<FibRoute> MakeVpcRoutes(size_t count, uint64_t seed) {
  SLUICE_CHECK(count >= 2 && count <= 10'000);
  WorkloadRandom random(seed);
  const Ipv4Address own(10, static_cast<uint8_t>(random.Below(256)), 0, 0);
  DistinctRoutes distinct = {{Ipv4Prefix{}, AnyNextHop(random)}, {{own, 16}, AnyNextHop(random)}};
  while (distinct.size() < count) {
    const Ipv4Address address = PrivateAddress(random);
    const auto length = static_cast<uint8_t>(16 + random.Below(13));
    distinct.emplace(Ipv4Prefix{address, length}.Canonical(), AnyNextHop(random));
  }
  return InOrder(distinct);
}

std::vector<uint32_t> MakeUniformAddresses(size_t count, uint64_t seed) {
  WorkloadRandom random(seed);
  std::vector<uint32_t> addresses(count);
  for (uint32_t& address : addresses) {
    address = static_cast<uint32_t>(random.Next());
  }
  return addresses;
}

uint32_t AnyAddressOf(const std::vector<FibRoute>& routes, WorkloadRandom& random) {
  return AnyAddress(routes[random.Below(routes.size())].prefix, random);
}

}  // namespace sluice
