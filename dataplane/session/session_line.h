// The two records of a session: one 64-byte hot line a direction, which is all an established
// packet touches, and one 32-byte cold record a pair, touched on a walk, on close and by the sweep.
// Byte diagram: docs/layouts/session.md.
//
// Lines stand in pairs, 128-byte aligned: line 2n is the initiator's direction, line 2n + 1 the
// responder's; the peer of a line is its index xor 1.
//
// Threads. Each line has one writer, the worker that polls its direction (fragments and ICMP errors
// are accounted elsewhere); the peer's worker and the control thread read it, so every field is an
// atomic that is loaded and stored relaxed: plain moves, no read-modify-write. The walk's fields
// form a sequence lock whose lock word is `generation`: StampWalk and ReadWalk. The key changes
// only while the pair is unpublished.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/base/cache_line.h"
#include "dataplane/packet/ids.h"
#include "dataplane/session/session_key.h"

namespace sluice {

using LineIdx = SessionIdx;  // a line: one direction
using PairIdx = StrongId<struct SessionPairTag>;

constexpr LineIdx PeerOf(LineIdx line) {
  return LineIdx(line.value ^ 1);
}
constexpr PairIdx PairOf(LineIdx line) {
  return PairIdx(line.value >> 1);
}
constexpr LineIdx ForwardLine(PairIdx pair) {
  return LineIdx(pair.value << 1);
}
constexpr LineIdx ReverseLine(PairIdx pair) {
  return LineIdx(pair.value << 1 | 1);
}
constexpr bool IsForward(LineIdx line) {
  return (line.value & 1) == 0;
}

// Generations of a line. Walk generations of snapshots are never one of these.
inline constexpr uint32_t kGenerationNone = 0;           // this direction has not walked yet
inline constexpr uint32_t kGenerationBusy = 0xffffffff;  // the walk's fields are being written

// Bits of SessionLine::state; only this direction's packets set them, except the copies of the
// pair's constants.
inline constexpr uint8_t kLineSeen = 0x01;  // a packet of this direction was accepted
inline constexpr uint8_t kLineConfirmed =
    0x02;  // initiator only: sent again after a reply (TCP: an ACK without SYN)
inline constexpr uint8_t kLineFin = 0x04;    // sent a FIN
inline constexpr uint8_t kLineReset = 0x08;  // sent a valid RST (decision 8)
inline constexpr uint8_t kLineTracked =
    0x10;                                  // constant: some interface of the walk tracks the flow
inline constexpr uint8_t kLineNat = 0x20;  // constant: a NAT gateway translates the flow
inline constexpr uint8_t kLineSyn = 0x40;  // sent a SYN
inline constexpr uint8_t kLineFinAcked = 0x80;  // the peer's FIN was acknowledged by this direction

// Fully closed: both FINs acknowledged, or a valid RST (decision 6).
constexpr bool PairIsClosed(uint8_t forward_state, uint8_t reverse_state) {
  return (forward_state & reverse_state & kLineFinAcked) != 0 ||
         ((forward_state | reverse_state) & kLineReset) != 0;
}

struct alignas(kCacheLineBytes) SessionLine {
  std::atomic<uint64_t> key_addresses;  // SessionKey::addresses
  std::atomic<uint64_t> key_rest;       // SessionKey::rest
  // The packet as it leaves, in the order of the wire, ready to be stored: WalkWords.
  std::atomic<uint64_t> new_addresses;
  std::atomic<uint32_t> new_ports;
  std::atomic<uint32_t> deltas;
  std::atomic<uint32_t> next_hop;  // an interface's index and kNextHop... bits
  std::atomic<uint32_t>
      generation;  // walk generation of the sender's interface; pairs with itself (sequence lock)
  std::atomic<uint32_t> last_seen_ms;  // BurstClock::now_ms of the last accepted packet
  std::atomic<uint32_t> next_seq;      // TCP: highest sequence + length sent by this direction
  std::atomic<uint32_t> fin_seq;  // with kLineFin: TCP sequence behind this direction's FIN; before
                                  // that, with kLineNat: the NAT gateway's index
  std::atomic<uint16_t> window;   // flow-log window: minute << 6 | second of its first packet
  std::atomic<uint8_t> tcp_flags;  // flow-log OR of the window
  std::atomic<uint8_t> state;      // kLine... bits
  std::atomic<uint64_t> counters;  // packets << 38 | bytes, of the window
};
static_assert(sizeof(SessionLine) == 64 && alignof(SessionLine) == 64);
static_assert(offsetof(SessionLine, new_addresses) == 16 && offsetof(SessionLine, next_hop) == 32);
static_assert(offsetof(SessionLine, last_seen_ms) == 40 && offsetof(SessionLine, window) == 52);
static_assert(offsetof(SessionLine, counters) == 56);
static_assert(std::is_trivially_destructible_v<SessionLine>);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

inline SessionKey KeyOf(const SessionLine& line) {
  return {line.key_addresses.load(std::memory_order_relaxed),
          line.key_rest.load(std::memory_order_relaxed)};
}

// A next-hop word: the side it leads to, and how the packet went.
inline constexpr uint32_t kNextHopDirect = uint32_t{1} << 31;  // layer-2 direct
inline constexpr uint32_t kNextHopEdge = uint32_t{1} << 30;    // through the internet gateway
// Answers to what leaves so are not what the session takes for its answers.
inline constexpr uint32_t kNextHopStrays = uint32_t{1} << 29;
inline constexpr uint32_t kNextHopSide = kMaxInterfaces;
static_assert((kNextHopSide & (kNextHopDirect | kNextHopEdge | kNextHopStrays)) == 0);
constexpr InterfaceIdx SideOf(uint32_t next_hop) {
  return InterfaceIdx(next_hop & kNextHopSide);
}

// The NAT gateway of a line with kLineNat and without kLineFin, as every line is that a packet hits
// (HitsOwnLine).
inline NatGatewayIdx GatewayOf(const SessionLine& line) {
  return NatGatewayIdx(line.fin_seq.load(std::memory_order_relaxed));
}

// What the walk of one direction decided, as the rewrite stage wants it. Host order.
struct WalkOutcome {
  uint32_t new_src = 0;
  uint32_t new_dst = 0;
  uint16_t new_src_l4_port = 0;
  uint16_t new_dst_l4_port = 0;
  uint16_t l3_delta = 0;  // computed by the rewrite room; opaque here
  uint16_t l4_delta = 0;
  uint32_t next_hop = 0;

