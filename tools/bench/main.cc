// sluice-bench: the load tester.
#include <string>
#include <vector>

#include "tools/bench/commands.h"

int main(int argc, char** argv) {
  sluice::NameProgram(sluice::kBenchName, sluice::kBenchSummary);
  return sluice::RunCommandLine(sluice::AllBenchCommands(),
                                std::vector<std::string>(argv + 1, argv + argc));
}
