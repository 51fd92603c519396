// The sweep: takes expired pairs out of the session table, gives their memory back after a grace
// period, and reports flow-log windows that no packet will end.
//
// Theory. A CLOCK hand goes through the pairs in memory order, a bounded number a call, so the
// hardware prefetcher works and the cost is a fixed share of a core. It writes no line: expiry is
// judged from last-seen times (session_state.h), and a lookup never depends on the sweep having
// come by. A block of pairs that was looked at is passed by while nothing in it can have come due:
// whatever a packet does to a pair, it lives for kQuietMs more, and what no packet touches comes
// due when its last look said. It is passed by a little longer (kLingerMs), which only memory
// feels. So a pair goes within a round and that after it was due. What has rested since its block
// was looked at needs no cold record before the first of that block comes due. Memory passes three
// lists: unlinked (by anyone), waiting (for one grace period), free. Nothing blocks.
//
// Control thread only, or between bursts when there is one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/base/aligned_array.h"
#include "dataplane/base/grace_period.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/session_table.h"

namespace sluice {

// An idle line's window is reported this long after its end, when no packet can still be on its way
// into it.
inline constexpr uint32_t kIdleReportDelayMs = 2'000;
// Under pressure, untracked and untranslated pairs idle for longer than this are evicted.
inline constexpr uint32_t kPressureIdleMs = 1'000;

// Workers' clocks stand for a burst: a packet of this moment may have been seen so long ago.
inline constexpr uint32_t kClockSlackMs = 50;
// Nothing comes due sooner after a packet.
inline constexpr uint32_t kQuietMs = kTcpResetMs - kClockSlackMs;
// How much longer what has come due may stay where a block is passed by: two rounds more.
inline constexpr uint32_t kLingerMs = 20'000;

// A cold record is read that often at least. Only pairs need it that a worker opened or touched by
// a clock that had stood still for longer than kClockSlackMs, behind the back of a look at their
// block.
inline constexpr uint32_t kMostUnreadMs = 600'000;

// What a periodic caller gives Step: a full round takes about kSweepRoundSteps steps, so at a step
// every 10 ms all sessions are seen within 10 s, and those of a small table much faster. Less than
// kQuietMs and than kLingerMs, so that what was quiet in one round is passed by in the next three.
inline constexpr uint32_t kSweepRoundSteps = 980;
inline constexpr uint32_t kLeastPairsAStep = 8192;
constexpr uint32_t SweepPairsAStep(uint32_t pair_count) {
  const uint32_t share = pair_count / kSweepRoundSteps;
  const uint32_t pairs = share < kLeastPairsAStep ? kLeastPairsAStep : share;
  return pairs < pair_count ? pairs : pair_count;
}

// Receives the records the sweep exports.
class FlowRecordSink {
 public:
  virtual ~FlowRecordSink() = default;
  virtual void OnRecord(const FlowRecord& record) = 0;
};

struct SweepCounts {
  uint64_t rounds = 0;  // times the hand has gone through all pairs
  uint64_t expired = 0;
  uint64_t nat_expired = 0;
  uint64_t evicted = 0;  // cache-only pairs, under pressure
  uint64_t freed = 0;
  uint64_t passed_by = 0;  // pairs not looked at, because nothing of their block was due
  uint64_t cold_reads = 0;
};

class SessionSweep {
 public:
  // nullptr when memory is short. With `flow_records` false nothing is exported and no memory is
  // taken.
  static std::unique_ptr<SessionSweep> Make(SessionTable& table, MemorySource& source,
                                            bool flow_records);

  // Frees what has waited long enough, then looks at the next `pair_budget` pairs; each part does
  // at most `pair_budget` pairs. `sink` may be nullptr. Take the workers' ring records before each
  // call: a pair is freed at least one call after it was unlinked, so the records of its line never
  // meet a new owner. Either all calls have a sink, or none.
  void Step(const BurstClock& clock, uint32_t pair_budget, GracePeriods& grace,
            FlowRecordSink* sink);

