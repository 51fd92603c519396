// The way from the workers' accounting (dataplane/session/accounting.h, decision 23) into flow
// logs: drains each worker's ring, leaves out what the session sweep has reported too, and expands
// one line's record into the ACCEPT of each interface of its walk.
// Control thread or an offline tool, one thread.
//
// Order in the daemon, every tick: Drain each worker, then a step of the SessionSweep with a sink
// that Reports (idle lines, and the last windows of pairs whose memory is about to be free); now
// and then FlowLogRecorder::Advance to a time at least one round of the sweep behind the clock. At
// the end, when the workers are at rest: EmitAll of the account, Drain, ExportAll of the sweep,
// then FlowLogRecorder::Finish.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "control/intent/intent.h"
#include "control/telemetry/flow_log_recorder.h"
#include "control/telemetry/flow_path.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/ageing.h"
#include "dataplane/session/session_table.h"

namespace sluice {

class AccountingReader {
 public:
  // `recorder` outlives the reader.
  explicit AccountingReader(FlowLogRecorder& recorder) : recorder_(recorder) {}

  // What indices of later records mean: `identities` by InterfaceIdx (empty ids: sides that are no
  // ENI), `nat_gateway_ids` by NatGatewayIdx. Configures the recorder too; drain and sweep before
  // it, so that records of the generation before are read with its indices. Returns the recorder's
  // problems.
  std::vector<std::string> Configure(const Intent& intent,
                                     const std::vector<InterfaceIdentity>& identities,
                                     const std::vector<std::string>& nat_gateway_ids,
                                     int64_t at_ns);

  // Takes every record of one worker's ring; `worker_idx` is dense. Windows that `sweep`
  // (nullptr: none) has reported already are left out. Records lost since the last call are
  // SKIPDATA at `now_ns`.
  void Drain(FlowAccount& account, size_t worker_idx, int64_t now_ns,
             const SessionSweep* sweep = nullptr);

  // One record, however it came.
  void Report(const FlowRecord& record);

  uint64_t duplicate_count() const { return duplicate_count_; }

 private:
  struct NatGatewayRow {
    uint32_t interface_idx = kNoInterface;
    std::vector<NatGatewayAddress> addresses;
    Ipv4Address PrivateOf(Ipv4Address seen) const;
  };
  struct Lost {
    uint64_t total = 0;
    std::vector<uint32_t> by_interface;
  };

  void ExpandLine(const FlowRecord& record);
  void ExpandNatGateway(const FlowRecord& record, const NatGatewayRow& gateway);
  void Sight(const FlowRecord& record, uint32_t interface_idx, FlowDirection direction,
             Ipv4Address source, uint16_t source_l4_port, Ipv4Address destination,
             uint16_t destination_l4_port);
  void ReportLosses(const FlowAccount& account, Lost& lost, int64_t now_ns);

  FlowLogRecorder& recorder_;
  FlowPaths paths_;
  size_t interface_count_ = 0;
  std::vector<NatGatewayRow> nat_gateways_;
  std::vector<Lost> lost_;  // by worker
  uint64_t duplicate_count_ = 0;
};

}  // namespace sluice