  friend bool operator==(const WalkOutcome&, const WalkOutcome&) = default;
};
static_assert(std::is_trivially_copyable_v<WalkOutcome> && sizeof(WalkOutcome) == 20);

// The same as a line keeps it: addresses and ports as the bytes of the packet, checksum deltas
// with their bytes exchanged like the sums they are added to (RFC 1071 section 2 (B)), IPv4
// header's in the low half.
struct WalkWords {
  uint64_t addresses = 0;
  uint32_t ports = 0;
  uint32_t deltas = 0;
  uint32_t next_hop = 0;
};
constexpr WalkWords ToWords(const WalkOutcome& walk) {
  const uint32_t deltas = uint32_t{walk.l3_delta} << 16 | walk.l4_delta;
  return {__builtin_bswap64(uint64_t{walk.new_src} << 32 | walk.new_dst),
          __builtin_bswap32(uint32_t{walk.new_src_l4_port} << 16 | walk.new_dst_l4_port),
          __builtin_bswap32(deltas), walk.next_hop};
}
constexpr WalkOutcome FromWords(const WalkWords& words) {
  const uint64_t addresses = __builtin_bswap64(words.addresses);
  const uint32_t ports = __builtin_bswap32(words.ports);
  const uint32_t deltas = __builtin_bswap32(words.deltas);
  return {static_cast<uint32_t>(addresses >> 32),
          static_cast<uint32_t>(addresses),
          static_cast<uint16_t>(ports >> 16),
          static_cast<uint16_t>(ports),
          static_cast<uint16_t>(deltas >> 16),
          static_cast<uint16_t>(deltas),
          words.next_hop};
}

// Copies the walk's fields when they are of `generation`; false when stale, unstamped or changed
// while being read.
inline bool ReadWalk(const SessionLine& line, uint32_t generation, WalkWords* out) noexcept {
  // Pairs with the release store at the end of StampWalk.
  if (line.generation.load(std::memory_order_acquire) != generation) {
    return false;
  }
  // Acquire loads (plain moves on x86) keep the second look at the generation behind them; each
  // pairs with the release store of the same field in StampWalk.
  out->addresses = line.new_addresses.load(std::memory_order_acquire);
  out->ports = line.new_ports.load(std::memory_order_acquire);
  out->deltas = line.deltas.load(std::memory_order_acquire);
  out->next_hop = line.next_hop.load(std::memory_order_acquire);
  return line.generation.load(std::memory_order_relaxed) == generation;
}
// The fields as they stand, of whatever generation: for those who show or record them.
inline WalkOutcome ShowWalk(const SessionLine& line) noexcept {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return FromWords({line.new_addresses.load(kRelaxed), line.new_ports.load(kRelaxed),
                    line.deltas.load(kRelaxed), line.next_hop.load(kRelaxed)});
}

// Writes the walk's fields without the lock: only while the pair is unpublished.
void FillWalk(SessionLine& line, const WalkOutcome& walk, uint32_t generation) noexcept;
// Writes them on a re-walk. False when another worker is writing the line at this moment; the
// caller uses its own outcome for the packet and lets the other's stamp stand. `generation` is
// neither kGenerationNone nor kGenerationBusy. A second stamp of one generation carries the same
// outcome (walks are pure), so a reader cannot mix two of them; a flow whose translation changes
// gets a new pair.
bool StampWalk(SessionLine& line, const WalkOutcome& walk, uint32_t generation) noexcept;

// Takes the sequence lock of the walk's fields: their old generation, or kGenerationBusy while
// another worker has it.
inline uint32_t LockWalk(SessionLine& line) noexcept {
  uint32_t seen = line.generation.load(std::memory_order_relaxed);
  // The acquire half keeps the stores of the fields behind it.
  const bool locked =
      seen != kGenerationBusy &&
      line.generation.compare_exchange_strong(seen, kGenerationBusy, std::memory_order_acq_rel,
                                              std::memory_order_relaxed);
  return locked ? seen : kGenerationBusy;
}

// StampWalk for a walk that nearly always changes the packet as the one before it did: then the
// line's deltas are right. Otherwise set_deltas(walk) gives the outcome its own.
template <typename SetDeltas>
bool StampAgain(SessionLine& line, WalkOutcome walk, uint32_t generation,
                SetDeltas set_deltas) noexcept {
  const uint32_t before = LockWalk(line);
  if (before == kGenerationBusy) {
    return false;
  }
  const WalkWords words = ToWords(walk);
  if (before != kGenerationNone &&
      line.new_addresses.load(std::memory_order_relaxed) == words.addresses &&
      line.new_ports.load(std::memory_order_relaxed) == words.ports) [[likely]] {
    // Release: pairs with the acquire loads of ReadWalk.
    line.next_hop.store(words.next_hop, std::memory_order_release);
    line.generation.store(generation, std::memory_order_release);
    return true;
  }
  set_deltas(walk);
  FillWalk(line, walk, generation);
  return true;
}

// --- the cold record ---

inline constexpr uint32_t kNoInterface = 0xffffffff;
inline constexpr uint16_t kNoGateway = 0xffff;

// Bits of SessionCold::flags.
inline constexpr uint8_t kPairTrackedByInitiator = 0x01;  // the initiator's ENI tracks the flow
inline constexpr uint8_t kPairTrackedByResponder = 0x02;
inline constexpr uint8_t kPairNat = 0x04;        // nat_* are valid
inline constexpr uint8_t kPairMidstream = 0x08;  // opened without a SYN (D-MIDSTREAM)
inline constexpr uint8_t kPairAlias = 0x10;      // alias_line is the line of the binding (hairpin)
inline constexpr uint8_t kPairNatExpired =
    0x20;  // the NAT clock has run out: the reverse key is out of the index

// Bits of SessionCold::flow_log: which interfaces of the walk report ACCEPT of this flow.
inline constexpr uint8_t kFlowLogInitiator = 0x01;
inline constexpr uint8_t kFlowLogResponder = 0x02;
inline constexpr uint8_t kFlowLogGateway = 0x04;

// Timeouts of one interface (AWS-SG-13), packed into 32 bits of the cold record. Seconds.
struct TrackingTimeouts {
  uint32_t tcp_established_s = 432000;  // 60..432000
  uint8_t udp_stream_s = 180;           // 60..180
  uint8_t udp_s = 30;                   // 30..60

