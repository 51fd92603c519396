// flow-logs/: the accounting of an offline dataplane as AWS's tree of files, window by window.
//
// One thread. Configure with every generation (the dataplane gives up the records of the one before
// by itself), Finish once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/compile/compiler.h"
#include "control/telemetry/accounting_reader.h"
#include "control/telemetry/flow_log_recorder.h"
#include "tools/sluice/offline_sweep.h"

namespace sluice {

class ReplayFlowLogs final : public OfflineFlowRecords {
 public:
  // Every log goes below `folder`.
  explicit ReplayFlowLogs(const std::string& folder);

  // Sentences about logs that cannot be written.
  std::vector<std::string> Configure(const CompiledConfig& config, int64_t at_ns);
  void OnRecord(const FlowRecord& record) override;
  void OnMinuteEnded(int64_t end_ns) override;
  absl::Status Finish(int64_t end_ns);

 private:
  FlowLogRecorder recorder_;
  AccountingReader reader_;
  absl::Status status_;
};

}  // namespace sluice
