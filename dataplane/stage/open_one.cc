#include "dataplane/stage/open_one.h"

#include "dataplane/session/line_words.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/stage/admission_record.h"
#include "dataplane/stage/departure.h"
#include "dataplane/stage/nat_count.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {
namespace {

FlowWalk FlowOf(const Snapshot& snapshot, const ShortWalk& walk) {
  const auto with_groups = [&](InterfaceIdx side) {
    return HasGroups(RowOf(snapshot, side)) ? side : InterfaceIdx::None();
  };
  FlowWalk flow = {
      walk.sender,  walk.target, with_groups(walk.sender), with_groups(walk.target), walk.flags,
      walk.gateway, 0,           walk.src_l4_port};
  if (walk.gateway.has_value()) {
    const NatGatewayRow& row = snapshot.nat_gateways[walk.gateway.index()];
    flow.nat_private = row.addresses[walk.gateway_choice].private_ip.value;
  }
  return flow;
}

NatPortSequence PortsOf(const Snapshot& snapshot, const WorkerContext& worker,
                        NatGatewayIdx gateway, const SessionKey& key) {
  return worker.nat_streams->Ports(snapshot.nat_gateways[gateway.index()].stream, key);
}

// Claims the key of the answer; where a gateway translates, one with its first free port.
bool ClaimAnswer(const Snapshot& snapshot, WorkerContext& worker, const SessionKey& key,
                 Opening& opening, Admission& admission, bool& changed) {
  LineIdx existing;
  const ClaimOutcome outcome =
      worker.sessions->ClaimReverse(admission, opening.answer, opening.answer_hash, &existing);
  const NatGatewayIdx gateway = opening.walk.gateway;
  if (!gateway.has_value()) {
    return outcome == ClaimOutcome::kClaimed;
  }
  uint16_t l4_port = opening.answer.dst_l4_port();
  if (outcome != ClaimOutcome::kClaimed) {
    changed = true;
    const NatClaim claim = ClaimNatPort(*worker.sessions, admission, opening.answer,
                                        PortsOf(snapshot, worker, gateway, key), worker.now_ms);
    if (claim.outcome != ClaimOutcome::kClaimed) {
      return false;
    }
    l4_port = claim.l4_port;
  }
  admission.cold.nat_port = opening.walk.src_l4_port = l4_port;
  return true;
}

void CountOpening(WorkerContext& worker, LineIdx line, const Departure& leaves,
                  NatGatewayIdx gateway) {
  worker.counters->session_misses.Add(1);
  if (gateway.has_value()) {
    NatCounters& counters = worker.counters->Of(gateway);
    CountNatHit(counters, line, leaves.ip_bytes);
    counters.attempted.Add(1);
  }
}

PairDemand DemandOf(const Snapshot& snapshot, const ShortWalk& walk) {
  PairDemand demand{ColdOf(snapshot, FlowOf(snapshot, walk), false), {}};
  demand.limits = LimitsOf(snapshot, demand.cold);
  return demand;
}

// With a gateway's first candidate for a port.
SessionKey FirstAnswer(const Snapshot& snapshot, const WorkerContext& worker, const SessionKey& key,
                       const ShortWalk& walk) {
  const SessionKey seen = MakeSessionKey(walk.target.value, walk.src, walk.dst, walk.src_l4_port,
                                         walk.dst_l4_port, walk.protocol);
  const SessionKey answer = AnswerKey(seen, walk.target.value);
  return walk.gateway.has_value()
             ? WithDstPort(answer, PortsOf(snapshot, worker, walk.gateway, key).At(0))
             : answer;
}

}  // namespace

