#include "dataplane/stage/express.h"

#include <algorithm>
#include <bit>

#include "dataplane/base/eight.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/express_group.h"
#include "dataplane/stage/express_lines.h"
#include "dataplane/stage/turns.h"

namespace sluice {
namespace {

// So many stale lines in a burst: in the next, what walks will read of sessions is asked for before
// it is known who walks.
constexpr uint32_t kMostlyStale = kFindBatch / 2;

void PrefetchColds(const SessionTable& sessions, const ExpressLanes& found, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (found.line[i].value < kLineUnsure.value) {
      sessions.PrefetchCold(found.line[i]);
    }
  }
}

bool AnyAbsent(const ExpressLanes& found) {
  LaneBits absent = 0;
  for (uint32_t at = 0; at < found.count; at += kEight) {
    const __m256i lines = Load(&found.line[at].value);
    absent |= MaskOf(Equal(lines, All(LineIdx::kNoneValue))) << at;
  }
  return (absent & AllOf(found.count)) != 0;
}

// Moves what was found of one packet to a place further down.
void Move(ExpressLanes& found, uint32_t from, uint32_t to) {
  Glance& glance = found.glance;
  for (Glance::Places<uint32_t>* column :
       {&glance.sender, &glance.ip_bytes, &glance.head, &glance.l4_sum, &glance.end_seq,
        &glance.tcp, &glance.lane}) {
    (*column)[to] = (*column)[from];
  }
  glance.key[to] = glance.key[from];
  glance.ip[to] = glance.ip[from];
  found.hash[to] = found.hash[from];
  found.line[to] = found.line[from];
}

// Drops those that are neither plain nor turning, and those whose line is surely absent, unless
// they may open a connection.
void KeepOpen(ExpressLanes& found) {
  Glance& glance = found.glance;
  uint32_t kept = 0;
  LaneBits plain = 0;
  LaneBits turning = 0;
  for (uint32_t i = 0; i < found.count; ++i) {
    const LaneBits is_plain = glance.plain >> i & 1;
    const LaneBits is_turning = glance.turning >> i & 1;
    const bool known = found.line[i].has_value();
    if ((known & (is_plain | is_turning)) || (is_turning && IsPureSyn(glance.ip[i]))) {
      plain |= is_plain << kept;
      turning |= is_turning << kept;
      Move(found, i, kept++);
    }
  }
  found.count = kept;
  glance.plain = plain;
  glance.turning = turning;
}

// Looks up one by one what the first look did not confirm: returns how many of `count` have a line.
[[gnu::noinline]] uint32_t ConfirmSlowly(const WorkerContext& worker, ExpressLanes& found,
                                         uint32_t from, uint32_t count, bool changed,
                                         EightLines& lines) {
  SessionTable& sessions = *worker.sessions;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t at = from + i;
    const LineIdx line = sessions.Confirm(found.glance.key[at], found.hash[at], found.line[at]);
    found.line[at] = line;
    if (!line.has_value() || (changed && !sessions.IsLive(PairOf(line)))) {
      return i;
    }
    lines[i] = &sessions.Line(line);
  }
  return count;
}

// How many, at most eight, from the i-th on are plain, have a session for certain and lie in
// neighbouring lanes from `lane` on.
uint32_t ConfirmSome(const WorkerContext& worker, ExpressLanes& found, uint32_t from, uint32_t lane,
                     bool changed, EightLines& lines) {
  const Glance& glance = found.glance;
  if (from == found.count) {
    return 0;
  }
  const auto plain = static_cast<uint32_t>(std::countr_one(glance.plain >> from));
  uint32_t most = std::min({found.count - from, plain, kEight});
  while (most != 0 && glance.lane[from + most - 1] != lane + most - 1) {
    --most;
  }
  if (most == 0) {
    return 0;
  }
  LineAddresses(*worker.sessions, &found.line[from], most, lines);
  const LaneBits missed = AllOf(most) & ~HaveKeys(lines, &glance.key[from]);
  return missed == 0 && !changed ? most : ConfirmSlowly(worker, found, from, most, changed, lines);
}

// What is the same for all of a run.
void Forward(Batch& batch, uint32_t first, uint32_t count) {
  std::fill_n(batch.verdict.begin() + first, count, Verdict::kForward);
  std::fill_n(batch.reason.begin() + first, count, DropReason::kNone);
  std::fill_n(batch.rule.begin() + first, count, uint16_t{0});
  std::fill_n(batch.split.begin() + first, count, uint8_t{0});
}

void CountTaken(WorkerCounters& counters, LaneBits walked, uint32_t taken) {
  const auto walks = static_cast<uint32_t>(std::popcount(walked));
  counters.session_hits.Add(taken - walks);
  if (walks != 0) {
    counters.session_walks.Add(walks);
  }
}

}  // namespace

void ExpressStage(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                  uint32_t first, uint32_t count, ExpressLanes& found) noexcept {
  Glance& glance = found.glance;
  found.window = WindowOf(ClockOf(worker));
  GlanceAtLinks(snapshot, batch, first, count, glance);
  const SessionTable& sessions = *worker.sessions;
  for (uint32_t at = 0; at < glance.count; at += kEight) {
    // Those that are not plain are looked up too, in vain: it is few, and the long way finds their
    // lines in the cache.
    GlanceAtEight(glance, at);
    sessions.hasher().Hash(&glance.key[at], &found.hash[at], kEight);
    sessions.PrefetchHomes(&found.hash[at], kEight);
  }
  sessions.FindCandidates(found.hash.data(), found.line.data(), glance.count);
  if (worker.stale_met >= kMostlyStale) [[unlikely]] {
    PrefetchColds(sessions, found, glance.count);
  }
  found.count = glance.count;
  if (glance.plain != AllOf(glance.count) || AnyAbsent(found)) {
    KeepOpen(found);
  }
}

bool ExpressIsFor(const WorkerContext& worker, ExpressLanes& found, uint32_t i) noexcept {
  if ((found.glance.plain >> i & 1) == 0) {
    return false;
  }
  const SessionKey& key = found.glance.key[i];
  if (!found.prepared) {
    found.line[i] = worker.sessions->Confirm(key, found.hash[i], found.line[i]);
  }
  const LineIdx line = found.line[i];
  return line.has_value() && HitsOwnLine(ViewOf(worker.sessions->Line(line)), IsForward(line),
                                         key.protocol(), worker.now_ms);
}

uint32_t ExpressTake(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                     ExpressLanes& found, uint32_t from, bool changed) noexcept {
  const uint32_t first = found.glance.lane[from];
  if (worker.stale_met != 0 && !found.prepared) {
    PrepareTurns(snapshot, worker, found, from, changed);
  }
  uint32_t i = from;
  for (bool more = true; more;) {
    EightLines lines;
    const uint32_t count = ConfirmSome(worker, found, i, first + (i - from), changed, lines);
    const uint32_t taken =
        count == 0 ? 0 : TakeGroup(snapshot, worker, batch, found, i, count, lines);
    i += taken;
    more = taken == kEight;
    if (taken < count && !found.prepared) {
      PrepareTurns(snapshot, worker, found, i, changed);
      more = (found.walked >> i & 1) != 0;
    }
  }
  if (i != from) {
    Forward(batch, first, i - from);
    CountTaken(*worker.counters, found.walked & AllOf(i) & ~AllOf(from), i - from);
  }
  return i;
}

}  // namespace sluice
