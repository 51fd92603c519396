#include "tools/sluice/replay/replay.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "dataplane/base/check.h"
#include "tools/sluice/offline_dataplane.h"
#include "tools/sluice/replay/buffered_file.h"
#include "tools/sluice/replay/capture_merge.h"
#include "tools/sluice/replay/capture_writer.h"
#include "tools/sluice/replay/next_hop_macs.h"
#include "tools/sluice/replay/replay_flow_logs.h"
#include "tools/sluice/replay/replay_ports.h"
#include "tools/sluice/replay/result_folder.h"
#include "tools/sluice/replay/verdict_lines.h"

namespace sluice {
namespace {

constexpr char kVerdicts[] = "verdicts.jsonl";
constexpr char kSummary[] = "summary.json";
constexpr char kFlowLogs[] = "flow-logs";
constexpr char kFlowLogTree[] = "flow-logs/AWSLogs";

constexpr int64_t kEndOfClockNs = (int64_t{1} << 32) * 1'000'000'000;  // in 2106

// Of non-negative times.
int64_t ClampedSum(int64_t a, int64_t b) {
  return a > kEndOfClockNs - std::min(b, kEndOfClockNs) ? kEndOfClockNs : a + b;
}

class Replay {
 public:
  explicit Replay(const ReplayPlan& plan)
      : plan_(plan),
        ports_(PortsOf(plan)),
        sink_([this](const OfflineResult& result) { Settle(result); }) {}

  absl::StatusOr<ReplayReport> Run() {
    absl::Status status = CheckReplayPorts(plan_, ports_);
    for (absl::Status (Replay::*step)() :
         {&Replay::OpenCaptures, &Replay::OpenResults, &Replay::Start, &Replay::Feed, &Replay::End,
          &Replay::WriteResults}) {
      if (status.ok()) {
        status = (this->*step)();
      }
    }
    if (!status.ok()) {
      return status;
    }
    return std::move(report_);
  }

 private:
  absl::Status OpenCaptures();
  absl::Status OpenResults();
  absl::Status Start();
  absl::Status Feed();
  absl::Status End();
  absl::Status WriteResults();

  absl::Status ApplyDue(int64_t time_ns);
  absl::Status Configure();
  void FeedBurst();
  void Settle(const OfflineResult& result);
  PortIdx PortOf(const std::string& name) const {
    const auto found = std::find(ports_.begin(), ports_.end(), name);
    return PortIdx(static_cast<uint16_t>(found - ports_.begin()));
  }

  const ReplayPlan& plan_;
  const std::vector<std::string> ports_;  // by PortIdx
  const OfflineDataplane::Sink sink_;
  ReplayReport report_;

  std::unique_ptr<CaptureMerge> captures_;
  std::vector<PortIdx> port_of_capture_;
  NextHopMacs next_hops_;

  std::unique_ptr<ResultFolder> folder_;
  std::vector<CaptureWriter> sent_;  // by PortIdx
  std::unique_ptr<VerdictLines> verdicts_;
  std::unique_ptr<ReplayFlowLogs> flow_logs_;  // none: no configuration has any

