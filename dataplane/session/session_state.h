// What the two lines of a pair say about its connection: state, timeouts, expiry, and what a packet
// changes. Pure functions over values; the worker of a direction calls the updates on its own line
// only, and only reads the peer's.
//
// Theory (decision 3). No timer is ever armed. Each line records what its own direction has sent
// and when; state and timeout follow from both, and expiry is decided when a packet looks the
// session up. Two clocks run separately (D-TIMERS): the security group's, at each ENI that tracks
// the flow, and the NAT gateway's. Both are idle times: since the last accepted packet of either
// direction. Expired means idle > timeout.
//
// The short way: a line that is seen, neither finished nor reset, confirmed if it is the
// initiator's, and no older than the smallest timeout its protocol can have, is alive whatever the
// peer's line says: HitsOwnLine. Everything else reads the peer.
#pragma once

#include <cstdint>

#include "dataplane/packet/protocol.h"
#include "dataplane/session/session_line.h"

namespace sluice {

// Milliseconds. Settable ones are in TrackingTimeouts.
inline constexpr uint32_t kTcpHalfOpenMs = 60'000;
inline constexpr uint32_t kTcpClosingMs = 60'000;
inline constexpr uint32_t kTcpResetMs = 10'000;
inline constexpr uint32_t kIcmpMs = 30'000;
inline constexpr uint32_t kOtherProtocolMs = 600'000;  // AWS-SG-09
inline constexpr uint32_t kNatIdleMs = 350'000;        // AWS-NAT-07
inline constexpr uint32_t kCacheOnlyMs =
    120'000;  // untracked, untranslated: at most this, then walk again
// Longer than any of them, and a good deal shorter than half of the session clock's range.
inline constexpr uint32_t kFarOffMs = 0x3fffffff;

enum class ConnectionState : uint8_t {
  kTcpHalfOpen,  // the handshake, or a mid-stream flow seen in one direction, is not complete
  kTcpEstablished,
  kTcpClosing,  // a FIN was sent
  kTcpClosed,   // both FINs are acknowledged
  kTcpReset,    // a valid RST was sent
  kUdp,         // one direction, or a single request and its answers
  kUdpStream,   // the initiator sent again after a reply
  kIcmp,
  kOther,
};

constexpr ConnectionState DeriveState(uint8_t protocol, uint8_t forward, uint8_t reverse) {
  const uint8_t either = forward | reverse;
  if (protocol == kProtocolTcp) {
    if ((either & kLineReset) != 0) {
      return ConnectionState::kTcpReset;
    }
    if ((either & kLineFin) != 0) {
      return (forward & reverse & kLineFinAcked) != 0 ? ConnectionState::kTcpClosed
                                                      : ConnectionState::kTcpClosing;
    }
    return (forward & kLineConfirmed) != 0 ? ConnectionState::kTcpEstablished
                                           : ConnectionState::kTcpHalfOpen;
  }
  if (protocol == kProtocolUdp) {
    return (forward & kLineConfirmed) != 0 ? ConnectionState::kUdpStream : ConnectionState::kUdp;
  }
  return protocol == kProtocolIcmp ? ConnectionState::kIcmp : ConnectionState::kOther;
}

// The security-group timeout of one ENI. `timeouts` as TrackingTimeouts::Pack.
constexpr uint32_t SgTimeoutMs(ConnectionState state, uint32_t timeouts) {
  const TrackingTimeouts t = TrackingTimeouts::Unpack(timeouts);
  switch (state) {
    case ConnectionState::kTcpHalfOpen:
      return kTcpHalfOpenMs;
    case ConnectionState::kTcpEstablished:
      return t.tcp_established_s * 1000;
    case ConnectionState::kTcpClosing:
    case ConnectionState::kTcpClosed:
      return kTcpClosingMs;
    case ConnectionState::kTcpReset:
      return kTcpResetMs;
    case ConnectionState::kUdp:
      return t.udp_s * 1000u;
    case ConnectionState::kUdpStream:
      return t.udp_stream_s * 1000u;
    case ConnectionState::kIcmp:
      return kIcmpMs;
    case ConnectionState::kOther:
      break;
  }
  return kOtherProtocolMs;
}

// The smallest timeout any clock of the protocol can have, whatever the peer's line says.
constexpr uint32_t SmallestTimeoutMs(uint8_t protocol) {
  return protocol == kProtocolTcp                                  ? kTcpResetMs
         : (protocol == kProtocolUdp || protocol == kProtocolIcmp) ? kIcmpMs
                                                                   : kCacheOnlyMs;
}

// Milliseconds from `then` to `now` on the wrapping clock; 0 when `then` lies ahead (another
// worker's burst began later).
constexpr uint32_t AgeMs(uint32_t then, uint32_t now) {
  const int32_t age = static_cast<int32_t>(now - then);
  return age < 0 ? 0 : static_cast<uint32_t>(age);
}

struct LineView {
  uint32_t last_seen_ms = 0;
  uint8_t state = 0;
};
inline LineView ViewOf(const SessionLine& line) {
  return {line.last_seen_ms.load(std::memory_order_relaxed),
          line.state.load(std::memory_order_relaxed)};
}

// Since the last accepted packet of either direction.
constexpr uint32_t IdleMs(LineView forward, LineView reverse, uint32_t now_ms) {
  constexpr uint32_t kNever = 0x7fffffff;
  const uint32_t f =
      (forward.state & kLineSeen) != 0 ? AgeMs(forward.last_seen_ms, now_ms) : kNever;
  const uint32_t r =
      (reverse.state & kLineSeen) != 0 ? AgeMs(reverse.last_seen_ms, now_ms) : kNever;
  return f < r ? f : r;
}

// Which clocks have run out. A clock that does not apply (not tracked there, no NAT) reads as run
// out.
struct Expiry {
  ConnectionState state = ConnectionState::kOther;
  uint32_t idle_ms = 0;
  bool initiator = true;  // the security group of the initiator's ENI has forgotten the flow
  bool responder = true;
  bool nat = true;
  bool gone = true;  // nothing applies any more: the pair may be reclaimed

