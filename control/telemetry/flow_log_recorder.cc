#include "control/telemetry/flow_log_recorder.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

constexpr int64_t kStepNs = 600 * kNanosPerSecond;
constexpr size_t kChunkBytes = 64 * 1024;  // whole lines handed over at a time

FlowLogStream StreamOf(const ClosedWindow& window) {
  FlowLogStream stream;
  stream.folder = window.log.folder;
  stream.account_id = window.interface.account_id;
  stream.region = window.interface.region;
  stream.flow_log_id = window.log.config.id;
  stream.hive_partitions = window.log.config.hive_partitions;
  stream.per_hour_partition = window.log.config.per_hour_partition;
  return stream;
}

}  // namespace

FlowLogRecorder::FlowLogRecorder(Options options)
    : options_(std::move(options)),
      aggregator_(options_.max_open_flow_count),
      files_(options_.files) {}

std::vector<std::string> FlowLogRecorder::Configure(
    const Intent& intent, const std::vector<InterfaceIdentity>& identities, int64_t at_ns) {
  if (!configured_) {
    closed_through_ns_ = at_ns;
    configured_ = true;
  }
  FlowLogPlan plan = BuildFlowLogPlan(intent, identities);
  std::vector<std::string> problems = plan.problems;
  for (FlowLogPlan::Log& log : plan.logs) {
    if (!options_.folder.empty()) {
      log.folder = options_.folder;
    }
    if (log.folder.empty()) {
      problems.push_back(log.config.id +
                         ": no folder for its LogDestination; set Host.FlowLogFolder");
    }
  }
  // Without a folder nothing is collected, rather than lost minute by minute.
  std::erase_if(plan.logs, [](const FlowLogPlan::Log& log) { return log.folder.empty(); });
  aggregator_.Configure(std::move(plan), at_ns);
  return problems;
}

void FlowLogRecorder::CloseThrough(int64_t through_ns) {
  // In steps, so that a long quiet time holds the files of one step open and not all of them.
  while (closed_through_ns_ < through_ns) {
    closed_through_ns_ = std::min(through_ns, (closed_through_ns_ / kStepNs + 1) * kStepNs);
    aggregator_.CloseThrough(closed_through_ns_, [this](const ClosedWindow& w) { Write(w); });
    error_.Update(files_.CloseThrough(closed_through_ns_ / kNanosPerSecond));
  }
}

absl::Status FlowLogRecorder::Advance(int64_t through_ns) {
  CloseThrough(through_ns);
  return Settle(through_ns);
}

absl::Status FlowLogRecorder::Finish(int64_t end_ns) {
  CloseThrough(end_ns);
  aggregator_.CloseAll(end_ns, [this](const ClosedWindow& window) { Write(window); });
  error_.Update(files_.CloseAll());
  return Settle(end_ns);
}

absl::Status FlowLogRecorder::Settle(int64_t at_ns) {
  for (const std::string& id : files_.TakeLossyLogIds()) {
    aggregator_.ReportLogLoss(id, at_ns);
  }
  return std::exchange(error_, absl::OkStatus());
}

void FlowLogRecorder::Write(const ClosedWindow& window) {
  const FlowLogStream stream = StreamOf(window);
  const auto flush = [&] {
    error_.Update(files_.Append(stream, window.log.format.header(), window.start_seconds,
                                window.log.config.interval_seconds, lines_));
    lines_.clear();
  };
  for (const FlowLogRecord& record : window.records) {
    window.log.format.AppendLine(window.interface, record, &lines_);
    if (lines_.size() >= kChunkBytes) {
      flush();
    }
  }
  flush();
}

}  // namespace sluice
