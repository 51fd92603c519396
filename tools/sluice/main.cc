// sluice: the client of sluiced and the offline toolbox. Links no DPDK.
#include <string>
#include <vector>

#include "tools/sluice/verbs.h"

int main(int argc, char** argv) {
  return sluice::RunCommandLine(sluice::AllVerbs(),
                                std::vector<std::string>(argv + 1, argv + argc));
}
