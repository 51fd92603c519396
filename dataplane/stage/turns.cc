#include "dataplane/stage/turns.h"

#include <algorithm>
#include <bit>

#include "dataplane/base/eight.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/express_lines.h"
#include "dataplane/stage/open_one.h"
#include "dataplane/stage/remembered_walk.h"
#include "dataplane/stage/short_walk.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {
namespace {

InterfaceIdx TrackedAt(bool tracked, uint32_t interface_idx) {
  return tracked ? InterfaceIdx(interface_idx) : InterfaceIdx::None();
}

FlowMemory Remembered(const SessionCold& cold, bool forward, const SessionKey& answer) {
  const InterfaceIdx initiator =
      TrackedAt((cold.flags & kPairTrackedByInitiator) != 0, cold.initiator_interface_idx);
  const InterfaceIdx responder =
      TrackedAt((cold.flags & kPairTrackedByResponder) != 0, cold.responder_interface_idx);
  FlowMemory memory;
  memory.tracked_at_sender = forward ? initiator : responder;
  memory.tracked_at_receiver = forward ? responder : initiator;
  memory.gateway = cold.nat() ? NatGatewayIdx(cold.nat_gateway_idx) : NatGatewayIdx::None();
  memory.gateway_address = cold.nat_address;
  memory.gateway_l4_port = cold.nat_port;
  memory.forward = forward;
  memory.answer = answer;
  return memory;
}

// Whose short walk goes where: the place among the found, by walk.
struct Walking {
  ShortWalks walks;
  uint32_t place[kFindBatch];
  uint32_t alive = 0;  // bit i: the i-th found's line says by itself that its session is

