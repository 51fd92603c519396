#include "tools/bench/routes/route_contest.h"

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "perf/rivals/route_rivals.h"
#include "perf/workload/route_set.h"
#include "tools/bench/routes/lookup_contest.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

constexpr RouteRivalKind kRivals[] = {RouteRivalKind::kFibScalar, RouteRivalKind::kFibAvx512,
                                      RouteRivalKind::kLpm};

using Rivals = std::vector<std::unique_ptr<RouteRival>>;

struct RivalParty {
  Rivals rivals;
  std::vector<RouteRivalKind> kinds;
};

absl::StatusOr<RivalParty> MakeRivals(const std::vector<FibRoute>& routes,
                                      const RouteBenchOptions& options, ContestRow& row) {
  RivalParty party;
  for (const RouteRivalKind kind : kRivals) {
    const std::string name(RouteRivalName(kind));
    if (kind == RouteRivalKind::kLpm && routes.size() > options.max_lpm_routes) {
      row.absent.push_back(name + ": adding so many routes takes it minutes; --max_lpm_routes=" +
                           std::to_string(routes.size()) + " to wait");
      continue;
    }
    auto rival = RouteRival::Make(kind, routes, HeapMemory());
    if (absl::IsUnimplemented(rival.status()) || absl::IsUnavailable(rival.status())) {
      row.absent.push_back(std::string(rival.status().message()));
      continue;
    }
    if (!rival.ok()) {
      return rival.status();
    }
    party.rivals.push_back(*std::move(rival));
    party.kinds.push_back(kind);
  }
  return party;
}

}  // namespace

uint64_t RouteRowBytes(uint32_t routes, const RouteBenchOptions& options) {
  uint64_t bytes = uint64_t{options.keys} * 8 + uint64_t{routes} * 200 + (uint64_t{48} << 20);
  for (const RouteRivalKind kind : kRivals) {
    bytes += RouteRival::HeapBytes(kind, routes);
  }
  return bytes;
}

absl::StatusOr<ContestRow> MeasureRoutes(uint32_t count, const RouteBenchOptions& options) {
  ContestRow row;
  const std::vector<FibRoute> routes = MakeRouteSet(count, options.seed);
  const std::vector<uint32_t> keys = MakeUniformAddresses(options.keys, options.seed + 1);
  const std::vector<uint32_t> table_of_key(keys.size(), 0);
  const int64_t start_ns = ThreadCpuNs();
  const auto ours = FibBuilder(HeapMemory()).Build(routes);
  const double build_ms = static_cast<double>(ThreadCpuNs() - start_ns) / 1e6;
  if (!ours.ok()) {
    return ours.status();
  }
  const auto set = FibSet::Make({*ours}, HeapMemory());
  auto party = MakeRivals(routes, options, row);
  if (!set.ok() || !party.ok()) {
    return set.ok() ? party.status() : set.status();
  }
  CheckOurTables(*set, table_of_key, keys, std::to_string(count) + " routes", row);
  std::vector<Contestant> contestants = {OurTables(*set, table_of_key, keys, options.burst)};
  for (size_t i = 0; i < party->rivals.size(); ++i) {
    const RouteRival& rival = *party->rivals[i];
    const std::string name(RouteRivalName(party->kinds[i]));
    Claim(rival.Disagreements(**ours, {keys.data(), std::min(kComparedKeys, keys.size())}),
          name + " with " + std::to_string(count) + " routes", row);
    contestants.push_back({name, [&rival, &keys, &options](size_t first, size_t n) {
                             rival.Run(&keys[first], n, options.burst);
                           }});
  }
  const std::vector<ContestResult> results = RunLookups(contestants, options, row);
  const std::string name = "routes/routes:" + std::to_string(count);
  for (size_t i = 0; i < results.size(); ++i) {
    Figure figure = ContestFigure(i == 0 ? name : name + "/" + NamePart(contestants[i].name),
                                  results[i], LookupContest(options));
    const double bytes = static_cast<double>(i == 0 ? set->bytes() : party->rivals[i - 1]->bytes());
    figure.counters.emplace_back("routes", count);
    figure.counters.emplace_back("bytes", bytes);
    figure.counters.emplace_back("build_ms",
                                 i == 0 ? build_ms : party->rivals[i - 1]->build_seconds() * 1e3);
    row.figures.push_back(std::move(figure));
  }
  return row;
}

}  // namespace sluice
