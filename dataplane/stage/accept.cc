#include "dataplane/stage/accept.h"

#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

// The first SYN+ACK of the responder.
bool AnswersSyn(const SessionLine& line, LineIdx idx, const PacketFacts& facts) {
  constexpr uint8_t kSynAck = kTcpSyn | kTcpAck;
  return facts.protocol == kProtocolTcp && (facts.tcp_flags & kSynAck) == kSynAck &&
         !IsForward(idx) && (line.state.load(std::memory_order_relaxed) & kLineSyn) == 0;
}

}  // namespace

bool ChangesNothing(const SessionLine& line, const SessionLine& peer, bool forward,
                    const PacketFacts& facts) noexcept {
  if (facts.protocol != kProtocolTcp) {
    return false;
  }
  if ((facts.tcp_flags & kTcpRst) != 0) {
    return !TcpFlagsAreLegal(facts.tcp_flags) || !RstIsValid(line, peer, facts);
  }
  if (!TcpFlagsAreLegal(facts.tcp_flags)) {
    return true;
  }
  const uint8_t own = line.state.load(std::memory_order_relaxed);
  const uint8_t other = peer.state.load(std::memory_order_relaxed);
  const bool established = DeriveState(kProtocolTcp, forward ? own : other,
                                       forward ? other : own) == ConnectionState::kTcpEstablished;
  return (facts.tcp_flags & kTcpSyn) != 0 && established;
}

void AcceptInSession(WorkerContext& worker, LineIdx idx, const PacketFacts& facts,
                     NatGatewayIdx gateway) noexcept {
  SessionLine& line = worker.sessions->Line(idx);
  const SessionLine& peer = worker.sessions->Line(PeerOf(idx));
  if (gateway.has_value() && AnswersSyn(line, idx, facts)) {
    worker.counters->Of(gateway).established.Add(1);
  }
  if (AcceptPacket(line, peer, IsForward(idx), facts, worker.now_ms) == AcceptEffect::kClosed) {
    worker.sessions->NoteClosed(idx);
  }
}

}  // namespace sluice
