// Rows of contests on the screen and in the report. Main thread.
#pragma once

#include "absl/status/statusor.h"
#include "tools/bench/contest_row.h"

namespace sluice {

// The columns' names; nothing with -j.
void PrintContestHead(const char* title);
// One line; nothing with -j. The name is printed without its first part.
void PrintContestFigure(const Machine& machine, const Figure& figure);

// Takes a row into the report and prints it. False after a message: it could not be made.
bool TakeContestRow(const absl::StatusOr<ContestRow>& row, Report& report);
// Notes who was not run and why, in the report's settings and on the screen.
void NoteAbsent(const std::string& absent, Report& report);

}  // namespace sluice
