#include "tools/bench/latency/load_account.h"

#include <cstdio>

namespace sluice {

std::string LoadAccount::WhyNotCarried(uint64_t arrived) const {
  if (arrived == 0) {
    return "no packet arrived";
  }
  const double all = static_cast<double>(arrived);
  const double lost_share = static_cast<double>(lost_) / all;
  const double explained_share = explained_ / all;
  const bool worker_is_slow = lost_share - explained_share > kMostUnexplainedShare;
  if (!worker_is_slow && lost_share <= kMostLostShare) {
    return "";
  }
  char text[256];
  std::snprintf(text, sizeof text,
                "%.1f %% of the packets were lost, %.1f %% while the system had the CPU: %s",
                100 * lost_share, 100 * explained_share,
                worker_is_slow ? "the worker did not keep up with this rate"
                               : "take a machine, or a CPU (taskset), with less beside");
  return text;
}

}  // namespace sluice
