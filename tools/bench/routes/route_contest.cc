#include "tools/bench/routes/route_contest.h"

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "perf/rivals/range_search.h"
#include "perf/rivals/route_rivals.h"
#include "perf/workload/route_set.h"
#include "tools/bench/routes/lookup_contest.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

constexpr RouteRivalKind kRivals[] = {RouteRivalKind::kFibScalar, RouteRivalKind::kFibAvx512,
                                      RouteRivalKind::kLpm};

constexpr RangeSearchKind kSearches[] = {RangeSearchKind::kBinary, RangeSearchKind::kChunks};

// Who takes part: what is asked, and what is told of it. Owners stay where they are.
struct Party {
  std::vector<std::unique_ptr<RouteRival>> rivals;
  std::vector<std::unique_ptr<RangeSearch>> searches;
  struct Member {
    std::string name;
    double bytes;
    double build_ms;
  };
  std::vector<Contestant> contestants;
  std::vector<Member> members;  // by contestant
};

// One more that answers as ours do, or a claim that it does not.
template <typename Table>
void Join(const Table& table, const std::string& name, const Fib& ours,
          const std::vector<uint32_t>& keys, const RouteBenchOptions& options, Party& party,
          ContestRow& row) {
  Claim(table.Disagreements(ours, {keys.data(), std::min(kComparedKeys, keys.size())}), name, row);
  party.contestants.push_back({name, [&table, &keys, &options](size_t first, size_t n) {
                                 table.Run(&keys[first], n, options.burst);
                               }});
  party.members.push_back({name, static_cast<double>(table.bytes()), table.build_seconds() * 1e3});
}

absl::Status AddRivals(const std::vector<FibRoute>& routes, const Fib& ours,
                       const std::vector<uint32_t>& keys, const RouteBenchOptions& options,
                       Party& party, ContestRow& row) {
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
    Join(*party.rivals.back(), name, ours, keys, options, party, row);
  }
  for (const RangeSearchKind kind : kSearches) {
    auto search = RangeSearch::Make(kind, routes);
    if (!search.ok()) {
      return search.status();
    }
    party.searches.push_back(*std::move(search));
    Join(*party.searches.back(), std::string(RangeSearchName(kind)), ours, keys, options, party,
         row);
  }
  return absl::OkStatus();
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
  if (!set.ok()) {
    return set.status();
  }
  CheckOurTables(*set, table_of_key, keys, std::to_string(count) + " routes", row);
  Party party;
  party.contestants = {OurTables(*set, table_of_key, keys, options.burst)};
  party.members = {{"", static_cast<double>(set->bytes()), build_ms}};
  if (auto status = AddRivals(routes, **ours, keys, options, party, row); !status.ok()) {
    return status;
  }
  const std::vector<ContestResult> results = RunLookups(party.contestants, options, row);
  const std::string name = "routes/routes:" + std::to_string(count);
  for (size_t i = 0; i < results.size(); ++i) {
    const Party::Member& member = party.members[i];
    Figure figure = ContestFigure(i == 0 ? name : name + "/" + NamePart(member.name), results[i],
                                  LookupContest(options));
    figure.counters.emplace_back("routes", count);
    figure.counters.emplace_back("bytes", member.bytes);
    figure.counters.emplace_back("build_ms", member.build_ms);
    row.figures.push_back(std::move(figure));
  }
  return row;
}

}  // namespace sluice
