#include "control/daemon/flow_logs.h"

namespace sluice {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Windows end this long before the clock: an idle line is reported kIdleReportDelayMs after its
// window and up to one round of the sweep later.
constexpr int64_t kSettleNs = 15'000'000'000;

}  // namespace

std::unique_ptr<FlowLogs> FlowLogs::Make(WorkerStates& states, MemorySource& memory) {
  std::unique_ptr<FlowLogs> logs(new FlowLogs(states));
  logs->sweep_ = SessionSweep::Make(states.sessions(), memory, true);
  return logs->sweep_ == nullptr ? nullptr : std::move(logs);
}

std::vector<std::string> FlowLogs::Configure(const CompiledConfig& config, int64_t epoch_ns) {
  Drain(epoch_ns);
  std::vector<InterfaceIdentity> identities;
  for (const std::string& name : config.interface_names) {
    // Sides that are no ENI have none.
    identities.push_back(
        {config.intent->FindNetworkInterface(name) != nullptr ? name : std::string()});
  }
  return reader_.Configure(config.intent->intent(), identities, config.nat_gateway_ids, epoch_ns);
}

void FlowLogs::Drain(int64_t epoch_ns) {
  for (uint32_t worker = 0; worker < states_.worker_count(); ++worker) {
    reader_.Drain(states_.account(worker), worker, epoch_ns, sweep_.get());
  }
}

void FlowLogs::Step(const BurstClock& clock, GracePeriods& grace) {
  Drain(static_cast<int64_t>(clock.epoch_ms) * kNsPerMs);
  sweep_->Step(clock, SweepPairsAStep(states_.sessions().pair_count()), grace, this);
}

void FlowLogs::ReturnPairs(const BurstClock& clock, GracePeriods& grace) {
  Drain(static_cast<int64_t>(clock.epoch_ms) * kNsPerMs);
  sweep_->ReturnPairs(clock, SweepPairsAStep(states_.sessions().pair_count()), grace, this);
}

absl::Status FlowLogs::Publish(int64_t epoch_ns) {
  return recorder_.Advance(epoch_ns - kSettleNs);
}

absl::Status FlowLogs::Finish(const BurstClock& clock) {
  const int64_t epoch_ns = static_cast<int64_t>(clock.epoch_ms) * kNsPerMs;
  for (uint32_t worker = 0; worker < states_.worker_count(); ++worker) {
    states_.account(worker).EmitAll();  // the worker has left: its end of the ring is ours
    reader_.Drain(states_.account(worker), worker, epoch_ns, sweep_.get());
  }
  sweep_->ExportAll(clock, *this);
  return recorder_.Finish(epoch_ns);
}

}  // namespace sluice