  // Some clock that applies has run out, so the line is no hit.
  bool any_lapsed = true;
};

constexpr Expiry JudgeExpiry(LineView forward, LineView reverse, const SessionCold& cold,
                             uint8_t protocol, uint32_t now_ms) {
  Expiry e;
  e.state = DeriveState(protocol, forward.state, reverse.state);
  e.idle_ms = IdleMs(forward, reverse, now_ms);
  const bool at_initiator = (cold.flags & kPairTrackedByInitiator) != 0;
  const bool at_responder = (cold.flags & kPairTrackedByResponder) != 0;
  e.initiator = !at_initiator || e.idle_ms > SgTimeoutMs(e.state, cold.initiator_timeouts);
  e.responder = !at_responder || e.idle_ms > SgTimeoutMs(e.state, cold.responder_timeouts);
  e.nat = !cold.nat() || (cold.flags & kPairNatExpired) != 0 || e.idle_ms > kNatIdleMs;
  if (!cold.counted()) {
    const uint32_t own = SgTimeoutMs(e.state, kDefaultTimeouts);
    e.gone = e.any_lapsed = e.idle_ms > (own < kCacheOnlyMs ? own : kCacheOnlyMs);
    return e;
  }
  e.gone = e.initiator && e.responder && e.nat;
  e.any_lapsed =
      (at_initiator && e.initiator) || (at_responder && e.responder) || (cold.nat() && e.nat);
  return e;
}

// Milliseconds until the next clock of a pair that no packet touches runs out; kFarOffMs when none
// is left.
constexpr uint32_t NextLapseMs(LineView forward, LineView reverse, const SessionCold& cold,
                               uint8_t protocol, uint32_t now_ms) {
  const ConnectionState state = DeriveState(protocol, forward.state, reverse.state);
  const uint32_t idle_ms = IdleMs(forward, reverse, now_ms);
  uint32_t next_ms = kFarOffMs;
  const auto runs = [&](bool applies, uint32_t timeout_ms) {
    if (applies && idle_ms <= timeout_ms && timeout_ms - idle_ms < next_ms) {
      next_ms = timeout_ms - idle_ms;
    }
  };
  const uint32_t own_ms = SgTimeoutMs(state, kDefaultTimeouts);
  runs(!cold.counted(), own_ms < kCacheOnlyMs ? own_ms : kCacheOnlyMs);
  runs((cold.flags & kPairTrackedByInitiator) != 0, SgTimeoutMs(state, cold.initiator_timeouts));
  runs((cold.flags & kPairTrackedByResponder) != 0, SgTimeoutMs(state, cold.responder_timeouts));
  runs(cold.nat() && (cold.flags & kPairNatExpired) == 0, kNatIdleMs);
  return next_ms;
}

// Whether surely no clock has run out: no timeout is smaller than the protocol's smallest. False
// says nothing; JudgeExpiry then does.
constexpr bool IsSurelyAlive(LineView forward, LineView reverse, const SessionCold& cold,
                             uint8_t protocol, uint32_t now_ms) {
  return (cold.flags & kPairNatExpired) == 0 &&
         IdleMs(forward, reverse, now_ms) <= SmallestTimeoutMs(protocol);
}

// The short way (see above). Own line only.
constexpr bool HitsOwnLine(LineView own, bool forward, uint8_t protocol, uint32_t now_ms) {
  const bool needs_confirmation =
      forward & ((protocol == kProtocolTcp) | (protocol == kProtocolUdp));
  const uint8_t wanted =
      static_cast<uint8_t>(kLineSeen | (needs_confirmation ? kLineConfirmed : 0));
  return (own.state & (wanted | kLineFin | kLineReset)) == wanted &&
         static_cast<int32_t>(now_ms - own.last_seen_ms) <=
             static_cast<int32_t>(SmallestTimeoutMs(protocol));  // AgeMs without its clamp
}

// --- TCP ---

// Flag sets that a sane sender produces (PSH aside), after the table of Linux's conntrack: SYN,
// SYN+ACK, ACK, RST, RST+ACK, FIN+ACK, and SYN, ACK or FIN+ACK with URG. Others never create a
// session (decision 8).
constexpr bool TcpFlagsAreLegal(uint8_t flags) {
  const auto bit = [](int f) { return uint64_t{1} << f; };
  constexpr uint64_t kLegal = bit(kTcpSyn) | bit(kTcpSyn | kTcpUrg) | bit(kTcpSyn | kTcpAck) |
                              bit(kTcpRst) | bit(kTcpRst | kTcpAck) | bit(kTcpFin | kTcpAck) |
                              bit(kTcpFin | kTcpAck | kTcpUrg) | bit(kTcpAck) |
                              bit(kTcpAck | kTcpUrg);
  return (kLegal >> (flags & (kTcpFin | kTcpSyn | kTcpRst | kTcpAck | kTcpUrg)) & 1) != 0;
}
// A first packet that may open a session; without kTcpSyn alone it opens a mid-stream one
// (D-MIDSTREAM).
constexpr bool TcpMayOpen(uint8_t flags) {
  return TcpFlagsAreLegal(flags) && (flags & (kTcpRst | kTcpFin)) == 0;
}
constexpr bool TcpOpensMidstream(uint8_t flags) {
  return (flags & (kTcpSyn | kTcpAck)) != kTcpSyn;
}

struct PacketFacts {
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint32_t tcp_seq = 0;
  uint32_t tcp_ack = 0;
  uint32_t tcp_payload_bytes = 0;
};

// The sequence number behind the segment: SYN and FIN count one each (RFC 9293 3.4).
constexpr uint32_t TcpEndSeq(const PacketFacts& p) {
  return p.tcp_seq + p.tcp_payload_bytes + ((p.tcp_flags & kTcpSyn) != 0 ? 1 : 0) +
         ((p.tcp_flags & kTcpFin) != 0 ? 1 : 0);
}

// Decision 8 (D-RST): the RST's sequence number is exactly the next one expected from its sender;
// from one that has sent nothing, an RST+ACK must acknowledge exactly what the peer sent (a refused
// connection).
inline bool RstIsValid(const SessionLine& own, const SessionLine& peer, const PacketFacts& p) {
  if ((own.state.load(std::memory_order_relaxed) & kLineSeen) != 0) {
    return p.tcp_seq == own.next_seq.load(std::memory_order_relaxed);
  }
  return (p.tcp_flags & kTcpAck) != 0 &&
         (peer.state.load(std::memory_order_relaxed) & kLineSeen) != 0 &&
         p.tcp_ack == peer.next_seq.load(std::memory_order_relaxed);
}

// The update of a hit: own line, no peer. Not for SYN, FIN or RST. `end_seq` of a TCP segment:
// TcpEndSeq; of other protocols 0, which their lines hold. No branch: how far a segment reaches is
// anybody's guess.
inline void RefreshLine(SessionLine& own, uint32_t end_seq, uint32_t now_ms) {
  own.last_seen_ms.store(now_ms, std::memory_order_relaxed);
  const uint32_t next = own.next_seq.load(std::memory_order_relaxed);
  const auto further = static_cast<int32_t>(end_seq - next);
  own.next_seq.store(next + static_cast<uint32_t>(further & ~(further >> 31)),
                     std::memory_order_relaxed);
}

enum class AcceptEffect : uint8_t {
  kRefreshed,
  kClosed,   // this packet closed the connection: SessionTable::NoteClosed
  kIgnored,  // an invalid RST: forwarded, but neither state nor timers change, and it is not
             // counted in the line
};

// The update of any accepted packet that was not a plain hit, the first of a direction included.
// Writes `own`, reads `peer`. `forward`: own is the initiator's line.
AcceptEffect AcceptPacket(SessionLine& own, const SessionLine& peer, bool forward,
                          const PacketFacts& packet, uint32_t now_ms) noexcept;

// Whether a SYN (without ACK, FIN or RST) begins the pair's connection anew: it is finished, or was
// seen from its middle only, or its NAT binding has run out, or every interface that tracked it has
// forgotten it. Where one remembers it, a SYN does not begin it anew for the other.
constexpr bool SynBeginsAnew(const SessionCold& cold, const Expiry& expiry) {
  const bool finished = expiry.state == ConnectionState::kTcpClosing ||
                        expiry.state == ConnectionState::kTcpClosed ||
                        expiry.state == ConnectionState::kTcpReset;
  const bool unbound = cold.nat() && expiry.nat;
  const bool forgotten = expiry.any_lapsed && expiry.initiator && expiry.responder;
  return finished || unbound || forgotten || (cold.flags & kPairMidstream) != 0;
}

}  // namespace sluice
