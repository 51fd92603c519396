// The verbs of `sluice`. Each prints its answer to stdout, mistakes to stderr, and returns the exit
// code. Main thread.
#pragma once

#include <vector>

#include "tools/sluice/command_line.h"

namespace sluice {

// All of them, in the order of the help.
std::vector<Verb> AllVerbs();

int RunDoctor(const Arguments& arguments);
int RunCheck(const Arguments& arguments);
int RunApply(const Arguments& arguments);
int RunDiff(const Arguments& arguments);
int RunExport(const Arguments& arguments);
int RunRollback(const Arguments& arguments);
int RunExplain(const Arguments& arguments);
int RunReplayVerb(const Arguments& arguments);
int RunShow(const Arguments& arguments);
int RunTop(const Arguments& arguments);

}  // namespace sluice
