// The command line of sluiced: gflags hold names, types, defaults and descriptions; values come
// from the line, else from SLUICE_<FLAG> in the environment. Part of the program, not of the
// library. Main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/daemon/options.h"

namespace sluice {

struct CommandLine {
  bool help = false;     // `--help` was asked for: print HelpText() and exit 0
  bool version = false;  // `--version` was asked for
  DaemonOptions options;
};

// `words` without the program's name. InvalidArgument, one sentence, for usage errors.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& words);

std::string HelpText();

}  // namespace sluice
