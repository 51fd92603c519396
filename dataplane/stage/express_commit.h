// Counting eight packets in their lines, and in their NAT gateways. Internal to the judging of a
// group (express_group.cc). Worker thread.
#pragma once

#include <cstddef>

#include "dataplane/base/eight.h"
#include "dataplane/base/shared_words.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/express_lines.h"
#include "dataplane/stage/worker_context.h"

namespace sluice {

// Whether no two of the numbers are equal.
inline bool AreDistinct(__m256i numbers) {
  const auto turned = [&](__m256i order) {
    return Equal(numbers, _mm256_permutevar8x32_epi32(numbers, order));
  };
  const __m256i near = _mm256_or_si256(turned(_mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0)),
                                       turned(_mm256_setr_epi32(2, 3, 4, 5, 6, 7, 0, 1)));
  const __m256i far = _mm256_or_si256(turned(_mm256_setr_epi32(3, 4, 5, 6, 7, 0, 1, 2)),
                                      turned(_mm256_setr_epi32(4, 5, 6, 7, 0, 1, 2, 3)));
  return _mm256_testz_si256(near, near) != 0 && _mm256_testz_si256(far, far) != 0;
}

// Bit i: the i-th line's window is the burst's and its counters are below their halves, as
// CountUnderHalf wants them.
inline LaneBits MayCount(const Lines& lines, uint16_t window) {
  constexpr uint32_t kHalves = 1u << 31 | 1u << (kLineBytesBits - 1 - 32);
  const __m256i other = Bits(_mm256_xor_si256(lines.marks, All(window)), 0xffc0);
  const __m256i full = Bits(lines.counters_high, kHalves);
  const __m256i none =
      Equal(_mm256_or_si256(lines.counters_low, lines.counters_high), _mm256_setzero_si256());
  return MaskOf(_mm256_andnot_si256(none, Equal(_mm256_or_si256(other, full), All(0))));
}

// Eight bytes to a field of each line, in the order of unpacked words.
template <size_t kField>
void StoreToLines(const EightLines& lines, __m256i first, __m256i second) {
  const auto store = [&](int at, __m128i two) {
    StoreSharedLow(reinterpret_cast<uint8_t*>(lines[at]) + kField, two);
    StoreSharedHigh(reinterpret_cast<uint8_t*>(lines[at + 1]) + kField, two);
  };
  store(0, _mm256_castsi256_si128(first));
  store(2, _mm256_castsi256_si128(second));
  store(4, _mm256_extracti128_si256(first, 1));
  store(6, _mm256_extracti128_si256(second, 1));
}

// CountUnderHalf and RefreshLine for eight different lines.
inline void CommitEight(const EightLines& at, const Packets& packets, const Lines& lines,
                        __m256i end_seq, uint32_t now_ms) {
  const __m256i one = All(1u << (kLineBytesBits - 32));
  const auto sum = [](__m256i counters, __m256i more) { return _mm256_add_epi64(counters, more); };
  StoreToLines<offsetof(SessionLine, counters)>(
      at,
      sum(_mm256_unpacklo_epi32(lines.counters_low, lines.counters_high),
          _mm256_unpacklo_epi32(packets.ip_bytes, one)),
      sum(_mm256_unpackhi_epi32(lines.counters_low, lines.counters_high),
          _mm256_unpackhi_epi32(packets.ip_bytes, one)));
  const __m256i further = _mm256_sub_epi32(end_seq, lines.next_seq);
  const __m256i next_seq =
      _mm256_add_epi32(lines.next_seq, _mm256_max_epi32(further, _mm256_setzero_si256()));
  const __m256i now = All(now_ms);
  StoreToLines<offsetof(SessionLine, last_seen_ms)>(at, _mm256_unpacklo_epi32(now, next_seq),
                                                    _mm256_unpackhi_epi32(now, next_seq));
}

// The same for some lines, of which some may be one.
[[gnu::noinline]] inline void CommitOneByOne(WorkerContext& worker, const EightLines& at,
                                             const ExpressLanes& found, uint32_t from,
                                             uint32_t count, uint32_t open) {
  for (uint32_t i = 0; i < count; ++i) {
    SessionLine& line = *at[i];
    const uint32_t ip_bytes = found.glance.ip_bytes[from + i];
    if ((open >> i & 1) == 0 || !CountUnderHalf(line, ip_bytes)) [[unlikely]] {
      CountInSession(worker, found.line[from + i], ip_bytes, 0);
    }
    RefreshLine(line, found.glance.end_seq[from + i], worker.now_ms);
  }
}

inline void CommitLines(WorkerContext& worker, const EightLines& at, const ExpressLanes& found,
                        uint32_t from, uint32_t count, const Packets& packets, const Lines& lines) {
  const LaneBits open = MayCount(lines, found.window);
  if (count == kEight && open == 0xff && AreDistinct(Load(&found.line[from].value))) [[likely]] {
    CommitEight(at, packets, lines, Load(&found.glance.end_seq[from]), worker.now_ms);
  } else {
    CommitOneByOne(worker, at, found, from, count, open);
  }
}

// What NAT gateways count of the eight: where, as an offset from the first gateway's counters, and
// what is added there, packets and bytes (CountNatHit).
struct alignas(32) NatCounting {
  uint32_t offset[kEight];
  __m128i packet_and_bytes[kEight];
};
// `translated`: where a gateway of `nat_gateway` has a packet.
inline void PrepareNatCounting(__m256i translated, const Packets& packets, __m256i nat_gateway,
                               NatCounting& counting) {
  static_assert(offsetof(NatCounters, from_destination) == 32 && sizeof(NatCounters) == 128);
  static_assert(offsetof(NatWay, left_packets) == 0 && offsetof(NatWay, left_bytes) == 8);
  const __m256i nobody = All(kCountedNatGateways);
  const __m256i gateway = Select(translated, _mm256_min_epu32(nat_gateway, nobody), nobody);
  Store(counting.offset, _mm256_or_si256(_mm256_slli_epi32(gateway, 7), Bits(packets.reverse, 32)));
  const __m256i one = _mm256_set1_epi64x(1);
  const __m256i zero = _mm256_setzero_si256();
  const __m256i bytes[2] = {_mm256_unpacklo_epi32(packets.ip_bytes, zero),
                            _mm256_unpackhi_epi32(packets.ip_bytes, zero)};
  __m128i* rows = counting.packet_and_bytes;
  for (int i = 0; i < 2; ++i) {
    StoreHalves(_mm256_unpacklo_epi64(one, bytes[i]), rows + 2 * i, rows + 2 * i + 4);
    StoreHalves(_mm256_unpackhi_epi64(one, bytes[i]), rows + 2 * i + 1, rows + 2 * i + 5);
  }
}
inline void CountNat(WorkerContext& worker, const NatCounting& counting, uint32_t count) {
  auto* counters = reinterpret_cast<uint8_t*>(worker.counters->nat_gateways.data());
  for (uint32_t i = 0; i < count; ++i) {
    AddShared(counters + counting.offset[i], counting.packet_and_bytes[i]);
  }
}

}  // namespace sluice