  // The first half of Step alone. Worth calling more often while the table is short of pairs.
  void ReturnPairs(const BurstClock& clock, uint32_t pair_budget, GracePeriods& grace,
                   FlowRecordSink* sink) {
    Reclaim(clock, pair_budget, grace, sink);
  }

  // For one thread that calls between bursts. Frees every unlinked pair at once.
  void ReclaimNow(const BurstClock& clock, FlowRecordSink* sink);
  // The same, and reports what every line has counted so far as a part of its window; the lines
  // count anew. Before interfaces change their meaning.
  void FlushLines(const BurstClock& clock, FlowRecordSink& sink);
  // Reports what every line and every unlinked pair has counted so far, once, at the end (replay,
  // shutdown). Workers are at rest.
  void ExportAll(const BurstClock& clock, FlowRecordSink& sink);

  // Whether the sweep has reported this line record's window already. A worker's ring record of the
  // same window is then a duplicate (a partial one never is).
  bool AlreadyReported(const FlowRecord& record) const;

  const SweepCounts& counts() const { return counts_; }

 private:
  struct alignas(kCacheLineBytes) ReportedLine {
    uint16_t windows[32];  // by line: minute bits | kReported
  };
  static constexpr uint16_t kReported = 0x8000;
  // What the last look at a block of pairs has found, if any. Times are of the session clock.
  struct Block {
    uint32_t quiet_until_ms;
    uint32_t looked_ms;
    uint32_t due_ms;  // no pair comes due sooner that has rested since looked_ms
    bool is_quiet;    // until quiet_until_ms
    bool is_known;
  };
  static constexpr uint32_t kBlockPairs = 64;

  explicit SessionSweep(SessionTable& table) : table_(table) {}

  void TakeWaiting(GracePeriods& grace);
  uint16_t* Reported(LineIdx line) {
    return reported_.ok() ? &reported_[line.value >> 5].windows[line.value & 31] : nullptr;
  }
  void Reclaim(const BurstClock& clock, uint32_t pair_budget, GracePeriods& grace,
               FlowRecordSink* sink);
  // Whether nothing of the pair comes due within kQuietMs, or before the windows of this minute do.
  bool Visit(PairIdx pair, const BurstClock& clock, bool pressure, FlowRecordSink* sink);
  bool VisitCold(PairIdx pair, const BurstClock& clock, bool pressure, FlowRecordSink* sink);
  // Whether a pair so long idle is one for which the last look at its block still stands.
  bool HasRested(uint32_t idle_ms, uint32_t now_ms) const;
  void NoteDue(uint32_t due_ms);
  // Whether the line has a window of a minute that is over and has not been reported.
  bool OwesReport(LineIdx line, const BurstClock& clock);
  // How many pairs from the hand on are passed by: none, or the rest of a block from its first on.
  uint32_t QuietPairs(uint32_t now_ms) const;
  void BeginBlock(const BurstClock& clock, bool with_windows);
  void MoveHand(uint32_t pairs);
  void Prefetch() const;
  void NoteIfClosed(PairIdx pair);
  // `only_ended`: leave windows alone that packets can still reach.
  void Report(LineIdx line, const SessionCold& cold, const BurstClock& clock, bool only_ended,
              FlowRecordSink& sink);

  SessionTable& table_;
  AlignedArray<ReportedLine> reported_;
  AlignedArray<Block> blocks_;
  uint32_t hand_ = 0;
  Block block_ = {};            // the hand's, as far as it has been looked at
  Block before_ = {};           // what the look before that has found
  bool reads_cold_ = false;     // some pair of that block has needed its cold record
  uint32_t pressure_left_ = 0;  // pairs still to be visited under pressure
  PairIdx waiting_;
  uint64_t waiting_for_ = 0;
  SweepCounts counts_;
};

}  // namespace sluice
