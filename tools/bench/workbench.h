// A dataplane with established flows, ready to be measured: configuration, sessions and links, the
// same for every subcommand. Main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "perf/workload/burst_driver.h"
#include "perf/workload/flow_opener.h"
#include "perf/workload/flow_plan.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice {

struct WorkbenchOptions {
  std::shared_ptr<const ValidatedIntent> intent;
  Traffic traffic = Traffic::kNat;
  Protocols protocols = Protocols::kMixed;
  std::vector<FlowTarget> targets;  // where flows go; none: what `traffic` and `protocols` say
  uint32_t flows = 0;
  uint32_t burst = 32;
  uint64_t seed = 1;
  HashKind hash = HashKind::kAuto;
  MemorySource* memory = nullptr;  // as in OfflineOptions
  bool session_cache = true;
  int64_t burst_ns = 0;       // the clock moves so much from burst to burst; 0: with real time
  bool flow_account = false;  // as in the daemon: what flow logs are made of is kept
};

class Workbench {
 public:
  // Opens every flow through the pipeline. An error says what does not pass, or how many flows the
  // configuration has room for.
  static absl::StatusOr<std::unique_ptr<Workbench>> Make(const WorkbenchOptions& options);

  const CompiledConfig& config() const { return dataplane_->config(); }
  OfflineDataplane& dataplane() { return *dataplane_; }
  WorkerContext& worker() { return dataplane_->worker(); }
  BurstDriver& driver() { return *driver_; }
  const Links& links() const { return links_; }
  const std::vector<OpenFlow>& flows() const { return flows_; }
  const std::vector<FlowFamily>& families() const { return families_; }
  double open_seconds() const { return open_seconds_; }
  uint64_t table_bytes() const { return dataplane_->sessions().bytes(); }
  // Of a session, both directions and everything included, when the table is full.
  double bytes_per_session() const;

  // The clock of the next burst: real time since the bench was made, read from the time-stamp
  // counter, or burst_ns later than the last one.
  void ReadClock() noexcept;
  int64_t burst_ns() const { return burst_ns_; }  // 0: real time

 private:
  Workbench() = default;
  absl::Status OpenFlows(const WorkbenchOptions& options);

  std::unique_ptr<OfflineDataplane> dataplane_;
  Links links_;
  std::unique_ptr<BurstDriver> driver_;
  std::vector<FlowFamily> families_;
  std::vector<OpenFlow> flows_;
  double open_seconds_ = 0;
  int64_t burst_ns_ = 0;
  int64_t steps_ns_ = 0;  // of burst_ns, so far
  uint64_t start_ticks_ = 0;
  double ns_per_tick_ = 0;
};

}  // namespace sluice
