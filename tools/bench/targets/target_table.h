// The bar: what Sluice has to reach, row by row, and which subcommand measures it. Main thread.
#pragma once

#include <string>
#include <vector>

namespace sluice {

enum class Relation { kAtMost, kAtLeast };

// A number in the report of a subcommand.
struct Reading {
  std::vector<std::string> command;  // subcommand and flags; empty: there is none
  std::string figure;                // a name; with '*' at its end every figure that begins so
  std::string key;                   // of the figure's numbers
};

struct Goal {
  std::string what;  // "ticks a packet"
  Reading reading;   // of several figures the worst counts; no command: `why` says why
  Relation relation = Relation::kAtMost;
  double bound = 0;
  Reading times;  // with a command: the bound is a multiple of this
  std::string why;
};

struct Target {
  std::string id;
  std::string work;
  std::vector<Goal> goals;
  std::vector<Reading> rivals;  // without key; what is printed beside
  // What was measured elsewhere and is only repeated here.
  std::string quoted;
};

// All rows in order. `quick`: sizes that take seconds; rows that make no sense so are left with
// their reason.
std::vector<Target> AllTargets(bool quick);

}  // namespace sluice
