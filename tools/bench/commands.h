// The subcommands of `sluice-bench`. Each prints its answer to stdout, mistakes to stderr, and
// returns the exit code. Main thread.
#pragma once

#include <vector>

#include "tools/sluice/command_line.h"

namespace sluice {

inline constexpr const char* kBenchName = "sluice-bench";
inline constexpr const char* kBenchSummary =
    "The load tester of a Sluice VPC. Needs no NIC, no hugepages and no root.";

// Those whose figures are times of the dataplane: what `compare --of` runs.
std::vector<Verb> MeasuringCommands();
// All of them, in the order of the help: these, then what counts, judges or draws.
std::vector<Verb> AllBenchCommands();

// Each with its help and flags, beside the code that runs it.
Verb ForwardCommand();
Verb FlowsCommand();
Verb RivalsCommand();
Verb RoutesCommand();
Verb RulesCommand();
Verb BudgetCommand();
Verb CompareCommand();
Verb CpsCommand();
Verb LatencyCommand();
Verb ScaleCommand();
Verb ExportCommand();
Verb TrendCommand();
Verb TargetsCommand();
Verb ReportCommand();
Verb UpdateCommand();
Verb HeroCommand();

}  // namespace sluice
