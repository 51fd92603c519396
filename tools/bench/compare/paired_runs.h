// Two programs run in turn, old new new old and so on, so that what the machine does meets both
// alike. Main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/compare/comparison.h"

namespace sluice {

struct PairedRuns {
  std::string old_program;
  std::string new_program;
  std::vector<std::string> command;  // of both: a subcommand and its flags, without -j
  uint32_t pairs = 0;
};

// The figures that both report, each with one value a pair. An error says which run failed and
// what it printed. `progress` is told how many pairs are done.
absl::StatusOr<std::vector<MeasuredTwice>> RunPairs(const PairedRuns& runs,
                                                    const std::function<void(uint32_t)>& progress);

}  // namespace sluice
