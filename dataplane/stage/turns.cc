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
  LaneBits alive = 0;  // bit i: the i-th found's line says by itself that its session is

  void Add(const ExpressLanes& found, uint32_t i, bool fresh) {
    place[walks.count] = i;
    AddShortWalk(found.glance.key[i], fresh, walks);
  }
};

// What the lines of the found say, bit i for the i-th.
struct Looks {
  LaneBits known = 0;          // it has a line
  LaneBits current = 0;        // whose walk is of the generation that is wanted, or being written
  LaneBits hits = 0;           // HitsOwnLine
  LaneBits from_internet = 0;  // its sender
};

// Of up to eight from the `at`-th on.
void ConfirmEight(const WorkerContext& worker, ExpressLanes& found, uint32_t at, uint32_t count,
                  EightLines& lines, LaneBits& known) {
  SessionTable& sessions = *worker.sessions;
  known = LineAddresses(sessions, &found.line[at], count, lines);
  const LaneBits confirmed = known & HaveKeys(lines, &found.glance.key[at]);
  ForBits(AllOf(count) & ~confirmed, [&](uint32_t i) {
    LineIdx& line = found.line[at + i];
    line = sessions.Confirm(found.glance.key[at + i], found.hash[at + i], line);
    known &= ~BitOf(i);
    if (line.has_value()) {
      lines[i] = &sessions.Line(line);
      known |= BitOf(i);
    }
  });
}

void LookAtEight(const Snapshot& snapshot, const WorkerContext& worker, ExpressLanes& found,
                 uint32_t at, Looks& looks) {
  const Glance& glance = found.glance;
  EightLines lines;
  LaneBits known;
  ConfirmEight(worker, found, at, std::min(found.count - at, kEight), lines, known);
  const FourWords walk = LoadLines(lines, offsetof(SessionLine, next_hop));
  const FourWords marks = LoadLines(lines, offsetof(SessionLine, fin_seq));
  const __m256i senders = Load(&glance.sender[at]);
  const __m256i generations = WantedGenerations(snapshot, senders, LeadsOf(snapshot, walk.word[0]));
  const __m256i busy = Equal(walk.word[1], All(kGenerationBusy));
  const __m256i current = Or(Equal(walk.word[1], generations), busy);
  const __m256i hits = HitsOwnLines(Load(&glance.tcp[at]), HasBit<0>(Load(&found.line[at].value)),
                                    marks.word[1], walk.word[2], worker.now_ms);
  looks.known |= known << at;
  looks.current |= MaskOf(current) << at;
  looks.hits |= MaskOf(hits) << at;
  looks.from_internet |= MaskOf(Equal(senders, All(snapshot.internet.value))) << at;
}

// Asks for the memory that turns will read, once all lines have been looked at: a branch on what
// one says would wait for it before the next are asked.
void PrefetchTurns(const SessionTable& sessions, const ExpressLanes& found, const Looks& looks,
                   LaneBits turns, LaneBits stale) {
  LaneBits asks_peer = looks.known & (turns | ~looks.hits);
  ForBits(stale & ~asks_peer, [&](uint32_t i) {
    const SessionLine& line = sessions.Line(found.line[i]);
    const bool walked = line.generation.load(std::memory_order_relaxed) != kGenerationNone;
    asks_peer |= walked ? 0 : BitOf(i);
    sessions.PrefetchCold(found.line[i]);
  });
  ForBits(asks_peer, [&](uint32_t i) { sessions.PrefetchPeer(found.line[i]); });
}

// Starts the walks of lanes from the `from`-th on that need one: those from ENIs first, since what
// comes from the internet takes other ways.
void FindWalks(const Snapshot& snapshot, WorkerContext& worker, ExpressLanes& found, uint32_t from,
               Walking& walking) {
  Looks looks;
  for (uint32_t at = from; at < found.count; at += kEight) {
    LookAtEight(snapshot, worker, found, at, looks);
  }
  const LaneBits turns = found.glance.turning & AllOf(found.count) & ~AllOf(from);
  LaneBits syn = 0;
  ForBits(turns, [&](uint32_t i) { syn |= IsPureSyn(found.glance.ip[i]) ? BitOf(i) : 0; });
  const LaneBits stale = looks.known & ~looks.current & ~syn;
  const LaneBits opening = syn & ~looks.known;
  PrefetchTurns(*worker.sessions, found, looks, turns, stale);
  const auto add = [&](LaneBits which) {
    ForBits(which & (stale | opening),
            [&](uint32_t i) { walking.Add(found, i, (opening >> i & 1) != 0); });
  };
  add(~looks.from_internet);
  add(looks.from_internet);
  walking.alive = looks.known & looks.hits;
  worker.stale_met = static_cast<uint32_t>(std::popcount(stale));
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
      walks.open ^= BitOf(at);
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
    found.walked |= stamped ? BitOf(i) : 0;
  });
}

// Whether a pair that is about to leave the table is one of those found.
bool AnyLeaves(const ExpressLanes& found, const LeavingPairs& leaving) {
  for (uint32_t at = 0; leaving.count != 0 && at < found.count; at += kEight) {
    const __m256i pairs = _mm256_srli_epi32(Load(&found.line[at].value), 1);
    __m256i leave = _mm256_setzero_si256();
    for (uint32_t k = 0; k < leaving.count; ++k) {
      leave = _mm256_or_si256(leave, Equal(pairs, All(leaving.closed[k].pair.value)));
    }
    // Places behind the last hold any line.
    if ((MaskOf(leave) & AllOf(found.count - at)) != 0) {
      return true;
    }
  }
  return false;
}

// Those of `which` for which a pair may be set aside, and room made, before their turn comes: no
// lane before them is of a session that might have to go. What is not among the found is not known.
LaneBits AheadOfTurn(const ExpressLanes& found, uint32_t from, LaneBits which,
                     const LeavingPairs& leaving) {
  if (AnyLeaves(found, leaving)) {
    return 0;
  }
  uint32_t end = from;
  while (end < found.count && found.glance.lane[end] - found.glance.lane[from] == end - from) {
    ++end;
  }
  return which & AllOf(end);
}

void PrepareOpenings(const Snapshot& snapshot, const WorkerContext& worker, uint32_t from,
                     const Walking& walking, const LeavingPairs& leaving, ExpressLanes& found) {
  const ShortWalks& walks = walking.walks;
  ForBits(walks.open & walks.fresh, [&](uint32_t at) {
    const uint32_t i = walking.place[at];
    if (PrepareOpening(snapshot, worker, found, i, walks, at)) {
      found.opening |= BitOf(i);
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
  GiveMemories(worker, found, changed, walking);
  EndShortWalks(snapshot, worker.seed, walking.walks);
  StampConfirmed(snapshot, worker, walking, found);
  if (walking.walks.fresh != 0) {
    PrepareOpenings(snapshot, worker, from, walking, leaving, found);
  }
}

}  // namespace sluice
