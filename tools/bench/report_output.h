// The way of a report out of every subcommand: what it starts with, where it is written, and the
// exit code. Main thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/bench/figure.h"

namespace sluice {

// Machine, memory mode and what was asked for (name, value); no figures yet.
Report StartReport(std::vector<std::pair<std::string, std::string>> settings);
// --benchmark_out, if given. False after a message.
bool WriteGoogleBenchmark(const Report& report);
// With -j, the report as JSON to stdout.
void PrintJson(const Report& report);
// Prints what was not as named to stderr; the exit code.
int JudgeReport(const Report& report);

}  // namespace sluice
