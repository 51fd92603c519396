// From observations to flow-log records: sums per interface, five-tuple, direction and action in
// windows aligned to the epoch and exactly MaxAggregationInterval long (AWS-FL-03, 11, 12, 16).
// Control thread or an offline tool, one thread; no clock of its own. The same calls give the same
// records in the same order.
//
// A window belongs to a (log, interface) pair from the moment the configuration covers the
// interface until it no longer does; both end windows are reported too. A window without traffic is
// one NODATA line. A window in which something was lost has one SKIPDATA line after its records.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "control/telemetry/flow_log_plan.h"
#include "control/telemetry/flow_record.h"

namespace sluice {

// All records of one log at one interface in one closed window, in the order of the file.
struct ClosedWindow {
  const FlowLogPlan::Log& log;
  const FlowLogInterface& interface;
  int64_t start_seconds;
  std::vector<FlowLogRecord> records;  // already filtered by TrafficType; may be empty
};

class FlowLogAggregator {
 public:
  // Called in this order: by log id, then window, then interface id. Must not call the aggregator.
  using Sink = std::function<void(const ClosedWindow&)>;

  // `max_open_flow_count` bounds the five-tuples held in all open windows together; what comes
  // beyond is SKIPDATA.
  explicit FlowLogAggregator(size_t max_open_flow_count = size_t{1} << 23);
  ~FlowLogAggregator();

  // From `at_ns` on, `plan` holds: interfaces it covers anew start there, those it no longer covers
  // end there. A log that changed in any member is another log (AWS-FL-02). Observations of before
  // must have been given already, and CloseThrough called with that time.
  void Configure(FlowLogPlan plan, int64_t at_ns);

  // Counts what AWS would log, and ignores the rest (AWS-FL-17, interfaces without a log). An
  // observation of a window that is closed already is not counted but makes the current window
  // SKIPDATA.
  void Observe(const FlowObservation& observation);

  // Something was lost at `at_ns`, at one interface or, without one, at any of them.
  void ReportLoss(std::optional<uint32_t> interface_idx, int64_t at_ns);

  // Lines of one log were lost after they had left the aggregator (a file could not be written).
  void ReportLogLoss(const std::string& flow_log_id, int64_t at_ns);

  // Closes every window that ended at or before `through_ns`.
  void CloseThrough(int64_t through_ns, const Sink& sink);
  // Closes every window that overlaps [begin, end_ns], the last ones early: the end of a replay or
  // of the daemon.
  void CloseAll(int64_t end_ns, const Sink& sink);

  uint64_t late_observation_count() const { return late_observation_count_; }
  uint64_t overflow_count() const { return overflow_count_; }
  size_t open_flow_count() const { return open_flow_count_; }

 private:
  struct Window {
    absl::flat_hash_map<FlowKey, FlowSums> flows;
    bool loss = false;
  };
  // One interface under one log.
  struct Coverage {
    FlowLogInterface interface;
    int64_t next_start_seconds = 0;     // first window not yet closed
    std::optional<int64_t> end_ns;      // no longer covered from here
    std::map<int64_t, Window> windows;  // by start
  };
  struct Log {
    FlowLogPlan::Log plan;
    std::map<std::string, Coverage> coverages;  // by ENI id
  };

  struct Route {
    Log* log;
    Coverage* coverage;
  };

  static void MarkLoss(const Route& route, int64_t at_ns);
  void CloseLog(Log& log, int64_t through_seconds, const Sink& sink);
  void CloseWindow(const Log& log, Coverage& coverage, int64_t start_seconds, const Sink& sink);
  void AddTo(Coverage& coverage, int64_t interval_seconds, const FlowObservation& observation);
  void StartCoverages(Log& log, int64_t at_ns);
  void RebuildRoutes();

  const size_t max_open_flow_count_;
  size_t open_flow_count_ = 0;
  uint64_t late_observation_count_ = 0;
  uint64_t overflow_count_ = 0;
  FlowLogPlan plan_;
  std::map<std::string, std::vector<std::unique_ptr<Log>>>
      logs_;                                // by log id; older versions first
  std::vector<std::vector<Route>> routes_;  // by row of plan_.interfaces: the live coverages
};

}  // namespace sluice