  void Add(const ExpressLanes& found, uint32_t i, bool fresh) {
    place[walks.count] = i;
    AddShortWalk(found.glance.key[i], fresh, walks);
  }
};

// What is to be done with the found, bit i for the i-th. Those without a line may open a flow.
struct Turning {
  uint32_t stale = 0;          // their line's walk is of another generation
  uint32_t opening = 0;        // SYN of no session
  uint32_t from_internet = 0;  // of either
  uint32_t alive = 0;          // HitsOwnLine
};

// Of up to eight from the `at`-th on.
void ConfirmEight(const WorkerContext& worker, ExpressLanes& found, uint32_t at, uint32_t count,
                  EightLines& lines, uint32_t& known) {
  SessionTable& sessions = *worker.sessions;
  known = LineAddresses(sessions, &found.line[at], count, lines);
  const uint32_t confirmed = known & HaveKeys(lines, &found.glance.key[at]);
  ForBits(AllOf(count) & ~confirmed, [&](uint32_t i) {
    LineIdx& line = found.line[at + i];
    line = sessions.Confirm(found.glance.key[at + i], found.hash[at + i], line);
    known &= ~(1u << i);
    if (line.has_value()) {
      lines[i] = &sessions.Line(line);
      known |= 1u << i;
    }
  });
}

// The cold records of eight lines, but where `current`. A branch would wait for the lines before it
// let the next eight be looked at: those that are current ask for any record, always the same.
void PrefetchStale(const SessionTable& sessions, __m256i lines, __m256i current) {
  const SessionColdLine* cold[kEight];
  sessions.ColdAddresses(Without(_mm256_srli_epi32(lines, 1), current), cold);
  for (const SessionColdLine* line : cold) {
    PrefetchRead(line);
  }
}

void LookAtEight(const Snapshot& snapshot, const WorkerContext& worker, ExpressLanes& found,
                 uint32_t at, Turning& turning) {
  const Glance& glance = found.glance;
  const uint32_t count = std::min(found.count - at, kEight);
  EightLines lines;
  uint32_t known;
  ConfirmEight(worker, found, at, count, lines, known);
  const uint32_t turns = glance.turning >> at & AllOf(count);
  uint32_t syn = 0;
  ForBits(turns, [&](uint32_t i) { syn |= IsPureSyn(glance.ip[at + i]) ? 1u << i : 0; });

  const FourWords walk = LoadLines(lines, offsetof(SessionLine, next_hop));
  const FourWords marks = LoadLines(lines, offsetof(SessionLine, fin_seq));
  const __m256i senders = Load(&glance.sender[at]);
  const __m256i generations = WantedGenerations(snapshot, senders, LeadsOf(snapshot, walk.word[0]));
  const __m256i current =
      _mm256_or_si256(Equal(walk.word[1], generations), Equal(walk.word[1], All(kGenerationBusy)));
  const uint32_t hits =
      MaskOf(HitsOwnLines(Load(&glance.tcp[at]), HasBit<0>(Load(&found.line[at].value)),
                          marks.word[1], walk.word[2], worker.now_ms));
  const uint32_t stale = known & ~syn & ~MaskOf(current);
  const uint32_t unwalked = MaskOf(Equal(walk.word[1], All(kGenerationNone)));
  const uint32_t asks_peer = known & (turns | ~hits | unwalked);
  ForBits(asks_peer, [&](uint32_t i) { worker.sessions->PrefetchPeer(found.line[at + i]); });
  PrefetchStale(*worker.sessions, Load(&found.line[at].value), current);
  const uint32_t internet = MaskOf(Equal(senders, All(snapshot.internet.value)));
  turning.stale |= stale << at;
  turning.opening |= (syn & ~known) << at;
  turning.from_internet |= internet << at;
  turning.alive |= (known & hits) << at;
}

// Starts the walks of lanes from the `from`-th on that need one: those from ENIs first, since what
// comes from the internet takes other ways.
void FindWalks(const Snapshot& snapshot, WorkerContext& worker, ExpressLanes& found, uint32_t from,
               Walking& walking) {
  Turning turning;
  for (uint32_t at = from; at < found.count; at += kEight) {
    LookAtEight(snapshot, worker, found, at, turning);
  }
  const auto add = [&](uint32_t which) {
    ForBits(which & (turning.stale | turning.opening),
            [&](uint32_t i) { walking.Add(found, i, (turning.opening >> i & 1) != 0); });
  };
  add(~turning.from_internet);
  add(turning.from_internet);
  walking.alive = turning.alive;
  worker.stale_met = static_cast<uint32_t>(std::popcount(turning.stale));
}

bool HasLapsed(const WorkerContext& worker, PairIdx pair, const SessionCold& cold,
               const SessionKey& key) {
  const SessionTable& sessions = *worker.sessions;
  return JudgeExpiry(ViewOf(sessions.Line(ForwardLine(pair))),
                     ViewOf(sessions.Line(ReverseLine(pair))), cold, key.protocol(), worker.now_ms)
      .any_lapsed;
}

// False: the flow is not one whose walk decides nothing but where its packets go. That takes that
// all that remembers it does so still, and that nobody's rules have to be asked for replies.
// `alive`: its line says that it lives.
bool Remember(const WorkerContext& worker, LineIdx idx, const SessionKey& key, bool alive,
              bool changed, FlowMemory& memory) {
  const SessionTable& sessions = *worker.sessions;
  const PairIdx pair = PairOf(idx);
  const SessionCold cold = sessions.LoadCold(pair);
  memory = Remembered(cold, IsForward(idx), OtherKey(sessions, idx, key.protocol()));
  return cold.tracked() && (cold.flags & kPairMidstream) == 0 &&
         (alive || !HasLapsed(worker, pair, cold, key)) && !(changed && !sessions.IsLive(pair));
}

void GiveMemories(const WorkerContext& worker, const ExpressLanes& found, bool changed,
                  Walking& walking) {
  ShortWalks& walks = walking.walks;
  ForBits(walks.open & ~walks.fresh, [&](uint32_t at) {
    const uint32_t i = walking.place[at];
    const bool alive = (walking.alive >> i & 1) != 0;
    FlowMemory memory;
    if (!Remember(worker, found.line[i], found.glance.key[i], alive, changed, memory)) {
      walks.open ^= 1u << at;
    }
    GiveMemory(memory, at, walks);
  });
}

void StampConfirmed(const Snapshot& snapshot, WorkerContext& worker, const Walking& walking,
                    ExpressLanes& found) {
  const ShortWalks& walks = walking.walks;
  ForBits(walks.open & ~walks.fresh, [&](uint32_t at) {
    const ShortWalk walk = WalkAt(walks, at);
    const uint32_t i = walking.place[at];
    const SessionKey& key = found.glance.key[i];
    const bool stamped = StampAgain(worker.sessions->Line(found.line[i]), LeavesAs(walk),
                                    WalkGenerationOf(snapshot, walk.sender, walk.target),
                                    [&](WalkOutcome& outcome) { SetDeltas(key, outcome); });
    found.walked |= stamped ? 1u << i : 0;
  });
}

// Whether a pair that is about to leave the table is one of those found.
bool AnyLeaves(const ExpressLanes& found, const LeavingPairs& leaving) {
  for (uint32_t at = 0; leaving.count != 0 && at < found.count; at += kEight) {
    const __m256i pairs = _mm256_srli_epi32(Load(&found.line[at].value), 1);
    __m256i leave = _mm256_setzero_si256();
    for (uint32_t k = 0; k < leaving.count; ++k) {
      leave = _mm256_or_si256(leave, Equal(pairs, All(leaving.pair[k].value)));
    }
    // Places behind the last hold any line.
    if ((MaskOf(leave) & ((uint64_t{1} << (found.count - at)) - 1)) != 0) {
      return true;
    }
  }
  return false;
}

// Those of `which` for which a pair may be set aside, and room made, before their turn comes: no
// lane before them is of a session that might have to go. What is not among the found is not known.
uint32_t AheadOfTurn(const ExpressLanes& found, uint32_t from, uint32_t which,
                     const LeavingPairs& leaving) {
  if (AnyLeaves(found, leaving)) {
    return 0;
  }
  uint32_t end = from;
  while (end < found.count && found.glance.lane[end] - found.glance.lane[from] == end - from) {
    ++end;
  }
  return which & static_cast<uint32_t>((uint64_t{1} << end) - 1);
}

void PrepareOpenings(const Snapshot& snapshot, const WorkerContext& worker, uint32_t from,
                     const Walking& walking, const LeavingPairs& leaving, ExpressLanes& found) {
  const ShortWalks& walks = walking.walks;
  ForBits(walks.open & walks.fresh, [&](uint32_t at) {
    const uint32_t i = walking.place[at];
    if (PrepareOpening(snapshot, worker, found, i, walks, at)) {
      found.opening |= 1u << i;
    }
  });
  ReserveOpenings(worker, found, AheadOfTurn(found, from, found.opening, leaving), leaving);
}

}  // namespace

void PrepareTurns(const Snapshot& snapshot, WorkerContext& worker, ExpressLanes& found,
                  uint32_t from, bool changed) noexcept {
  found.prepared = true;
  Walking walking;
  FindWalks(snapshot, worker, found, from, walking);
  if (walking.walks.count == 0) {
    return;
  }
  LeavingPairs leaving;
  worker.sessions->LookAhead(static_cast<uint32_t>(std::popcount(walking.walks.fresh)), leaving);
  BeginShortWalks(snapshot, walking.walks);
  PassFirstAcls(snapshot, walking.walks);  // meanwhile memory answers
  worker.sessions->HashLeaving(leaving);
  GiveMemories(worker, found, changed, walking);
  EndShortWalks(snapshot, worker.seed, walking.walks);
  StampConfirmed(snapshot, worker, walking, found);
  PrepareOpenings(snapshot, worker, from, walking, leaving, found);
}

}  // namespace sluice
