// What the control thread does for a running dataplane between bursts, for one that runs offline:
// takes expired sessions out of the table, frees pairs, and brings the accounting out window by
// window. When it acts depends on the virtual clock and on counts of packets, never on where bursts
// begin or end.
//
// One thread. Calls in the order of time.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/session/accounting.h"
#include "dataplane/session/ageing.h"
#include "dataplane/session/session_table.h"

namespace sluice {

// Receives what flow logs are made of.
class OfflineFlowRecords : public FlowRecordSink {
 public:
  // Every record of packets before `end_ns` has been given; only later ones follow.
  virtual void OnMinuteEnded(int64_t end_ns) = 0;
};

class OfflineSweep {
 public:
  // nullptr when memory is short. `account` and `records`: both or neither.
  static std::unique_ptr<OfflineSweep> Make(SessionTable& sessions, FlowAccount* account,
                                            OfflineFlowRecords* records);

  // After every burst, of `packet_count` packets: frees what it unlinked.
  void AfterBurst(const BurstClock& clock, uint32_t packet_count);
  // The next moment behind `now_ns` and at or before `target_ns` at which AtStop must be called,
  // the clock standing there: windows must be reported within hours, and ages are signed.
  int64_t NextStop(int64_t now_ns, int64_t target_ns) const;
  void AtStop(int64_t now_ns, const BurstClock& clock);
  // Before another configuration: records so far keep the meaning of this one.
  void BeforeApply(const BurstClock& clock);
  // Reports everything that was counted, once, at the end.
  void AtEnd(const BurstClock& clock);

 private:
  static constexpr int64_t kNever = INT64_MAX;

  OfflineSweep(SessionTable& sessions, FlowAccount* account, OfflineFlowRecords* records)
      : sessions_(sessions), account_(account), records_(records) {}

  void TakeRecords();
  uint64_t PacketsForARound() const;
  void SweepAll(int64_t now_ns, const BurstClock& clock);

  SessionTable& sessions_;
  FlowAccount* account_;
  OfflineFlowRecords* records_;
  std::unique_ptr<SessionSweep> sweep_;
  int64_t report_due_ns_ = kNever;
  uint32_t last_packet_minute_ = 0;
  int64_t last_sweep_ns_ = 0;
  uint64_t packets_since_sweep_ = 0;
};

}  // namespace sluice
