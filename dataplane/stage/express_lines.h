// Whose the lines of eight packets are, and what they say, by word. Internal to the short way
// (express.h) and its turns. Worker thread.
#pragma once

#include <cstddef>

#include "dataplane/base/eight.h"
#include "dataplane/base/shared_words.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_state.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/express.h"
#include "dataplane/stage/express_group.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {

[[gnu::always_inline]] inline FourWords LoadLines(const EightLines& lines, size_t offset) {
  return LoadFourWords(
      [&](int i) { return LoadShared(reinterpret_cast<const uint8_t*>(lines[i]) + offset); });
}

// The lines of the first `count` of eight candidates; the first one's for the rest and for those
// who are none. Returns which have one: bit i, the i-th.
inline LaneBits LineAddresses(SessionTable& sessions, const LineIdx* candidates, uint32_t count,
                              EightLines& lines) {
  static_assert(kMaxSessionPairs <= 1u << 29, "lines have positive numbers, others negative ones");
  const __m256i asked = Load(&candidates->value);
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i counted = _mm256_cmpgt_epi32(All(count), places);
  const __m256i known = _mm256_andnot_si256(_mm256_srai_epi32(asked, 31), counted);
  const __m256i lines_known = _mm256_and_si256(asked, known);
  const __m256i first = _mm256_broadcastd_epi32(_mm256_castsi256_si128(lines_known));
  StoreAddresses(&sessions.Line(LineIdx(0)), Select(known, lines_known, first), lines);
  return MaskOf(known);
}

// Bit i: the i-th line has the i-th key.
inline LaneBits HaveKeys(const EightLines& lines, const SessionKey* keys) {
  static_assert(offsetof(SessionLine, key_addresses) == 0 && offsetof(SessionLine, key_rest) == 8);
  __m256i equal[4];
  for (int i = 0; i < 4; ++i) {
    const auto key = [&](int at) {
      return _mm_load_si128(reinterpret_cast<const __m128i*>(keys + at));
    };
    equal[i] =
        Equal(Pair(key(i), key(i + 4)), Pair(LoadShared(lines[i]), LoadShared(lines[i + 4])));
  }
  // Four bytes a packet, all ones where a word is equal.
  const __m256i words = _mm256_packs_epi16(_mm256_packs_epi32(equal[0], equal[1]),
                                           _mm256_packs_epi32(equal[2], equal[3]));
  return MaskOf(Equal(words, All(~0u)));
}

// What eight lines say, by word. The walk between two looks at its generation, as ReadWalk does.
struct Lines {
  __m256i new_src, new_dst, new_ports, deltas;
  __m256i next_hop, generation, last_seen_ms, next_seq;
  __m256i nat_gateway;  // where a gateway translates
  __m256i marks;        // window, TCP flags and state, from the lowest bit
  __m256i counters_low, counters_high;
  __m256i unchanged;  // condition
};
inline Lines ReadLines(const EightLines& lines) {
  constexpr size_t kWalk = offsetof(SessionLine, new_addresses);
  constexpr size_t kTimes = offsetof(SessionLine, next_hop);
  constexpr size_t kMarks = offsetof(SessionLine, fin_seq);
  const FourWords times = LoadLines(lines, kTimes);
  const FourWords walk = LoadLines(lines, kWalk);
  const FourWords marks = LoadLines(lines, kMarks);
  const __m256i second_look =
      LoadWords([&](int i) { return lines[i]->generation.load(std::memory_order_relaxed); });
  return {walk.word[0],
          walk.word[1],
          walk.word[2],
          walk.word[3],
          times.word[0],
          times.word[1],
          times.word[2],
          times.word[3],
          marks.word[0],
          marks.word[1],
          marks.word[2],
          marks.word[3],
          Equal(times.word[1], second_look)};
}
static_assert(offsetof(SessionLine, counters) == offsetof(SessionLine, fin_seq) + 8);
static_assert(offsetof(SessionLine, next_seq) == offsetof(SessionLine, last_seen_ms) + 4);
static_assert(offsetof(SessionLine, new_ports) == 24 && offsetof(SessionLine, deltas) == 28 &&
              offsetof(SessionLine, generation) == 36 && offsetof(SessionLine, window) == 52 &&
              offsetof(SessionLine, state) == 55);

// `state` bits as they lie in Lines::marks.
constexpr uint32_t AsMarks(uint8_t state) {
  return uint32_t{state} << 24;
}

// Where eight next-hop words lead. A line of another configuration may lead beyond the sides there
// are; its walk does not fit.
inline __m256i LeadsOf(const Snapshot& snapshot, __m256i next_hops) {
  return _mm256_min_epu32(Bits(next_hops, kNextHopSide),
                          All(static_cast<uint32_t>(snapshot.links.size()) - 1));
}

// The generation that the walk of each must be of. Of places without a packet any: their senders
// are rubbish.
inline __m256i WantedGenerations(const Snapshot& snapshot, __m256i senders, __m256i leads) {
  const __m256i last = All(static_cast<uint32_t>(snapshot.links.size()) - 1);
  alignas(32) uint32_t judge[kEight];  // JudgeOfWalk
  const __m256i judges = Select(Equal(senders, All(snapshot.internet.value)), leads, senders);
  Store(judge, _mm256_min_epu32(judges, last));
  const uint32_t* generations = snapshot.walk_generation.data();
  return LoadWords([&](int i) { return generations[judge[i]]; });
}

// HitsOwnLine.
inline __m256i HitsOwnLines(__m256i tcp, __m256i reverse, __m256i marks, __m256i last_seen_ms,
                            uint32_t now_ms) {
  const __m256i confirmed = _mm256_andnot_si256(reverse, All(AsMarks(kLineConfirmed)));
  const __m256i wanted = _mm256_or_si256(confirmed, All(AsMarks(kLineSeen)));
  const __m256i looked_at = _mm256_or_si256(wanted, All(AsMarks(kLineFin | kLineReset)));
  const __m256i alive = Equal(_mm256_and_si256(marks, looked_at), wanted);
  const __m256i age_ms = _mm256_sub_epi32(All(now_ms), last_seen_ms);
  const __m256i limit_ms =
      Select(tcp, All(SmallestTimeoutMs(kProtocolTcp)), All(SmallestTimeoutMs(kProtocolUdp)));
  return _mm256_and_si256(alive, AtMost(age_ms, limit_ms));
}

// What else is known of the eight, by word.
struct Packets {
  __m256i tcp;         // condition
  __m256i translated;  // condition: by a NAT gateway
  __m256i reverse;     // condition: the responder's
  __m256i ip_bytes;
  __m256i head;
  __m256i l4_sum;
};
inline Packets ReadPackets(const ExpressLanes& found, uint32_t from, const Lines& lines) {
  static_assert(AsMarks(kLineNat) == 1u << 29 && sizeof(LineIdx) == sizeof(uint32_t));
  const Glance& glance = found.glance;
  return {Load(&glance.tcp[from]),
          HasBit<29>(lines.marks),
          HasBit<0>(Load(&found.line[from].value)),
          Load(&glance.ip_bytes[from]),
          Load(&glance.head[from]),
          Load(&glance.l4_sum[from])};
}

}  // namespace sluice
