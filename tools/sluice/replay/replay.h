// `sluice replay` without its command line: captures in, the real pipeline with the captures'
// clock, a folder of results out (interface.md §6). The same plan gives the same bytes.
//
// One thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/intent/validated_intent.h"
#include "tools/sluice/replay/replay_summary.h"

namespace sluice {

struct ReplayInput {
  std::string port;
  std::string path;  // of the capture
};

// A configuration that takes over at a moment, before every packet of that time or later.
struct ReplayChange {
  bool since_first_packet = false;  // else since the epoch
  int64_t time_ns = 0;
  std::string name;  // for messages
  std::shared_ptr<const ValidatedIntent> intent;
};

struct ReplayPlan {
  std::shared_ptr<const ValidatedIntent> intent;
  std::vector<ReplayChange> changes;  // of equal times, the earlier in this list comes first
  std::vector<ReplayInput> inputs;
  std::string out;  // folder of results
  int64_t idle_after_ns = 0;
  uint64_t seed = 0;
  uint32_t burst = 32;
  bool session_cache = true;
  // Ends the run when another thread or a signal sets it; nullptr: nothing does.
  const std::atomic<bool>* interrupted = nullptr;
};

struct ReplayReport {
  ReplaySummary summary;
  std::vector<std::string> notes;  // sentences: what was asked for and did not take effect
};

// InvalidArgument: a port or a capture that cannot be read as asked. Cancelled: interrupted.
// Anything else went wrong on the way. In every case the folder of results is as it was.
absl::StatusOr<ReplayReport> RunReplay(const ReplayPlan& plan);

}  // namespace sluice
