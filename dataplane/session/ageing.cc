#include "dataplane/session/ageing.h"

#include <algorithm>

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

// The smallest timeout of any clock of a pair in this state, without its cold record.
uint32_t LeastTimeoutMs(uint8_t protocol, uint8_t either_state) {
  return (either_state & kLineReset) != 0 ? kTcpResetMs
         : protocol == kProtocolTcp       ? kTcpHalfOpenMs
                                          : kIcmpMs;
}

// Free, or about to be: whoever comes to live there lives for a while.
bool IsListed(const SessionTable& table, PairIdx pair) {
  return table.NextUnlinked(pair).value < table.pair_count();
}

}  // namespace

std::unique_ptr<SessionSweep> SessionSweep::Make(SessionTable& table, MemorySource& source,
                                                 bool flow_records) {
  std::unique_ptr<SessionSweep> sweep(new SessionSweep(table));
  sweep->blocks_ = AlignedArray<Block>::Make(
      source, "session_blocks", (size_t{table.pair_count()} + kBlockPairs - 1) / kBlockPairs);
  if (!sweep->blocks_.ok()) {
    return nullptr;
  }
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

bool SessionSweep::OwesReport(LineIdx line, const BurstClock& clock) {
  const uint16_t* reported = Reported(line);
  if (reported == nullptr) {
    return false;
  }
  const SessionLine& fields = table_.Line(line);
  const uint32_t minute = WindowMinuteBits(fields.window.load(std::memory_order_relaxed));
  return fields.counters.load(std::memory_order_relaxed) != 0 &&
         minute != (clock.Minute() & 0x3ff) && *reported != (minute | kReported);
}

bool SessionSweep::Visit(PairIdx pair, const BurstClock& clock, bool pressure,
                         FlowRecordSink* sink) {
  const SessionLine& forward = table_.Line(ForwardLine(pair));
  const LineView ahead = ViewOf(forward);
  const LineView back = ViewOf(table_.Line(ReverseLine(pair)));
  const uint32_t idle_ms = IdleMs(ahead, back, clock.now_ms);
  const uint32_t least_ms = LeastTimeoutMs(KeyOf(forward).protocol(), ahead.state | back.state);
  const bool owes = sink != nullptr &&
                    (OwesReport(ForwardLine(pair), clock) || OwesReport(ReverseLine(pair), clock));
  if (idle_ms <= least_ms && !pressure && !owes) {
    NoteDue(clock.now_ms + least_ms - idle_ms);
    return idle_ms + kQuietMs <= least_ms;
  }
  if (HasRested(idle_ms, clock.now_ms) && !pressure && !owes) {
    NoteDue(before_.due_ms);
    return true;
  }
  reads_cold_ = true;
  return VisitCold(pair, clock, pressure, owes ? sink : nullptr) && !owes;
}

bool SessionSweep::VisitCold(PairIdx pair, const BurstClock& clock, bool pressure,
                             FlowRecordSink* sink) {
  const SessionLine& forward = table_.Line(ForwardLine(pair));
  const LineView ahead = ViewOf(forward);
  const LineView back = ViewOf(table_.Line(ReverseLine(pair)));
  const uint8_t protocol = KeyOf(forward).protocol();
  const SessionCold cold = table_.LoadCold(pair);
  ++counts_.cold_reads;
  NoteDue(clock.now_ms + NextLapseMs(ahead, back, cold, protocol, clock.now_ms));
  const Expiry later = JudgeExpiry(ahead, back, cold, protocol, clock.now_ms + kQuietMs);
  if (!later.any_lapsed && !pressure && sink == nullptr) {
    return true;  // nor has any clock run out by now
  }
  const Expiry expiry = JudgeExpiry(ahead, back, cold, protocol, clock.now_ms);
  if (cold.nat() && expiry.nat && (cold.flags & kPairNatExpired) == 0) {
    counts_.nat_expired += table_.ExpireNat(pair) ? 1 : 0;
  }
  if (expiry.gone) {
    counts_.expired += table_.Unlink(pair) ? 1 : 0;
    return false;
  }
  if (pressure && !cold.counted() && expiry.idle_ms > kPressureIdleMs) {
    counts_.evicted += table_.Unlink(pair) ? 1 : 0;
    return false;
  }
  if (sink != nullptr) {
    Report(ForwardLine(pair), cold, clock, true, *sink);
    Report(ReverseLine(pair), cold, clock, true, *sink);
  }
  return !later.gone && (!cold.nat() || !later.nat || (cold.flags & kPairNatExpired) != 0);
}

// For a full table that knows of no finished connection although it may hold some.
void SessionSweep::NoteIfClosed(PairIdx pair) {
  if (table_.IsLive(pair) &&
      PairIsClosed(table_.Line(ForwardLine(pair)).state.load(std::memory_order_relaxed),
                   table_.Line(ReverseLine(pair)).state.load(std::memory_order_relaxed))) {
    table_.NoteClosed(ForwardLine(pair));
  }
}

void SessionSweep::Step(const BurstClock& clock, uint32_t pair_budget, GracePeriods& grace,
                        FlowRecordSink* sink) {
  Reclaim(clock, pair_budget, grace, sink);
  if (table_.TakePressure()) {
    pressure_left_ = table_.pair_count();
  }
  const bool note = pressure_left_ != 0 && !table_.HasClosed();
  for (uint32_t i = 0; i < pair_budget;) {
    if (const uint32_t quiet = QuietPairs(clock.now_ms); quiet != 0) {
      counts_.passed_by += quiet;
      i += quiet;
      MoveHand(quiet);
      continue;
    }
    const PairIdx pair(hand_);
    if (hand_ % kBlockPairs == 0) {
      BeginBlock(clock, sink != nullptr);
    }
    Prefetch();
    const bool live = table_.IsLive(pair);
    const bool quiet =
        live ? Visit(pair, clock, pressure_left_ != 0, sink) : IsListed(table_, pair);
    block_.is_quiet &= quiet;
    if (live && note) {
      NoteIfClosed(pair);
    }
    pressure_left_ -= pressure_left_ != 0 ? 1 : 0;
    if ((hand_ + 1) % kBlockPairs == 0 || hand_ + 1 == table_.pair_count()) {
      blocks_[hand_ / kBlockPairs] = block_;
    }
    ++i;
    MoveHand(1);
  }
}

void SessionSweep::Prefetch() const {
  const PairIdx ahead(std::min(hand_ + kVisitsAhead, table_.pair_count() - 1));
  table_.PrefetchVisit(ahead);
  if (reads_cold_) {
    table_.PrefetchPeer(ForwardLine(ahead));
  }
}

uint32_t SessionSweep::QuietPairs(uint32_t now_ms) const {
  const Block& block = blocks_[hand_ / kBlockPairs];
  const bool quiet = hand_ % kBlockPairs == 0 && pressure_left_ == 0 && block.is_quiet &&
                     static_cast<int32_t>(block.quiet_until_ms - now_ms) >= 0;
  return quiet ? std::min(kBlockPairs, table_.pair_count() - hand_) : 0;
}

void SessionSweep::BeginBlock(const BurstClock& clock, bool with_windows) {
  constexpr uint32_t kWindowMs = kFlowWindowSeconds * 1000;
  const uint32_t undue_ms =
      kWindowMs - static_cast<uint32_t>(clock.epoch_ms % kWindowMs) + kIdleReportDelayMs - 1;
  reads_cold_ = false;
  before_ = blocks_[hand_ / kBlockPairs];
  constexpr uint32_t kPassMs = kQuietMs + kLingerMs;
  block_ = {clock.now_ms + (with_windows ? std::min(undue_ms, kPassMs) : kPassMs), clock.now_ms,
            clock.now_ms + kMostUnreadMs, true, true};
}

bool SessionSweep::HasRested(uint32_t idle_ms, uint32_t now_ms) const {
  return before_.is_known && idle_ms > now_ms - before_.looked_ms + kClockSlackMs &&
         static_cast<int32_t>(before_.due_ms - now_ms) > static_cast<int32_t>(kQuietMs);
}

void SessionSweep::NoteDue(uint32_t due_ms) {
  const auto sooner = static_cast<int32_t>(due_ms - block_.due_ms);
  block_.due_ms += static_cast<uint32_t>(std::min(sooner, 0));
}

void SessionSweep::MoveHand(uint32_t pairs) {
  hand_ += pairs;
  if (hand_ == table_.pair_count()) {
    hand_ = 0;
    ++counts_.rounds;
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