  // Values outside the ranges are clamped into them.
  constexpr uint32_t Pack() const {
    const auto clamp = [](uint32_t v, uint32_t lo, uint32_t hi) {
      return v < lo ? lo : v > hi ? hi : v;
    };
    return clamp(tcp_established_s, 60, 432000) | (clamp(udp_stream_s, 60, 180) - 60) << 19 |
           (clamp(udp_s, 30, 60) - 30) << 26;
  }
  static constexpr TrackingTimeouts Unpack(uint32_t bits) {
    return {bits & 0x7ffff, static_cast<uint8_t>((bits >> 19 & 0x7f) + 60),
            static_cast<uint8_t>((bits >> 26 & 0x1f) + 30)};
  }

  friend constexpr bool operator==(const TrackingTimeouts&, const TrackingTimeouts&) = default;
};
inline constexpr uint32_t kDefaultTimeouts = TrackingTimeouts{}.Pack();

// One a pair. A value: the table stores it as four relaxed 64-bit atomics and copies it in and out.
struct SessionCold {
  uint32_t initiator_interface_idx = kNoInterface;  // kNoInterface: not an ENI (internet, Services)
  uint32_t responder_interface_idx = kNoInterface;
  uint32_t initiator_timeouts = kDefaultTimeouts;  // TrackingTimeouts::Pack
  uint32_t responder_timeouts = kDefaultTimeouts;
  uint32_t nat_address = 0;  // the gateway's private address; with kPairNat
  uint16_t nat_port = 0;     // translated source port or query identifier
  uint16_t nat_gateway_idx = kNoGateway;
  uint32_t alias_line = 0xffffffff;  // LineIdx value, with kPairAlias
  uint16_t vpc_idx = 0xffff;         // of the initiator, for live counts
  uint8_t flags = 0;
  uint8_t flow_log = 0;

  constexpr bool tracked() const {
    return (flags & (kPairTrackedByInitiator | kPairTrackedByResponder)) != 0;
  }
  constexpr bool nat() const { return (flags & kPairNat) != 0; }
  // Counted in `sessions` and allowances; the others only cache a decision (decision 7).
  constexpr bool counted() const { return tracked() || nat(); }

  friend bool operator==(const SessionCold&, const SessionCold&) = default;
};
static_assert(sizeof(SessionCold) == 32 && std::is_trivially_copyable_v<SessionCold>);

struct SessionColdWords {
  std::atomic<uint64_t> words[4];
};
static_assert(sizeof(SessionColdWords) == 32);

struct alignas(kCacheLineBytes) SessionColdLine {
  SessionColdWords pairs[2];
};
static_assert(sizeof(SessionColdLine) == 64);

}  // namespace sluice
