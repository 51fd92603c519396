// What the rows of `routes` have in common: ours as a contestant, its check, and the figure. Main
// thread.
#pragma once

#include <string>
#include <vector>

#include "dataplane/table/fib.h"
#include "tools/bench/contest.h"
#include "tools/bench/routes/route_contest.h"

namespace sluice {

inline constexpr size_t kComparedKeys = 65'536;  // answers checked before anything is timed
inline constexpr size_t kMaxLookupBurst = 256;

ContestOptions LookupContest(const RouteBenchOptions& options);
// Also notes how memory is backed now.
std::vector<ContestResult> RunLookups(const std::vector<Contestant>& contestants,
                                      const RouteBenchOptions& options, ContestRow& row);

// Lookups of ours in bursts, answers thrown away. All outlive the contestant.
Contestant OurTables(const FibSet& set, const std::vector<uint32_t>& table_of_key,
                     const std::vector<uint32_t>& keys, uint32_t burst);
// Notes a broken claim where the batch form does not say what the plain form says.
void CheckOurTables(const FibSet& set, const std::vector<uint32_t>& table_of_key,
                    const std::vector<uint32_t>& keys, const std::string& what, ContestRow& row);
}  // namespace sluice