  std::vector<ReplayChange> changes_;  // in the order of time, since the epoch
  size_t next_change_ = 0;
  std::unique_ptr<OfflineDataplane> dataplane_;
  int64_t clock_ns_ = 0;
  uint64_t frame_count_ = 0;
  std::vector<OfflineInput> burst_;  // of clock_ns_
};

absl::Status Replay::OpenCaptures() {
  next_hops_.Want(plan_.intent->host());
  for (const ReplayChange& change : plan_.changes) {
    next_hops_.Want(change.intent->host());
  }
  std::vector<std::unique_ptr<CaptureReader>> readers;
  for (const ReplayInput& input : plan_.inputs) {
    absl::StatusOr<std::unique_ptr<CaptureReader>> reader = CaptureReader::Open(input.path);
    if (!reader.ok()) {
      return reader.status();
    }
    readers.push_back(*std::move(reader));
    port_of_capture_.push_back(PortOf(input.port));
  }
  captures_ = std::make_unique<CaptureMerge>(std::move(readers));
  return captures_->Survey([this](size_t source, const CapturedFrame& frame) {
    next_hops_.Look(plan_.inputs[source].port, frame.bytes);
  });
}

absl::Status Replay::OpenResults() {
  absl::StatusOr<std::unique_ptr<ResultFolder>> folder = ResultFolder::Make(plan_.out);
  if (!folder.ok()) {
    return folder.status();
  }
  folder_ = *std::move(folder);
  for (const std::string& port : ports_) {
    sent_.emplace_back(folder_->Draft(CaptureNameOf(port)));
  }
  verdicts_ = std::make_unique<VerdictLines>(folder_->Draft(kVerdicts), ports_);
  bool logs = !plan_.intent->intent().flow_logs.empty();
  for (const ReplayChange& change : plan_.changes) {
    logs |= !change.intent->intent().flow_logs.empty();
  }
  if (logs) {
    flow_logs_ = std::make_unique<ReplayFlowLogs>(folder_->Draft(kFlowLogs));
  }
  return absl::OkStatus();
}

absl::Status Replay::Start() {
  OfflineOptions options;
  options.seed = plan_.seed;
  options.batch_capacity = plan_.burst;
  options.session_cache = plan_.session_cache;
  options.flow_records = flow_logs_.get();
  options.port_names = ports_;
  absl::StatusOr<std::unique_ptr<OfflineDataplane>> dataplane =
      OfflineDataplane::Make(plan_.intent, options);
  if (!dataplane.ok()) {
    return dataplane.status();
  }
  dataplane_ = *std::move(dataplane);
  clock_ns_ = captures_->first_ns().value_or(0);
  dataplane_->AdvanceTo(clock_ns_, sink_);
  changes_ = plan_.changes;
  for (ReplayChange& change : changes_) {
    change.time_ns = ClampedSum(change.time_ns, change.since_first_packet ? clock_ns_ : 0);
  }
  std::stable_sort(
      changes_.begin(), changes_.end(),
      [](const ReplayChange& a, const ReplayChange& b) { return a.time_ns < b.time_ns; });
  return Configure();
}

// After the dataplane has taken a configuration.
absl::Status Replay::Configure() {
  const CompiledConfig& config = dataplane_->config();
  verdicts_->Configure(config);
  for (const SideRow& side : config.snapshot->sides.span()) {
    if (side.port.has_value()) {
      dataplane_->SetNextHopMac(side.interface,
                                next_hops_.Of(ports_[side.port.index()], side.vlan, side.next_hop));
    }
  }
  if (flow_logs_ != nullptr) {
    for (std::string& problem : flow_logs_->Configure(config, clock_ns_)) {
      report_.notes.push_back(std::move(problem));
    }
  }
  return absl::OkStatus();
}

// Every change of this time or earlier.
absl::Status Replay::ApplyDue(int64_t time_ns) {
  absl::Status status;
  for (; status.ok() && next_change_ < changes_.size() && changes_[next_change_].time_ns <= time_ns;
       ++next_change_) {
    const ReplayChange& change = changes_[next_change_];
    clock_ns_ = std::max(clock_ns_, change.time_ns);
    dataplane_->AdvanceTo(clock_ns_, sink_);
    status = dataplane_->Apply(change.intent);
    if (!status.ok()) {
      return absl::Status(status.code(), change.name + ": " + std::string(status.message()));
    }
    if (change.intent->host().max_sessions != plan_.intent->host().max_sessions) {
      report_.notes.push_back(change.name +
                              ": Host.MaxSessions stays as it was: room is reserved at the start");
    }
    status = Configure();
  }
  return status;
}

void Replay::FeedBurst() {
  for (const OfflineInput& input : burst_) {
    verdicts_->Expect(clock_ns_, input.port);
  }
  dataplane_->Receive(clock_ns_, std::move(burst_), sink_);
  burst_.clear();
}

absl::Status Replay::Feed() {
  while (const MergedFrame* merged = captures_->Next()) {
    if (plan_.interrupted != nullptr && plan_.interrupted->load(std::memory_order_relaxed)) {
      return absl::CancelledError("interrupted: no result was written");
    }
    const int64_t time_ns = merged->frame.time_ns;
    if (!burst_.empty() && (time_ns != clock_ns_ || burst_.size() == plan_.burst)) {
      FeedBurst();
    }
    if (absl::Status status = ApplyDue(time_ns); !status.ok()) {
      return status;
    }
    clock_ns_ = time_ns;
    burst_.push_back({frame_count_++,
                      port_of_capture_[merged->source],
                      {merged->frame.bytes.begin(), merged->frame.bytes.end()}});
  }
  if (!burst_.empty()) {
    FeedBurst();
  }
  return captures_->status();
}

absl::Status Replay::End() {
  absl::Status status;
  if (captures_->first_ns()) {
    const int64_t end_ns = ClampedSum(clock_ns_, plan_.idle_after_ns);
    if (end_ns == kEndOfClockNs) {
      return absl::InvalidArgumentError("--idle-after goes beyond 2106");
    }
    status = ApplyDue(end_ns);
    clock_ns_ = end_ns;
    dataplane_->AdvanceTo(end_ns, sink_);
  }
  for (size_t i = next_change_; i < changes_.size(); ++i) {
    report_.notes.push_back(changes_[i].name + ": its time was never reached");
  }
  dataplane_->Drain(sink_);
  report_.summary.sessions = dataplane_->LiveSessions();
  report_.summary.generation = dataplane_->config().snapshot->generation;
  SLUICE_CHECK(report_.summary.received == frame_count_);
  if (flow_logs_ != nullptr && captures_->first_ns()) {
    dataplane_->ReportFlows();
    status.Update(flow_logs_->Finish(clock_ns_));
  }
  return status;
}

absl::Status Replay::WriteResults() {
  BufferedFile summary(folder_->Draft(kSummary));
  summary.text() = report_.summary.Json();
  summary.Flush();
  absl::Status status = summary.status();
  status.Update(verdicts_->Finish());
  std::vector<std::string> names;
  for (size_t i = 0; i < ports_.size(); ++i) {
    status.Update(sent_[i].Finish());
    names.push_back(CaptureNameOf(ports_[i]));
  }
  names.insert(names.end(), {kVerdicts, kSummary});
  return status.ok() ? folder_->Publish(kFlowLogTree, names) : status;
}

void Replay::Settle(const OfflineResult& result) {
  report_.summary.Count(result.verdict, result.reason);
  verdicts_->Settle(result);
  for (const OfflineOutput& output : result.outputs) {
    sent_[output.port.index()].Add(output.time_ns, output.bytes);
  }
}

}  // namespace

absl::StatusOr<ReplayReport> RunReplay(const ReplayPlan& plan) {
  return Replay(plan).Run();
}

}  // namespace sluice
