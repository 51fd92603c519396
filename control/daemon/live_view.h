// What operators and metrics see of a live dataplane. Main thread; the functions inside are called
// by whoever holds the control lock.
#pragma once

#include <functional>
#include <mutex>

#include "control/api/daemon_view.h"
#include "control/daemon/dataplane.h"

namespace sluice {

// `dataplane` and `control` outlive the view. `request_stop` is called by any thread.
DaemonView ViewOf(LiveDataplane& dataplane, std::mutex& control, bool enforce_quotas,
                  std::function<void()> request_stop);

}  // namespace sluice
