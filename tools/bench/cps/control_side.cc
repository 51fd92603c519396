#include "tools/bench/cps/control_side.h"

#include "tools/bench/thread_clock.h"

namespace sluice {

std::unique_ptr<ControlSide> ControlSide::Make(SessionTable& sessions, FlowAccount* account,
                                               GracePeriods* grace) {
  std::unique_ptr<ControlSide> side(new ControlSide(sessions, account, grace));
  side->sweep_ = SessionSweep::Make(sessions, HeapMemory(), account != nullptr);
  return side->sweep_ == nullptr ? nullptr : std::move(side);
}

void ControlSide::Step(const BurstClock& clock, bool whole) {
  const int64_t start = ThreadCpuNs();
  FlowRecord record;
  while (account_ != nullptr && account_->Take(&record)) {
    ++records_;
  }
  FlowRecordSink* sink = account_ != nullptr ? this : nullptr;
  const uint32_t pairs = SweepPairsAStep(sessions_.pair_count());
  if (whole) {
    sweep_->Step(clock, pairs, grace_, sink);
  } else {
    sweep_->ReturnPairs(clock, pairs, grace_, sink);
  }
  ++steps_;
  cpu_ns_ += static_cast<double>(ThreadCpuNs() - start);
}

void ControlSide::Between(const BurstClock& clock) {
  if (clock.now_ms - last_ms_ >= kPeriodMs) {
    last_ms_ = last_short_ms_ = clock.now_ms;
    Step(clock, true);
  } else if (clock.now_ms - last_short_ms_ >= kShortMs && sessions_.IsShortOfPairs()) {
    last_short_ms_ = clock.now_ms;
    Step(clock, false);
  }
}

void ControlSide::Round(const BurstClock& clock) {
  const uint64_t rounds = sweep_->counts().rounds;
  while (sweep_->counts().rounds < rounds + 2) {  // the first one may have begun before
    Step(clock, true);
  }
  // What the last step has taken out of the table is otherwise returned by the next one.
  const int64_t start = ThreadCpuNs();
  sweep_->ReclaimNow(clock, account_ != nullptr ? this : nullptr);
  cpu_ns_ += static_cast<double>(ThreadCpuNs() - start);
}

}  // namespace sluice
