// The dataplane of one daemon as one object: runtime, workers' state, compiler, publisher, and
// their order of birth and death. No DPDK type appears here.
//
//   Open -> applier().Apply -> StartWorkers -> (the control thread ticks, operators ask) -> Stop
//
// Main thread; after StartWorkers everything here belongs to whoever holds the daemon's control
// lock, but Apply and Rollback of the applier, which take it themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/apply/applier.h"
#include "control/daemon/flow_logs.h"
#include "control/daemon/options.h"
#include "control/daemon/secrets.h"
#include "control/daemon/worker_state.h"
#include "dataplane/publish/publisher.h"
#include "dataplane/runtime/neighbor_resolver.h"
#include "dataplane/runtime/runtime.h"

namespace sluice {

// The machine's clocks.
class SystemClock final : public ApplyClock {
 public:
  int64_t EpochNs() override;
  int64_t MonotonicNs() override;
  void Pause() override;
};

class LiveDataplane {
 public:
  // Devices open and memory reserved; nothing is forwarded. Nothing is left on an error. `control`,
  // the control lock, outlives the dataplane.
  static absl::StatusOr<std::unique_ptr<LiveDataplane>> Open(const ValidatedIntent& intent,
                                                             const DaemonOptions& options,
                                                             std::mutex& control);
  ~LiveDataplane();

  // Once, after the first configuration was applied.
  absl::Status StartWorkers();

  // The periodic work of the control thread, every few milliseconds: learned next hops, ARP
  // requests, sessions, flow logs, replaced generations. Bounded.
  void Tick();
  // Between ticks, every millisecond or so while it is urgent: a full session table lives on what
  // comes back.
  void ReturnSessions() { flow_logs_->ReturnPairs(Now(), qsbr_); }
  bool ReturningIsUrgent() const { return states_->sessions().IsShortOfPairs(); }
  // Sentences since the last call that an operator should read, such as a flow log's full disk.
  std::vector<std::string> TakeNotes() { return std::exchange(notes_, {}); }

  // Drains and ends the workers, writes what flow logs are left, closes the ports. Once.
  MbufAccount Stop();

  Applier& applier() { return applier_; }
  Runtime& runtime() { return *runtime_; }
  WorkerStates& states() { return *states_; }
  const NeighborResolver& neighbors() const { return resolver_; }
  FlowLogs& flow_logs() { return *flow_logs_; }

 private:
  LiveDataplane(std::unique_ptr<Runtime> runtime, std::unique_ptr<WorkerStates> states,
                std::unique_ptr<FlowLogs> flow_logs, CompileOptions compile, std::mutex& control);
  void Follow(const CompiledConfig& config);
  void ResolveNextHops(int64_t monotonic_ns);
  BurstClock Now();

  // In the order of birth: each may use those above it.
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<WorkerStates> states_;
  std::unique_ptr<FlowLogs> flow_logs_;
  SystemClock clock_;
  Qsbr qsbr_;
  Compiler compiler_;
  Publisher<Snapshot> publisher_;
  Applier applier_;
  NeighborResolver resolver_;
  int64_t published_ns_ = 0;  // monotonic: when flow-log files were last looked after
  std::vector<std::string> notes_;
};

}  // namespace sluice
