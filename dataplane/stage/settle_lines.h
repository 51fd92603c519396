// What eight packets that settle, their lines and what belongs to those say, and what the lines
// will say: session_state.h and accounting.h, eight at a time. Internal to settle_group.cc. Worker
// thread.
#pragma once

#include <bit>
#include <cstddef>

#include "dataplane/base/eight.h"
#include "dataplane/base/shared_words.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/express_lines.h"
#include "dataplane/stage/short_walk_steps.h"

namespace sluice {

// What the segments of eight packets say of their connections. Host order.
struct Segments {
  __m256i flags;
  __m256i syn;  // condition
  __m256i fin;  // condition
  __m256i ack_seq;
  __m256i end_seq;  // TcpEndSeq
};
// Of places without a packet anything.
inline Segments ReadSegments(const Glance& glance, uint32_t from) {
  static_assert(kTcpSequenceOffset == 4 && kTcpAckOffset == 8 && kTcpFlagsOffset == 13);
  const FourWords words = LoadFourWords([&](int i) {
    const uint8_t* tcp = glance.ip[from + static_cast<uint32_t>(i)] + kIpv4MinBytes;
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(tcp + kTcpSequenceOffset));
  });
  const __m256i flags = Bits(_mm256_srli_epi32(words.word[2], 8), 0x3f);
  static_assert(kTcpFin == 1 << 0 && kTcpSyn == 1 << 1);
  const __m256i syn = HasBit<1>(flags);
  const __m256i fin = HasBit<0>(flags);
  const __m256i end_seq = _mm256_sub_epi32(Load(&glance.end_seq[from]), _mm256_add_epi32(syn, fin));
  return {flags, syn, fin, Swap(words.word[1]), end_seq};
}

// What the other line of eight packets' pairs and their cold records say.
struct Others {
  __m256i last_seen_ms;
  __m256i fin_seq;
  __m256i state;        // kLine... bits
  __m256i nat_gateway;  // of those that a gateway translates
  __m256i nat_expired;  // condition
};
// Of those of `which`, which is not empty; of the rest anything.
inline Others ReadOthers(SessionTable& sessions, const LineIdx* lines, LaneBits which) {
  const __m256i first = All(lines[std::countr_zero(which)].value);
  const __m256i own = Select(Places(which, 0), Load(&lines->value), first);
  EightLines peer;
  StoreAddresses(&sessions.Line(LineIdx(0)), _mm256_xor_si256(own, All(1)), peer);
  const SessionColdWords* cold[kEight];
  StoreAddresses(sessions.ColdRecords(), _mm256_srli_epi32(own, 1), cold);
  const FourWords times = LoadLines(peer, offsetof(SessionLine, next_hop));
  const FourWords marks = LoadLines(peer, offsetof(SessionLine, fin_seq));
  const FourWords pair = LoadFourWords([&](int i) { return LoadShared(&cold[i]->words[2]); });
  static_assert(offsetof(SessionCold, nat_gateway_idx) == 22 && offsetof(SessionCold, flags) == 30);
  static_assert(kPairNatExpired == 0x20);
  return {times.word[2], marks.word[0], _mm256_srli_epi32(marks.word[1], 24),
          _mm256_srli_epi32(pair.word[1], 16), HasBit<21>(pair.word[3])};
}

// Eight lines as they will be: the words of each that change, in the order they are stored.
struct alignas(32) Settled {
  uint64_t times[kEight];     // last_seen_ms, next_seq
  uint64_t marks[kEight];     // fin_seq, window, tcp_flags, state
  uint64_t counters[kEight];  // CountInLine
  LaneBits closes;            // bit i: the i-th ends its connection
  LaneBits answers_syn;       // bit i: the i-th is the first SYN+ACK of the responder
};

// Eight words of 64 bits from their halves.
inline void StorePairs(__m256i low, __m256i high, uint64_t (&words)[kEight]) {
  StoreHalves(_mm256_unpacklo_epi32(low, high), &words[0], &words[4]);
  StoreHalves(_mm256_unpackhi_epi32(low, high), &words[2], &words[6]);
}

// PairIsClosed.
inline __m256i AreClosed(__m256i state, __m256i other) {
  static_assert(kLineFinAcked == 1 << 7 && kLineReset == 1 << 3);
  return Or(HasBit<7>(And(state, other)), HasBit<3>(Or(state, other)));
}

// What the segments add to the state bits of their lines (AcceptPacket), without RST.
inline __m256i StateAfter(const Packets& packets, const Segments& segments, const Others& others,
                          __m256i before) {
  static_assert(kLineSeen == 1 << 0 && kLineFin == 1 << 2 && kTcpAck == 1 << 4);
  const __m256i ack = HasBit<4>(segments.flags);
  const __m256i reaches =
      _mm256_cmpgt_epi32(_mm256_sub_epi32(segments.ack_seq, others.fin_seq), All(~0u));
  const __m256i acks_fin = And(And(ack, HasBit<2>(others.state)), reaches);
  const __m256i confirms =
      And(Without(ack, Or(segments.syn, packets.reverse)), HasBit<0>(others.state));
  const __m256i moves = Or(Or(Bits(segments.syn, kLineSyn), Bits(segments.fin, kLineFin)),
                           Or(Bits(acks_fin, kLineFinAcked), Bits(confirms, kLineConfirmed)));
  return Or(Or(before, moves), All(kLineSeen));
}

