#include "tools/sluice/replay/replay_flow_logs.h"

namespace sluice {
namespace {

FlowLogRecorder::Options OptionsFor(const std::string& folder) {
  FlowLogRecorder::Options options;
  options.folder = folder;
  return options;
}

}  // namespace

ReplayFlowLogs::ReplayFlowLogs(const std::string& folder)
    : recorder_(OptionsFor(folder)), reader_(recorder_) {}

std::vector<std::string> ReplayFlowLogs::Configure(const CompiledConfig& config, int64_t at_ns) {
  std::vector<InterfaceIdentity> identities(config.interface_names.size());
  for (size_t i = 0; i < identities.size(); ++i) {
    const InterfaceRowKind kind = config.snapshot->interfaces[i].kind;
    if (kind == InterfaceRowKind::kEni || kind == InterfaceRowKind::kNatGateway) {
      identities[i].eni_id = config.interface_names[i];
    }
  }
  return reader_.Configure(config.intent->intent(), identities, config.nat_gateway_ids, at_ns);
}

void ReplayFlowLogs::OnRecord(const FlowRecord& record) {
  reader_.Report(record);
}

void ReplayFlowLogs::OnMinuteEnded(int64_t end_ns) {
  status_.Update(recorder_.Advance(end_ns));
}

absl::Status ReplayFlowLogs::Finish(int64_t end_ns) {
  status_.Update(recorder_.Finish(end_ns));
  return status_;
}

}  // namespace sluice
