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

// How much is measured. What is left out has its reason in the row.
struct TargetEffort {
  bool quick = false;        // sizes that take seconds
  bool million_acl = false;  // rte_acl with 1M rules too, which takes minutes
};

// All rows in order.
std::vector<Target> AllTargets(const TargetEffort& effort);

}  // namespace sluice
