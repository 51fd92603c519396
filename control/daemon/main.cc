#include <cstdio>

#include "control/daemon/flags.h"
#include "control/daemon/sluiced.h"

int main(int argc, char** argv) {
  const absl::StatusOr<sluice::CommandLine> line =
      sluice::ParseCommandLine({argv + 1, argv + argc});
  if (!line.ok()) {
    std::fprintf(stderr, "sluiced: %s\nTry `sluiced --help`.\n",
                 std::string(line.status().message()).c_str());
    return 2;
  }
  if (line->help) {
    std::fputs(sluice::HelpText().c_str(), stdout);
    return 0;
  }
  if (line->version) {
    std::printf("sluiced %s\n", SLUICE_VERSION);
    return 0;
  }
  return sluice::RunDaemon(line->options);
}
