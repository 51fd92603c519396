// Flow logs from end to end: observations in, AWS's tree of files out. What the daemon and `sluice
// replay` hold. Control thread or an offline tool, one thread; time is an argument and must not run
// back.
//
// Order of calls: Configure before the first observation and at every new generation; Observe as
// they come; Advance now and then; Finish once. Errors of one file do not stop the others; each
// call returns the first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/intent/intent.h"
#include "control/telemetry/flow_log_aggregator.h"
#include "control/telemetry/flow_log_files.h"
#include "control/telemetry/flow_record.h"

namespace sluice {

class FlowLogRecorder {
 public:
  struct Options {
    // Set in replay: every log goes there, whatever Host says. Empty: Host.FlowLogFolder by
    // LogDestination.
    std::string folder;
    FlowLogFiles::Options files;
    size_t max_open_flow_count = size_t{1} << 23;
  };
  explicit FlowLogRecorder(Options options);

  // From `at_ns` on `intent` holds; `identities` is the order in which later observations number
  // interfaces. The first call's time is that of the first window (replay: the first packet).
  // What ended before stays open for records of it that have yet to come: Advance closes it.
  // Returns the sentences of logs that cannot be written.
  std::vector<std::string> Configure(const Intent& intent,
                                     const std::vector<InterfaceIdentity>& identities,
                                     int64_t at_ns);

  void Observe(const FlowObservation& observation) { aggregator_.Observe(observation); }
  void ReportLoss(std::optional<uint32_t> interface_idx, int64_t at_ns) {
    aggregator_.ReportLoss(interface_idx, at_ns);
  }

  // Closes every window that ended at or before `through_ns` and publishes the files that are
  // complete. In the daemon `through_ns` lies behind the clock by the time that observations need
  // to arrive.
  absl::Status Advance(int64_t through_ns);
  // Closes every window up to the one that holds `end_ns`, and publishes everything.
  absl::Status Finish(int64_t end_ns);

  const FlowLogAggregator& aggregator() const { return aggregator_; }
  const FlowLogFiles& files() const { return files_; }

 private:
  void Write(const ClosedWindow& window);
  void CloseThrough(int64_t through_ns);
  // Marks the lossy logs' windows at `at_ns` as SKIPDATA and returns the first error since the last
  // call.
  absl::Status Settle(int64_t at_ns);

  const Options options_;
  FlowLogAggregator aggregator_;
  FlowLogFiles files_;
  absl::Status error_;
  bool configured_ = false;
  int64_t closed_through_ns_ = 0;
  std::string lines_;  // kept for its memory
};

}  // namespace sluice
