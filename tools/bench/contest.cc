#include "tools/bench/contest.h"

#include "dataplane/base/check.h"
#include "tools/bench/thread_clock.h"

namespace sluice {
namespace {

double NsOfRound(const Contestant& contestant, size_t first, size_t count, bool warm) {
  if (warm) {
    contestant.run(first, count);
  }
  const int64_t start = ThreadCpuNs();
  contestant.run(first, count);
  return static_cast<double>(ThreadCpuNs() - start) / static_cast<double>(count);
}

}  // namespace

std::vector<ContestResult> RunContest(const std::vector<Contestant>& contestants,
                                      const ContestOptions& options) {
  SLUICE_CHECK(options.round_items >= 1 && options.round_items <= options.items);
  const size_t all = contestants.size();
  std::vector<std::vector<double>> ns(all), ratio(all);
  size_t first = 0;
  std::vector<double> now(all);
  for (uint32_t round = 0; round <= options.rounds; ++round) {
    if (first + options.round_items > options.items) {
      first = 0;
    }
    for (size_t turn = 0; turn < all; ++turn) {
      const size_t who = round % 2 == 0 ? turn : all - 1 - turn;
      now[who] = NsOfRound(contestants[who], first, options.round_items, options.warm);
    }
    first += options.round_items;
    for (size_t who = 0; who < all && round != 0; ++who) {
      ns[who].push_back(now[who]);
      ratio[who].push_back(now[0] > 0 ? now[who] / now[0] : 0);
    }
  }
  std::vector<ContestResult> results;
  for (size_t who = 0; who < all; ++who) {
    results.push_back({SpreadOf(ns[who]), SpreadOf(ratio[who])});
  }
  return results;
}

}  // namespace sluice
