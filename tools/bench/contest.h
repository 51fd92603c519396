// Several ways to do one thing, timed beside each other: each round runs all of them on the same
// items, every other round in reverse order, so that whatever the machine does meets all alike. CPU
// time of the thread. Main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/bench/samples.h"

namespace sluice {

struct Contestant {
  std::string name;
  // Handles items first .. first + count - 1. Keeps its answers from being optimised away.
  std::function<void(size_t first, size_t count)> run;
};

struct ContestOptions {
  size_t items = 0;        // in all; rounds go through them in turn, and start again
  size_t round_items = 0;  // 1 .. items
  uint32_t rounds = 0;
  // Each contestant does its round twice and the second is timed: the caches are as it leaves them
  // itself, and not full of another's tables.
  bool warm = false;
};

struct ContestResult {
  Spread ns;     // an item
  Spread ratio;  // of this one's ns to the first contestant's in the same round; 1 for the first
};

// One result a contestant, in their order. Starts with one round of each that does not count.
std::vector<ContestResult> RunContest(const std::vector<Contestant>& contestants,
                                      const ContestOptions& options);

}  // namespace sluice
