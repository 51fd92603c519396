#include "tools/bench/routes/lookup_contest.h"

#include <algorithm>

namespace sluice {

Figure LookupFigure(std::string name, const ContestResult& result,
                    const RouteBenchOptions& options) {
  Figure figure;
  figure.name = std::move(name);
  figure.unit = "lookup";
  figure.ns = result.ns;
  figure.rounds = options.rounds;
  figure.round_items = options.round_keys;
  figure.counters = {{"ratio", result.ratio.median},
                     {"ratio_low", result.ratio.low},
                     {"ratio_high", result.ratio.high}};
  return figure;
}

std::vector<ContestResult> RunLookups(const std::vector<Contestant>& contestants,
                                      const RouteBenchOptions& options, RouteRow& row) {
  row.memory_mode = MemoryModeNow();
  return RunContest(contestants, {options.keys, options.round_keys, options.rounds});
}

Contestant OurTables(const FibSet& set, const std::vector<uint32_t>& table_of_key,
                     const std::vector<uint32_t>& keys, uint32_t burst) {
  return {"sluice", [&set, &table_of_key, &keys, burst](size_t first, size_t count) {
            uint32_t answers[kMaxLookupBurst];
            for (size_t i = first; i < first + count; i += burst) {
              set.LookupBatch(&table_of_key[i], &keys[i], answers,
                              std::min<size_t>(burst, first + count - i));
              asm volatile("" : : "r"(answers) : "memory");
            }
          }};
}

void CheckOurTables(const FibSet& set, const std::vector<uint32_t>& table_of_key,
                    const std::vector<uint32_t>& keys, const std::string& what, RouteRow& row) {
  const size_t count = std::min(kComparedKeys, keys.size());
  std::vector<uint32_t> answers(count);
  set.LookupBatch(table_of_key.data(), keys.data(), answers.data(), count);
  size_t wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    wrong += answers[i] != set.table(FibIdx(table_of_key[i]))->Lookup(keys[i]) ? 1 : 0;
  }
  Claim(wrong, "batches of " + what, row);
}

void Claim(size_t wrong, const std::string& who, RouteRow& row) {
  if (wrong != 0) {
    row.mistaken.push_back(who + ": " + std::to_string(wrong) + " answers differ");
  }
}

}  // namespace sluice
