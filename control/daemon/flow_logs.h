// Flow logs of a running daemon: the workers' accounting in, files out. Also the session sweep,
// because a pair's last window must be read before its memory is free for another flow.
//
// Control thread only. Each call does a bounded share of the work.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/compile/compiler.h"
#include "control/daemon/worker_state.h"
#include "control/telemetry/accounting_reader.h"
#include "control/telemetry/flow_log_recorder.h"
#include "dataplane/base/grace_period.h"
#include "dataplane/session/ageing.h"

namespace sluice {

class FlowLogs final : private FlowRecordSink {
 public:
  // nullptr when memory is short. All references outlive it.
  static std::unique_ptr<FlowLogs> Make(WorkerStates& states, MemorySource& memory);

  // After each publication: what interfaces and gateways are called from now on. Returns the
  // sentences of logs that cannot be written.
  std::vector<std::string> Configure(const CompiledConfig& config, int64_t epoch_ns);

  // Every tick: takes what the workers reported, sweeps a share of the sessions.
  void Step(const BurstClock& clock, GracePeriods& grace);
  // Between ticks, while the session table is short of pairs: those that are ready go back.
  void ReturnPairs(const BurstClock& clock, GracePeriods& grace);
  // About once a second: ends windows and publishes files. The first error since the last call; the
  // lines it cost are reported as SKIPDATA.
  absl::Status Publish(int64_t epoch_ns);
  // Once, after the workers have left: everything that was counted is written.
  absl::Status Finish(const BurstClock& clock);

  const SweepCounts& sweep_counts() const { return sweep_->counts(); }
  uint64_t published_file_count() const { return recorder_.files().published_file_count(); }

 private:
  explicit FlowLogs(WorkerStates& states)
      : states_(states), recorder_(FlowLogRecorder::Options{}), reader_(recorder_) {}
  void OnRecord(const FlowRecord& record) override { reader_.Report(record); }
  void Drain(int64_t epoch_ns);

  WorkerStates& states_;
  FlowLogRecorder recorder_;
  AccountingReader reader_;
  std::unique_ptr<SessionSweep> sweep_;
};

}  // namespace sluice
