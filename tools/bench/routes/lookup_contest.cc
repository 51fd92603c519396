#include "tools/bench/routes/lookup_contest.h"

#include <algorithm>

namespace sluice {

ContestOptions LookupContest(const RouteBenchOptions& options) {
  return {options.keys, options.round_keys, options.rounds, true};
}

std::vector<ContestResult> RunLookups(const std::vector<Contestant>& contestants,
                                      const RouteBenchOptions& options, ContestRow& row) {
  row.memory_mode = MemoryModeNow();
  return RunContest(contestants, LookupContest(options));
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
                    const std::vector<uint32_t>& keys, const std::string& what, ContestRow& row) {
  const size_t count = std::min(kComparedKeys, keys.size());
  std::vector<uint32_t> answers(count);
  set.LookupBatch(table_of_key.data(), keys.data(), answers.data(), count);
  size_t wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    wrong += answers[i] != set.table(FibIdx(table_of_key[i]))->Lookup(keys[i]) ? 1 : 0;
  }
  Claim(wrong, "batches of " + what, row);
}

}  // namespace sluice
