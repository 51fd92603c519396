#include "dataplane/session/session_state.h"

namespace sluice {
namespace {

// What a TCP segment adds to the state bits of its own line.
uint8_t TcpBits(const SessionLine& peer, bool forward, uint8_t state, const PacketFacts& p) {
  // The peer stores fin_seq before the bit: pairs with the release store of state in AcceptPacket.
  const uint8_t peer_state = peer.state.load(std::memory_order_acquire);
  if ((p.tcp_flags & kTcpRst) != 0) {
    state |= kLineReset;
  }
  if ((p.tcp_flags & kTcpSyn) != 0) {
    state |= kLineSyn;
  }
  if ((p.tcp_flags & kTcpFin) != 0) {
    state |= kLineFin;
  }
  if ((p.tcp_flags & kTcpAck) != 0) {
    if ((peer_state & kLineFin) != 0 &&
        static_cast<int32_t>(p.tcp_ack - peer.fin_seq.load(std::memory_order_relaxed)) >= 0) {
      state |= kLineFinAcked;
    }
    if (forward && (p.tcp_flags & kTcpSyn) == 0 && (peer_state & kLineSeen) != 0) {
      state |= kLineConfirmed;
    }
  }
  return state;
}

}  // namespace

AcceptEffect AcceptPacket(SessionLine& own, const SessionLine& peer, bool forward,
                          const PacketFacts& packet, uint32_t now_ms) noexcept {
  const uint8_t before = own.state.load(std::memory_order_relaxed);
  const uint8_t peer_state = peer.state.load(std::memory_order_relaxed);
  uint8_t state = before;
  if (packet.protocol == kProtocolTcp) {
    if ((packet.tcp_flags & kTcpRst) != 0 && !RstIsValid(own, peer, packet)) {
      return AcceptEffect::kIgnored;
    }
    state = TcpBits(peer, forward, state, packet);
    const uint32_t end = TcpEndSeq(packet);
    if ((before & kLineSeen) == 0 ||
        static_cast<int32_t>(end - own.next_seq.load(std::memory_order_relaxed)) > 0) {
      own.next_seq.store(end, std::memory_order_relaxed);
    }
    if ((packet.tcp_flags & kTcpFin) != 0) {
      own.fin_seq.store(end, std::memory_order_relaxed);
    }
  } else if (packet.protocol == kProtocolUdp && forward && (before & kLineSeen) != 0 &&
             (peer_state & kLineSeen) != 0) {
    state |= kLineConfirmed;
  }
  state |= kLineSeen;
  own.last_seen_ms.store(now_ms, std::memory_order_relaxed);
  own.state.store(state, std::memory_order_release);  // pairs with the acquire load in TcpBits
  const bool closed_before = PairIsClosed(before, peer_state);
  return !closed_before && PairIsClosed(state, peer_state) ? AcceptEffect::kClosed
                                                           : AcceptEffect::kRefreshed;
}

}  // namespace sluice