bool PrepareOpening(const Snapshot& snapshot, const WorkerContext& worker, ExpressLanes& found,
                    uint32_t i, const ShortWalks& walks, uint32_t place) noexcept {
  const Glance& glance = found.glance;
  Departure leaves;
  leaves.ip = glance.ip[i];
  leaves.ip_bytes = glance.ip_bytes[i];
  leaves.walk.next_hop = NextHopOf(WalkAt(walks, place));
  leaves.translated = NatGatewayIdx(walks.gateway[place]).has_value();
  if (!FindLink(snapshot, *worker.neighbors, leaves)) {
    return false;
  }
  // Made in its place, word by word: a record that is copied would be read back, sixteen bytes at a
  // time, before its words have reached the cache.
  Opening& opening = found.openings.MakeFrom(i, [&] {
    return Opening{.walk = WalkAt(walks, place),
                   .demand = DemandOf(snapshot, WalkAt(walks, place)),
                   .leaves = {.ip = leaves.ip,
                              .ip_bytes = leaves.ip_bytes,
                              .walk = {.next_hop = leaves.walk.next_hop},
                              .translated = leaves.translated,
                              .link = leaves.link,
                              .link_first = leaves.link_first},
                   .answer = {},
                   .answer_hash = 0,
                   .pair = PairIdx::None()};
  });
  opening.answer = FirstAnswer(snapshot, worker, glance.key[i], opening.walk);
  return true;
}

void ReserveOpenings(const WorkerContext& worker, ExpressLanes& found, LaneBits which,
                     const LeavingPairs& leaving) noexcept {
  if (which == 0) {
    return;
  }
  LateArray<SessionKey, kFindBatch> keys;
  uint64_t hashes[kFindBatch];
  const PairDemand* demands[kFindBatch];
  PairIdx pairs[kFindBatch];
  uint32_t count = 0;
  ForBits(which, [&](uint32_t i) {
    keys.Make(count) = found.openings[i].answer;
    demands[count++] = &found.openings[i].demand;
  });
  worker.sessions->hasher().Hash(&keys[0], hashes, count);
  for (uint32_t k = 0; k < count; ++k) {
    worker.sessions->PrefetchClaim(hashes[k]);
  }
  const bool reserved = worker.sessions->ReserveTogether(demands, count, leaving, pairs);
  found.reserved = reserved ? which : 0;
  count = 0;
  ForBits(which, [&](uint32_t i) {
    found.openings[i].answer_hash = hashes[count];
    found.openings[i].pair = reserved ? pairs[count] : PairIdx::None();
    ++count;
  });
}

bool OpenOne(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
             uint32_t i, bool& changed) noexcept {
  Opening& opening = found.openings[i];
  if (!opening.pair.has_value()) {
    return false;
  }
  SessionTable& sessions = *worker.sessions;
  const SessionKey& key = found.glance.key[i];
  Admission admission;
  LineIdx existing;
  const PairIdx pair = opening.pair;
  opening.pair = PairIdx::None();
  if (sessions.BeginReserved(pair, key, found.hash[i], opening.demand.cold, &admission,
                             &existing) != ClaimOutcome::kClaimed) {
    return false;
  }
  if (!ClaimAnswer(snapshot, worker, key, opening, admission, changed)) {
    sessions.Abandon(admission);
    return false;
  }
  const ShortWalk& walk = opening.walk;
  const LineIdx line = ForwardLine(pair);
  WalkOutcome outcome = LeavesAs(walk);
  SetDeltas(key, outcome);
  const WalkWords words = ToWords(outcome);
  SessionLine& fields = sessions.Line(line);
  FillWalkWords(fields, words, WalkGenerationOf(snapshot, walk.sender, walk.target));
  // The flag counts as one byte behind the segment's.
  AcceptSyn(fields, fields.state.load(std::memory_order_relaxed),
            fields.fin_seq.load(std::memory_order_relaxed), found.glance.end_seq[i] + 1,
            worker.now_ms, found.window, opening.leaves.ip_bytes);
  CountOpening(worker, line, opening.leaves, walk.gateway);
  sessions.Publish(admission);
  opening.leaves.walk = words;
  Depart(opening.leaves, walk.protocol, walk.sender, batch, found.glance.lane[i]);
  return true;
}

void GiveBackOpenings(const WorkerContext& worker, ExpressLanes& found) noexcept {
  ForBits(found.opening, [&](uint32_t i) {
    Opening& opening = found.openings[i];
    if (opening.pair.has_value()) {
      worker.sessions->GiveBack(opening.demand.cold, opening.pair);
    }
  });
}

}  // namespace sluice