// AcceptPacket and CountInLine, of lines that may count (MayCountHere).
inline void Settle(const Packets& packets, const Segments& segments, const Lines& lines,
                   const Others& others, uint32_t now_ms, uint16_t window, Settled& settled) {
  const __m256i before = _mm256_srli_epi32(lines.marks, 24);
  const __m256i state = StateAfter(packets, segments, others, before);
  const __m256i further = _mm256_cmpgt_epi32(_mm256_sub_epi32(segments.end_seq, lines.next_seq),
                                             _mm256_setzero_si256());
  const __m256i seen = HasBit<0>(before);
  const __m256i keeps = Without(seen, further);
  StorePairs(All(now_ms), Select(keeps, lines.next_seq, segments.end_seq), settled.times);

  // A line that counts nothing begins a window. FlowLogTcpFlags.
  const __m256i none = Equal(Or(lines.counters_low, lines.counters_high), _mm256_setzero_si256());
  const __m256i noted = Or(Bits(segments.flags, kTcpFin | kTcpSyn), Bits(segments.syn, kTcpAck));
  const __m256i open = Select(none, All(window), Bits(lines.marks, 0xffffff));
  const __m256i marks = Or(Or(open, _mm256_slli_epi32(noted, 16)), _mm256_slli_epi32(state, 24));
  StorePairs(Select(segments.fin, segments.end_seq, lines.nat_gateway), marks, settled.marks);

  const __m256i bytes = _mm256_add_epi32(lines.counters_low, packets.ip_bytes);
  // The bytes' carry: an unsigned sum below what was added to.
  const __m256i no_carry = Equal(_mm256_max_epu32(bytes, lines.counters_low), bytes);
  const __m256i high =
      _mm256_add_epi32(_mm256_add_epi32(lines.counters_high, All(1u << (kLineBytesBits - 32))),
                       _mm256_add_epi32(All(1), no_carry));
  StorePairs(bytes, high, settled.counters);

  settled.closes = MaskOf(Without(AreClosed(state, others.state), AreClosed(before, others.state)));
  settled.answers_syn = MaskOf(And(segments.syn, Without(packets.reverse, HasBit<6>(before))));
}

inline void StoreSettled(SessionLine& line, const Settled& settled, uint32_t i) {
  const auto store = [&](auto& field, const uint64_t& word) {
    StoreSharedLow(&field, _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&word)));
  };
  store(line.last_seen_ms, settled.times[i]);
  store(line.fin_seq, settled.marks[i]);  // in one go: peers that see the bit see the number
  store(line.counters, settled.counters[i]);
}

// Whether the lines count in the burst's window or in none yet, and are below their halves.
inline __m256i MayCountHere(const Lines& lines, uint16_t window) {
  constexpr uint32_t kHalves = 1u << 31 | 1u << (kLineBytesBits - 1 - 32);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i other = Bits(_mm256_xor_si256(lines.marks, All(window)), 0xffc0);
  const __m256i full = Bits(lines.counters_high, kHalves);
  const __m256i none = Equal(Or(lines.counters_low, lines.counters_high), zero);
  return Or(none, Equal(Or(other, full), zero));
}

// IsSurelyAlive.
inline __m256i AreAlive(const Lines& lines, const Others& others, uint32_t now_ms) {
  const __m256i limit_ms = All(SmallestTimeoutMs(kProtocolTcp));
  const auto recent = [&](__m256i seen, __m256i last_seen_ms) {
    return And(seen, AtMost(_mm256_sub_epi32(All(now_ms), last_seen_ms), limit_ms));
  };
  return Without(Or(recent(HasBit<24>(lines.marks), lines.last_seen_ms),
                    recent(HasBit<0>(others.state), others.last_seen_ms)),
                 others.nat_expired);
}

// Whether the segments may settle: SYN+ACKs whose line was walked in this run, if they are not of
// an established connection; of others all but SYN.
inline __m256i AreOrdinary(const Segments& segments, const Packets& packets, const Lines& lines,
                           const Others& others, LaneBits walked) {
  const __m256i own = _mm256_srli_epi32(lines.marks, 24);
  const __m256i forward = Select(packets.reverse, others.state, own);
  static_assert(kLineConfirmed == 1 << 1);
  const __m256i established =
      Without(HasBit<1>(forward), HasAny(Or(own, others.state), kLineFin | kLineReset));
  const __m256i answers = Without(And(HasBit<4>(segments.flags), Places(walked, 0)), established);
  return And(packets.tcp, Or(answers, Equal(segments.syn, _mm256_setzero_si256())));
}

}  // namespace sluice
