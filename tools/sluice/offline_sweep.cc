#include "tools/sluice/offline_sweep.h"

#include <algorithm>

#include "dataplane/base/grace_period.h"

namespace sluice {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
// Longer than any timeout needs to be swept at all, shorter than half the session clock's range.
constexpr int64_t kLongestStepNs = int64_t{4} * 86400 * kNanosPerSecond;
// A full round looks at every pair: when the packets since the last one pay for it, and in any case
// after a while.
constexpr int64_t kSweepPeriodNs = 60 * kNanosPerSecond;
constexpr int64_t kSmallTableSweepPeriodNs = kNanosPerSecond;
constexpr uint32_t kSmallTablePairs = 1u << 16;
constexpr uint64_t kEmptyPairsPerPacket = 64;
constexpr uint64_t kLivePairsPerPacket = 2;

int64_t ReportDueNs(uint32_t minute) {
  return (int64_t{minute} + 1) * kFlowWindowSeconds * kNanosPerSecond +
         int64_t{kIdleReportDelayMs} * 1'000'000;
}

}  // namespace

std::unique_ptr<OfflineSweep> OfflineSweep::Make(SessionTable& sessions, FlowAccount* account,
                                                 OfflineFlowRecords* records) {
  std::unique_ptr<OfflineSweep> sweep(new OfflineSweep(sessions, account, records));
  sweep->sweep_ = SessionSweep::Make(sessions, HeapMemory(), records != nullptr);
  return sweep->sweep_ == nullptr ? nullptr : std::move(sweep);
}

void OfflineSweep::TakeRecords() {
  FlowRecord record;
  while (records_ != nullptr && account_->Take(&record)) {
    if (!sweep_->AlreadyReported(record)) {
      records_->OnRecord(record);
    }
  }
}

void OfflineSweep::AfterBurst(const BurstClock& clock, uint32_t packet_count) {
  TakeRecords();
  sweep_->ReclaimNow(clock, records_);
  packets_since_sweep_ += packet_count;
  if (records_ != nullptr) {
    last_packet_minute_ = clock.Minute();
    if (report_due_ns_ == kNever) {
      report_due_ns_ = ReportDueNs(last_packet_minute_);
    }
  }
}

int64_t OfflineSweep::NextStop(int64_t now_ns, int64_t target_ns) const {
  int64_t stop = target_ns - now_ns > kLongestStepNs ? now_ns + kLongestStepNs : target_ns;
  if (report_due_ns_ > now_ns) {
    stop = std::min(stop, report_due_ns_);
  }
  return stop;
}

void OfflineSweep::SweepAll(int64_t now_ns, const BurstClock& clock) {
  NoReaders at_rest;
  TakeRecords();
  sweep_->Step(clock, sessions_.pair_count(), at_rest, records_);
  sweep_->ReclaimNow(clock, records_);
  last_sweep_ns_ = now_ns;
  packets_since_sweep_ = 0;
}

uint64_t OfflineSweep::PacketsForARound() const {
  const SessionCounts counts = sessions_.Counts();
  return sessions_.pair_count() / kEmptyPairsPerPacket +
         (uint64_t{counts.counted} + counts.cache_only) / kLivePairsPerPacket;
}

void OfflineSweep::AtStop(int64_t now_ns, const BurstClock& clock) {
  if (now_ns >= report_due_ns_) {
    const uint32_t minute = static_cast<uint32_t>(report_due_ns_ / kNanosPerSecond) /
                            kFlowWindowSeconds;  // the one after the ended
    account_->EmitAll();
    SweepAll(now_ns, clock);
    records_->OnMinuteEnded(int64_t{minute} * kFlowWindowSeconds * kNanosPerSecond);
    report_due_ns_ = last_packet_minute_ >= minute ? ReportDueNs(last_packet_minute_) : kNever;
    return;
  }
  const int64_t since_ns = now_ns - last_sweep_ns_;
  const uint32_t pairs = sessions_.pair_count();
  const int64_t period_ns = pairs <= kSmallTablePairs ? kSmallTableSweepPeriodNs : kSweepPeriodNs;
  if (since_ns >= period_ns || packets_since_sweep_ >= PacketsForARound()) {
    SweepAll(now_ns, clock);
  }
}

void OfflineSweep::BeforeApply(const BurstClock& clock) {
  if (records_ != nullptr) {
    account_->EmitAll();
    TakeRecords();
    sweep_->FlushLines(clock, *records_);
  }
}

void OfflineSweep::AtEnd(const BurstClock& clock) {
  if (records_ != nullptr) {
    account_->EmitAll();
    TakeRecords();
    sweep_->ExportAll(clock, *records_);
  }
}

}  // namespace sluice
