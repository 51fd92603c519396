// The bar: what Sluice has to reach, row by row, and which subcommand measures it. Main thread.
#pragma once

#include <string>
#include <vector>

namespace sluice {

enum class Relation { kAtMost, kAtLeast };

// A number that a report of a subcommand holds, and what it has to be.
struct Goal {
  std::string what;                  // "ticks a packet"
  std::vector<std::string> command;  // a subcommand and flags; empty: `why` says why there is none
  std::string figure;                // a name; with '*' at its end every figure that begins so
  std::string key;                   // of the figure's numbers; of several figures the worst counts
  Relation relation = Relation::kAtMost;
  double bound = 0;
  // Empty, or a goal whose measured number the bound is a multiple of: "T2" its first.
  std::string times;
  std::string why;
};

struct Target {
  std::string id;
  std::string work;
  std::vector<Goal> goals;
  // Figures of rivals in the same reports, as in Goal::figure.
  std::vector<std::string> rivals;
  // What was measured elsewhere and is only repeated here.
  std::string quoted;
};

// All rows in order. `quick`: sizes that take seconds; rows that make no sense so are left with
// their reason.
std::vector<Target> AllTargets(bool quick);

}  // namespace sluice
