#include <algorithm>
#include <memory>

#include "dataplane/table/address_map.h"
#include "perf/workload/route_set.h"
#include "tools/bench/routes/lookup_contest.h"
#include "tools/bench/thread_clock.h"

namespace sluice {

absl::StatusOr<ContestRow> MeasureTables(uint32_t tables, uint32_t routes,
                                         const RouteBenchOptions& options) {
  ContestRow row;
  WorkloadRandom random(options.seed);
  std::vector<std::vector<FibRoute>> routes_of(tables);
  for (std::vector<FibRoute>& table : routes_of) {
    table = MakeVpcRoutes(routes, random.Next());
  }
  FibBuilder builder(HeapMemory());
  std::vector<std::shared_ptr<const Fib>> built;
  const int64_t start_ns = ThreadCpuNs();
  for (const std::vector<FibRoute>& table : routes_of) {
    auto fib = builder.Build(table);
    if (!fib.ok()) {
      return fib.status();
    }
    built.push_back(*std::move(fib));
  }
  const double build_ms = static_cast<double>(ThreadCpuNs() - start_ns) / 1e6;
  const auto set = FibSet::Make(std::move(built), HeapMemory());
  if (!set.ok()) {
    return set.status();
  }
  std::vector<uint32_t> table_of_key(options.keys), keys(options.keys);
  for (uint32_t i = 0; i < options.keys; ++i) {
    table_of_key[i] = static_cast<uint32_t>(random.Below(tables));
    keys[i] = AnyAddressOf(routes_of[table_of_key[i]], random);
  }
  CheckOurTables(*set, table_of_key, keys, std::to_string(tables) + " tables", row);
  const auto results =
      RunLookups({OurTables(*set, table_of_key, keys, options.burst)}, options, row);
  Figure figure =
      ContestFigure("routes/tables:" + std::to_string(tables), results[0], LookupContest(options));
  figure.counters = {{"tables", tables},
                     {"routes", routes},
                     {"bytes", static_cast<double>(set->bytes())},
                     {"build_ms", build_ms}};
  row.figures.push_back(std::move(figure));
  return row;
}

absl::StatusOr<ContestRow> MeasureAddresses(uint32_t addresses, const RouteBenchOptions& options) {
  constexpr uint32_t kOfOneVpc = 100;
  ContestRow row;
  WorkloadRandom random(options.seed);
  std::vector<AddressEntry> entries(addresses);
  for (uint32_t i = 0; i < addresses; ++i) {
    // Every VPC uses the same addresses, as many do.
    entries[i] = {i / kOfOneVpc, Ipv4Address(0x0a000004u + i % kOfOneVpc), i};
  }
  const int64_t start_ns = ThreadCpuNs();
  const auto map = AddressMap::Build(entries, {{random.Next(), random.Next()}}, HeapMemory());
  const double build_ms = static_cast<double>(ThreadCpuNs() - start_ns) / 1e6;
  if (!map.ok()) {
    return map.status();
  }
  std::vector<uint32_t> vpc(options.keys), key(options.keys);
  size_t wrong = 0;
  for (uint32_t i = 0; i < options.keys; ++i) {
    const AddressEntry& entry = entries[random.Below(addresses)];
    vpc[i] = entry.vpc_idx;
    key[i] = entry.address.value;
    wrong += (*map)->Lookup(vpc[i], key[i]) != entry.value ? 1 : 0;
  }
  Claim(wrong, std::to_string(addresses) + " addresses", row);
  const Contestant ours = {"sluice", [&](size_t first, size_t count) {
                             uint32_t answers[kMaxLookupBurst];
                             for (size_t i = first; i < first + count; i += options.burst) {
                               (*map)->LookupBatch(
                                   &vpc[i], &key[i], answers,
                                   std::min<size_t>(options.burst, first + count - i));
                               asm volatile("" : : "r"(answers) : "memory");
                             }
                           }};
  Figure figure = ContestFigure("routes/addresses:" + std::to_string(addresses),
                                RunLookups({ours}, options, row)[0], LookupContest(options));
  const double bytes = static_cast<double>((*map)->bytes());
  figure.counters = {{"addresses", addresses},
                     {"bytes", bytes},
                     {"bytes_per_address", bytes / addresses},
                     {"build_ms", build_ms}};
  row.figures.push_back(std::move(figure));
  return row;
}

}  // namespace sluice
