#include "dataplane/stage/settle_one.h"

#include "dataplane/stage/accept.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/departure.h"
#include "dataplane/stage/nat_count.h"
#include "dataplane/stage/remembered_walk.h"

namespace sluice {
namespace {

// A packet, its line, and what was read of them.
struct Settling {
  LineIdx idx;
  PacketFacts facts;
  Departure leaves;
  NatGatewayIdx gateway;  // that has a mapping of the flow
};

// Whether the line's walk carries the packet as it is.
bool ReadRemembered(const Snapshot& snapshot, const WorkerContext& worker, const SessionLine& line,
                    InterfaceIdx sender, Departure& leaves) {
  if (!RememberWalk(snapshot, line, sender, leaves.walk) ||
      (leaves.walk.next_hop & kNextHopDirect) != 0) {
    return false;
  }
  leaves.translated = IsTranslated(line);
  return FindLink(snapshot, *worker.neighbors, leaves);
}

// A SYN+ACK always walks on the long way. Its walk ends in nothing but this one if the flow is
// tracked, its rules need not be asked for replies, and the receiver answers as the session knows.
bool WalksAsRemembered(const SessionCold& cold, const SessionKey& key, const SessionKey& answer,
                       const Settling& packet) {
  return cold.tracked() && (cold.flags & kPairMidstream) == 0 &&
         cold.nat() == packet.leaves.translated &&
         AnswerTo(packet.leaves.walk, key.protocol()) == answer;
}

// Whether all that remembers the flow still does, and the packet changes its state.
bool MaySettle(const WorkerContext& worker, const SessionLine& line, const SessionKey& key,
               Settling& packet) {
  const SessionTable& sessions = *worker.sessions;
  const PairIdx pair = PairOf(packet.idx);
  if (!sessions.IsLive(pair)) {
    return false;
  }
  const SessionLine& peer = sessions.Line(PeerOf(packet.idx));
  const SessionCold cold = sessions.LoadCold(pair);
  packet.gateway = cold.nat() ? NatGatewayIdx(cold.nat_gateway_idx) : NatGatewayIdx::None();
  const bool forward = IsForward(packet.idx);
  const LineView views[2] = {ViewOf(forward ? line : peer), ViewOf(forward ? peer : line)};
  if (!IsSurelyAlive(views[0], views[1], cold, packet.facts.protocol, worker.now_ms) &&
      JudgeExpiry(views[0], views[1], cold, packet.facts.protocol, worker.now_ms).any_lapsed) {
    return false;
  }
  return (packet.facts.tcp_flags & kTcpSyn) == 0 ||
         (!ChangesNothing(line, peer, forward, packet.facts) &&
          WalksAsRemembered(cold, key, KeyOf(peer), packet));
}

void Accept(WorkerContext& worker, const Settling& packet, uint16_t window) {
  CountInSession(worker, packet.idx, window, packet.leaves.ip_bytes, packet.facts.tcp_flags);
  AcceptInSession(worker, packet.idx, packet.facts, packet.gateway);
  if (packet.leaves.translated) {
    CountNatHit(worker.counters->Of(packet.gateway), packet.idx, packet.leaves.ip_bytes);
  }
}

}  // namespace

bool SettleOne(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
               const ExpressLanes& found, uint32_t i) noexcept {
  const Glance& glance = found.glance;
  Settling packet;
  packet.idx = found.line[i];
  if (!packet.idx.has_value()) {
    return false;
  }
  const SessionLine& line = worker.sessions->Line(packet.idx);
  const InterfaceIdx sender(glance.sender[i]);
  packet.leaves.ip = glance.ip[i];
  packet.leaves.ip_bytes = glance.ip_bytes[i];
  packet.facts = FactsOf(glance, i);
  const bool opens = (packet.facts.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
  if (opens || !ReadRemembered(snapshot, worker, line, sender, packet.leaves) ||
      !MaySettle(worker, line, glance.key[i], packet)) {
    return false;
  }
  Accept(worker, packet, found.window);
  const bool walked = (found.walked >> i & 1) != 0 || (packet.facts.tcp_flags & kTcpSyn) != 0;
  (walked ? worker.counters->session_walks : worker.counters->session_hits).Add(1);
  Depart(packet.leaves, packet.facts.protocol, sender, batch, glance.lane[i]);
  return true;
}

}  // namespace sluice
