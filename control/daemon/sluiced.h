// The daemon: reads the configuration, opens the dataplane, serves operators, ticks until a signal
// ends it. Main thread.
#pragma once

#include "control/daemon/options.h"

namespace sluice {

// Returns the exit code: 0 after a clean end, 1 when it cannot run or leaks. Says why on stderr.
int RunDaemon(const DaemonOptions& options);

}  // namespace sluice
