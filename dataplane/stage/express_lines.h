// What the lines of eight packets say, by word. Internal to the judging of a group
// (express_group.cc). Worker thread.
#pragma once

#include <cstddef>

#include "dataplane/base/eight.h"
#include "dataplane/base/shared_words.h"
#include "dataplane/session/session_line.h"
#include "dataplane/stage/express.h"
#include "dataplane/stage/express_group.h"

namespace sluice {

[[gnu::always_inline]] inline FourWords LoadLines(const EightLines& lines, size_t offset) {
  return LoadFourWords(
      [&](int i) { return LoadShared(reinterpret_cast<const uint8_t*>(lines[i]) + offset); });
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
