// What the daemon's control thread does for sessions, run between the bursts of a bench on the same
// thread, or on one of its own, and timed apart: the sweep, the return of pairs, and the emptying
// of the accounting's ring. As often as the daemon does it, on the clock it is given. One thread.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/session/accounting.h"
#include "dataplane/session/ageing.h"
#include "dataplane/session/session_table.h"

namespace sluice {

class ControlSide final : private FlowRecordSink {
 public:
  static constexpr uint32_t kPeriodMs = 10;  // the daemon's tick, and
  static constexpr uint32_t kShortMs = 1;    // while the table is short of pairs

  // nullptr when memory is short. Both outlive the result; `account` may be nullptr.
  // Without `grace` nobody else is there: pairs come back at once.
  static std::unique_ptr<ControlSide> Make(SessionTable& sessions, FlowAccount* account,
                                           GracePeriods* grace = nullptr);

  // Between bursts: works when it is time.
  void Between(const BurstClock& clock);
  // Works now, as often as it takes to come to every pair once and to free all that is unlinked.
  void Round(const BurstClock& clock);

  double cpu_ns() const { return cpu_ns_; }
  uint64_t steps() const { return steps_; }
  uint64_t records() const { return records_; }  // flow-log records that came out
  const SweepCounts& counts() const { return sweep_->counts(); }

 private:
  ControlSide(SessionTable& sessions, FlowAccount* account, GracePeriods* grace)
      : sessions_(sessions), account_(account), grace_(grace != nullptr ? *grace : at_rest_) {}
  void Step(const BurstClock& clock, bool whole);
  void OnRecord(const FlowRecord&) override { ++records_; }

  SessionTable& sessions_;
  FlowAccount* account_;
  NoReaders at_rest_;
  GracePeriods& grace_;
  std::unique_ptr<SessionSweep> sweep_;
  uint32_t last_ms_ = 0;  // of the last tick
  uint32_t last_short_ms_ = 0;
  double cpu_ns_ = 0;
  uint64_t steps_ = 0;
  uint64_t records_ = 0;
};

}  // namespace sluice
