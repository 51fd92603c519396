#include "dataplane/session/session_state.h"

namespace sluice {
namespace {

// What a TCP segment adds to the state bits of its own line. No branch: which kind of segment comes
// next is anybody's guess.
uint8_t TcpBits(const SessionLine& peer, uint8_t peer_state, bool forward, const PacketFacts& p) {
  const auto has = [&](uint8_t flag) { return (p.tcp_flags & flag) != 0; };
  const bool ack = has(kTcpAck);
  const bool syn = has(kTcpSyn);
  const bool sent = (peer_state & kLineSeen) != 0;
  const bool sent_fin = (peer_state & kLineFin) != 0;
  const bool reaches_fin =
      static_cast<int32_t>(p.tcp_ack - peer.fin_seq.load(std::memory_order_relaxed)) >= 0;
  const bool acks_fin = ack & sent_fin & reaches_fin;
  const bool confirms = forward & ack & !syn & sent;
  return static_cast<uint8_t>(has(kTcpRst) * kLineReset | syn * kLineSyn | has(kTcpFin) * kLineFin |
                              acks_fin * kLineFinAcked | confirms * kLineConfirmed);
}

// Notes how far a segment reaches.
void NoteSequence(SessionLine& own, bool first, const PacketFacts& p) {
  const uint32_t end = TcpEndSeq(p);
  const uint32_t next = own.next_seq.load(std::memory_order_relaxed);
  const bool further = first | (static_cast<int32_t>(end - next) > 0);
  own.next_seq.store(further ? end : next, std::memory_order_relaxed);
  const uint32_t fin = own.fin_seq.load(std::memory_order_relaxed);
  own.fin_seq.store((p.tcp_flags & kTcpFin) != 0 ? end : fin, std::memory_order_relaxed);
}

}  // namespace

AcceptEffect AcceptPacket(SessionLine& own, const SessionLine& peer, bool forward,
                          const PacketFacts& packet, uint32_t now_ms) noexcept {
  const uint8_t before = own.state.load(std::memory_order_relaxed);
  // The peer stores fin_seq before the bit: pairs with the release store of state below.
  const uint8_t peer_state = peer.state.load(std::memory_order_acquire);
  uint8_t state = before;
  if (packet.protocol == kProtocolTcp) [[likely]] {
    if ((packet.tcp_flags & kTcpRst) != 0 && !RstIsValid(own, peer, packet)) [[unlikely]] {
      return AcceptEffect::kIgnored;
    }
    state |= TcpBits(peer, peer_state, forward, packet);
    NoteSequence(own, (before & kLineSeen) == 0, packet);
  } else if (packet.protocol == kProtocolUdp && forward && (before & kLineSeen) != 0 &&
             (peer_state & kLineSeen) != 0) {
    state |= kLineConfirmed;
  }
  state |= kLineSeen;
  own.last_seen_ms.store(now_ms, std::memory_order_relaxed);
  own.state.store(state, std::memory_order_release);  // pairs with the acquire load of a peer
  const bool closed_before = PairIsClosed(before, peer_state);
  return !closed_before && PairIsClosed(state, peer_state) ? AcceptEffect::kClosed
                                                           : AcceptEffect::kRefreshed;
}

}  // namespace sluice
