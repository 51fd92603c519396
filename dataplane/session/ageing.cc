#include "dataplane/session/ageing.h"

#include "dataplane/session/session_state.h"

namespace sluice {
namespace {

// The counters of a line, read while its owner may be counting: false when it was.
bool ReadWindow(const SessionLine& line, LineWindow* out) {
  // Acquire loads keep the second look behind the rest; they pair with the release stores of
  // CountInLine.
  const uint16_t window = line.window.load(std::memory_order_acquire);
  const uint64_t counters = line.counters.load(std::memory_order_acquire);
  out->packets = counters >> kLineBytesBits;
  out->bytes = counters & kLineBytesMask;
  out->window = window;
  out->tcp_flags = line.tcp_flags.load(std::memory_order_acquire);
  out->last_seen_ms = line.last_seen_ms.load(std::memory_order_acquire);
  out->partial = false;
  return line.window.load(std::memory_order_acquire) == window &&
         line.counters.load(std::memory_order_relaxed) == counters;
}

// Pairs that the hand is ahead of itself: what memory gives in order is there in time.
constexpr uint32_t kVisitsAhead = 16;

// Whether no clock can have run out, whatever the protocol: then the cold record need not be read.
bool IsYoung(LineView forward, LineView reverse, uint32_t now_ms) {
  return IdleMs(forward, reverse, now_ms) <= SmallestTimeoutMs(kProtocolTcp);
}

}  // namespace

std::unique_ptr<SessionSweep> SessionSweep::Make(SessionTable& table, MemorySource& source,
                                                 bool flow_records) {
  std::unique_ptr<SessionSweep> sweep(new SessionSweep(table));
  if (flow_records) {
    sweep->reported_ = AlignedArray<ReportedLine>::Make(source, "session_reported",
                                                        (size_t{2} * table.pair_count() + 31) / 32);
    if (!sweep->reported_.ok()) {
      return nullptr;
    }
  }
  return sweep;
}

void SessionSweep::Report(LineIdx line, const SessionCold& cold, const BurstClock& clock,
                          bool only_ended, FlowRecordSink& sink) {
  uint16_t* reported = Reported(line);
  const SessionLine& fields = table_.Line(line);
  LineWindow window;
  if (reported == nullptr || !ReadWindow(fields, &window) || window.packets == 0) {
    return;
  }
  const uint16_t mark = static_cast<uint16_t>(WindowMinuteBits(window.window) | kReported);
  if (*reported == mark) {
    return;
  }
  const FlowRecord record = MakeLineRecord(line, fields, cold, window, clock);
  const uint64_t end_ms = (uint64_t{record.minute} + 1) * kFlowWindowSeconds * 1000;
  if (only_ended && clock.epoch_ms < end_ms + kIdleReportDelayMs) {
    return;
  }
  *reported = mark;
  sink.OnRecord(record);
}

// What was unlinked since begins its grace period.
void SessionSweep::TakeWaiting(GracePeriods& grace) {
  if (!waiting_.has_value()) {
    waiting_ = table_.TakeUnlinked();
    if (waiting_.has_value()) {
      waiting_for_ = grace.Begin();  // after the pairs have left the index
    }
  }
}

void SessionSweep::Reclaim(const BurstClock& clock, uint32_t pair_budget, GracePeriods& grace,
                           FlowRecordSink* sink) {
  TakeWaiting(grace);
  if (!waiting_.has_value() || !grace.IsOver(waiting_for_)) {
    return;
  }
  for (uint32_t i = 0; i < pair_budget && waiting_.has_value(); ++i) {
    const PairIdx pair = waiting_;
    waiting_ = table_.NextUnlinked(pair);
    for (const LineIdx line : {ForwardLine(pair), ReverseLine(pair)}) {
      if (sink != nullptr) {
        Report(line, table_.LoadCold(pair), clock, false, *sink);
      }
      if (uint16_t* reported = Reported(line); reported != nullptr) {
        *reported = 0;
      }
    }
    table_.Free(pair);
    ++counts_.freed;
  }
  TakeWaiting(grace);
}

void SessionSweep::Visit(PairIdx pair, const BurstClock& clock, bool pressure,
                         FlowRecordSink* sink) {
  const SessionLine& forward = table_.Line(ForwardLine(pair));
  if (sink == nullptr && !pressure &&
      IsYoung(ViewOf(forward), ViewOf(table_.Line(ReverseLine(pair))), clock.now_ms)) {
    return;
  }
  const SessionCold cold = table_.LoadCold(pair);
  const Expiry expiry = JudgeExpiry(ViewOf(forward), ViewOf(table_.Line(ReverseLine(pair))), cold,
                                    KeyOf(forward).protocol(), clock.now_ms);
  if (cold.nat() && expiry.nat && (cold.flags & kPairNatExpired) == 0) {
    counts_.nat_expired += table_.ExpireNat(pair) ? 1 : 0;
  }
  if (expiry.gone) {
    counts_.expired += table_.Unlink(pair) ? 1 : 0;
    return;
  }
  if (pressure && !cold.counted() && expiry.idle_ms > kPressureIdleMs) {
    counts_.evicted += table_.Unlink(pair) ? 1 : 0;
    return;
  }
  if (sink != nullptr) {
    Report(ForwardLine(pair), cold, clock, true, *sink);
    Report(ReverseLine(pair), cold, clock, true, *sink);
  }
}

// For a full table that knows of no finished connection although it may hold some.
void SessionSweep::NoteIfClosed(PairIdx pair) {
  if (table_.IsLive(pair) &&
      PairIsClosed(table_.Line(ForwardLine(pair)).state.load(std::memory_order_relaxed),
                   table_.Line(ReverseLine(pair)).state.load(std::memory_order_relaxed))) {
    table_.NoteClosed(pair);
  }
}

void SessionSweep::Step(const BurstClock& clock, uint32_t pair_budget, GracePeriods& grace,
                        FlowRecordSink* sink) {
  Reclaim(clock, pair_budget, grace, sink);
  if (table_.TakePressure()) {
    pressure_left_ = table_.pair_count();
  }
  const bool note = pressure_left_ != 0 && !table_.HasClosed();
  for (uint32_t i = 0; i < pair_budget; ++i) {
    const PairIdx pair(hand_);
    table_.PrefetchVisit(
        PairIdx(hand_ + kVisitsAhead < table_.pair_count() ? hand_ + kVisitsAhead : hand_));
    if (table_.IsLive(pair)) {
      Visit(pair, clock, pressure_left_ != 0, sink);
      if (note) {
        NoteIfClosed(pair);
      }
    }
    pressure_left_ -= pressure_left_ != 0 ? 1 : 0;
    if (++hand_ == table_.pair_count()) {
      hand_ = 0;
      ++counts_.rounds;
    }
  }
}

void SessionSweep::ReclaimNow(const BurstClock& clock, FlowRecordSink* sink) {
  NoReaders at_rest;
  for (int pass = 0; pass < 2; ++pass) {  // what waits already, then what was unlinked since
    Reclaim(clock, table_.pair_count(), at_rest, sink);
  }
}

void SessionSweep::FlushLines(const BurstClock& clock, FlowRecordSink& sink) {
  ReclaimNow(clock, &sink);
  for (uint32_t i = 0; i < table_.pair_count(); ++i) {
    const PairIdx pair(i);
    for (const LineIdx line : {ForwardLine(pair), ReverseLine(pair)}) {
      uint16_t* reported = Reported(line);
      LineWindow window;
      if (!table_.IsLive(pair) || reported == nullptr || !ReadWindow(table_.Line(line), &window) ||
          window.packets == 0) {
        continue;
      }
      window.partial = true;
      if (*reported != static_cast<uint16_t>(WindowMinuteBits(window.window) | kReported)) {
        sink.OnRecord(
            MakeLineRecord(line, table_.Line(line), table_.LoadCold(pair), window, clock));
      }
      *reported = 0;
      table_.Line(line).counters.store(0, std::memory_order_relaxed);  // no worker counts
    }
  }
}

void SessionSweep::ExportAll(const BurstClock& clock, FlowRecordSink& sink) {
  ReclaimNow(clock, &sink);
  for (uint32_t i = 0; i < table_.pair_count(); ++i) {
    const PairIdx pair(i);
    if (table_.IsLive(pair)) {
      const SessionCold cold = table_.LoadCold(pair);
      Report(ForwardLine(pair), cold, clock, false, sink);
      Report(ReverseLine(pair), cold, clock, false, sink);
    }
  }
}

bool SessionSweep::AlreadyReported(const FlowRecord& record) const {
  if (!record.line.has_value() || record.partial || !reported_.ok()) {
    return false;
  }
  return reported_[record.line.value >> 5].windows[record.line.value & 31] ==
         static_cast<uint16_t>((record.minute & 0x3ff) | kReported);
}

}  // namespace sluice
