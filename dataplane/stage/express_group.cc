#include "dataplane/stage/express_group.h"

#include <bit>

#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_state.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/eight.h"
#include "dataplane/stage/nat_count.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {
namespace {

// Of eight found packets, what their lines lead to. Unused places repeat the first.
struct alignas(32) Group {
  uint32_t generation[kEight];  // that the walk must be of
  uint32_t mtu_bytes[kEight];  // LinkRow's, edge << 16 | inside; 0 while the next hop is unresolved
  uint64_t link_first[kEight];  // the first eight bytes of the link header
  SessionLine* line[kEight];
  const LinkRow* link[kEight];
};

// Where a group is gathered from, in registers.
struct Sources {
  SessionLine* lines;
  const LinkRow* links;
  const uint32_t* walk_generation;
  const NeighborTable* neighbors;
  InterfaceIdx internet;
};

void GatherOne(const Sources& from, LineIdx idx, uint32_t sender, uint32_t to, Group& group) {
  SessionLine& line = from.lines[idx.index()];
  const uint32_t leads = line.next_hop.load(std::memory_order_relaxed) & kNextHopSide;
  const LinkRow& link = from.links[leads];
  const uint64_t first = link.first | from.neighbors->LookupPacked(link.neighbor);
  const uint32_t mtu_bytes = uint32_t{link.edge_mtu_bytes} << 16 | link.mtu_bytes;
  const uint32_t judge =
      JudgeOfWalk(from.internet, InterfaceIdx(sender), InterfaceIdx(leads)).value;
  group.generation[to] = from.walk_generation[judge];
  group.mtu_bytes[to] = first << 16 == 0 ? 0 : mtu_bytes;
  group.link_first[to] = first;
  group.line[to] = &line;
  group.link[to] = &link;
}

void Gather(const Snapshot& snapshot, const WorkerContext& worker, const ExpressLanes& found,
            uint32_t first, uint32_t count, Group& group) {
  const Sources sources{&worker.sessions->Line(LineIdx(0)), snapshot.links.data(),
                        snapshot.walk_generation.data(), worker.neighbors, snapshot.internet};
  for (uint32_t i = 0; i < kEight; ++i) {
    const uint32_t at = first + (i < count ? i : 0);
    GatherOne(sources, found.line[at], found.glance.sender[at], i, group);
  }
}

// Sixteen bytes of a line that other threads may be writing: each half is read at once, as an
// aligned vector load does (AMD64 Architecture Programmer's Manual 2, 7.3.2).
__m128i LoadShared(const SessionLine& line, size_t offset) {
  const auto* words = reinterpret_cast<const std::atomic<uint64_t>*>(
      reinterpret_cast<const uint8_t*>(&line) + offset);
#ifdef __SANITIZE_THREAD__
  return _mm_set_epi64x(static_cast<int64_t>(words[1].load(std::memory_order_acquire)),
                        static_cast<int64_t>(words[0].load(std::memory_order_acquire)));
#else
  const __m128i both = _mm_load_si128(reinterpret_cast<const __m128i*>(words));
  // The compiler keeps the order of these loads; the processor does so by itself.
  std::atomic_signal_fence(std::memory_order_acq_rel);
  return both;
#endif
}

FourWords LoadLines(const Group& group, size_t offset) {
  return LoadFourWords([&](int i) { return LoadShared(*group.line[i], offset); });
}

// What eight lines say, by word. The walk between two looks at its generation, as ReadWalk does.
struct Lines {
  __m256i new_src, new_dst, new_ports, deltas;
  __m256i next_hop, generation, last_seen_ms;
  __m256i nat_gateway;  // where a gateway translates
  __m256i marks;        // window, TCP flags and state, from the lowest bit
  __m256i unchanged;    // condition
};
Lines ReadLines(const Group& group) {
  constexpr size_t kWalk = offsetof(SessionLine, new_addresses);
  constexpr size_t kTimes = offsetof(SessionLine, next_hop);
  constexpr size_t kMarks = offsetof(SessionLine, fin_seq);
  const FourWords times = LoadLines(group, kTimes);
  const FourWords walk = LoadLines(group, kWalk);
  const FourWords marks = LoadLines(group, kMarks);
  const auto again = [&](int i) {
    return static_cast<int>(group.line[i]->generation.load(std::memory_order_relaxed));
  };
  const __m256i second_look = _mm256_setr_epi32(again(0), again(1), again(2), again(3), again(4),
                                                again(5), again(6), again(7));
  return {walk.word[0],  walk.word[1],
          walk.word[2],  walk.word[3],
          times.word[0], times.word[1],
          times.word[2], marks.word[0],
          marks.word[1], Equal(times.word[1], second_look)};
}
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
Packets ReadPackets(const ExpressLanes& found, uint32_t from, const Lines& lines) {
  static_assert(AsMarks(kLineNat) == 1u << 29 && sizeof(LineIdx) == sizeof(uint32_t));
  const Glance& glance = found.glance;
  return {Load(&glance.tcp[from]),
          HasBit<29>(lines.marks),
          HasBit<0>(Load(&found.line[from].value)),
          Load(&glance.ip_bytes[from]),
          Load(&glance.head[from]),
          Load(&glance.l4_sum[from])};
}

// HitsOwnLine.
__m256i HitsOwnLines(const Packets& packets, const Lines& lines, uint32_t now_ms) {
  const __m256i confirmed = _mm256_andnot_si256(packets.reverse, All(AsMarks(kLineConfirmed)));
  const __m256i wanted = _mm256_or_si256(confirmed, All(AsMarks(kLineSeen)));
  const __m256i looked_at = _mm256_or_si256(wanted, All(AsMarks(kLineFin | kLineReset)));
  const __m256i alive = Equal(_mm256_and_si256(lines.marks, looked_at), wanted);
  const __m256i age_ms = _mm256_sub_epi32(All(now_ms), lines.last_seen_ms);
  const __m256i limit_ms = Select(packets.tcp, All(SmallestTimeoutMs(kProtocolTcp)),
                                  All(SmallestTimeoutMs(kProtocolUdp)));
  return _mm256_and_si256(alive, AtMost(age_ms, limit_ms));
}

// WalkCarries.
__m256i WalksCarry(const Packets& packets, const Lines& lines, __m256i mtus) {
  static_assert(kNextHopEdge == 1u << 30 && kNextHopDirect == 1u << 31);
  const __m256i edge = HasBit<30>(lines.next_hop);
  const __m256i most = Select(edge, _mm256_srli_epi32(mtus, 16), Bits(mtus, 0xffff));
  const __m256i ttl = Bits(packets.head, 0xff);
  const __m256i expires = _mm256_and_si256(packets.translated, AtMost(ttl, All(1)));
  return _mm256_andnot_si256(expires, AtMost(packets.ip_bytes, most));
}

// How many, from the first on, may take the short way.
uint32_t CountFit(const Group& group, const Packets& packets, const Lines& lines, uint32_t now_ms) {
  __m256i fit = _mm256_and_si256(Equal(lines.generation, Load(group.generation)), lines.unchanged);
  fit = _mm256_andnot_si256(HasBit<31>(lines.next_hop), fit);
  fit = _mm256_and_si256(fit, HitsOwnLines(packets, lines, now_ms));
  fit = _mm256_and_si256(fit, WalksCarry(packets, lines, Load(group.mtu_bytes)));
  return static_cast<uint32_t>(std::countr_one(MaskOf(fit)));
}

// The eight as they leave: sixteen bytes from the TTL on, and the transport checksum. Sums are in
// the byte order of memory (checksum.h).
struct alignas(32) Rewritten {
  __m128i from_ttl[kEight];
  uint32_t l4_sum[kEight];
};
void Rewrite(const Packets& packets, const Lines& lines, Rewritten& out) {
  const __m256i ones = All(0xffff);
  // One is taken of the TTL, the low byte of its word: ~1 is added to the sum.
  __m256i sum = _mm256_srli_epi32(_mm256_xor_si256(packets.head, All(~0u)), 16);
  sum = _mm256_add_epi32(sum, Bits(lines.deltas, 0xffff));
  sum = Fold(Fold(_mm256_add_epi32(sum, Bits(packets.translated, 0xfffe))));
  const __m256i ttl_protocol = _mm256_add_epi32(Bits(packets.head, 0xffff), packets.translated);
  const __m256i head =
      _mm256_or_si256(ttl_protocol, _mm256_slli_epi32(_mm256_xor_si256(sum, ones), 16));
  const FourWords rows = Transpose({head, lines.new_src, lines.new_dst, lines.new_ports});
  for (int i = 0; i < 4; ++i) {
    out.from_ttl[i] = _mm256_castsi256_si128(rows.word[i]);
    out.from_ttl[i + 4] = _mm256_extracti128_si256(rows.word[i], 1);
  }
  // UDP: 0 means none and stays, and a sum of 0 is sent as 0xffff (RFC 768).
  const __m256i before = packets.l4_sum;
  const __m256i l4_sum = _mm256_xor_si256(
      Fold(_mm256_add_epi32(_mm256_xor_si256(before, ones), _mm256_srli_epi32(lines.deltas, 16))),
      ones);
  const __m256i none = _mm256_andnot_si256(packets.tcp, Equal(before, All(0)));
  const __m256i wraps = _mm256_andnot_si256(packets.tcp, Equal(l4_sum, All(0)));
  const __m256i sent = _mm256_or_si256(l4_sum, Bits(wraps, 0xffff));
  Store(out.l4_sum, _mm256_andnot_si256(none, sent));
}

// What is counted beside the line's own numbers.
struct alignas(32) Counting {
  uint32_t nat_gateway[kEight];  // kCountedNatGateways: none, or one without counts of its own
  uint32_t open;                 // bit i: the i-th line's window is the burst's
};
void PrepareCounting(const Packets& packets, const Lines& lines, uint16_t window,
                     Counting& counting) {
  const __m256i other = _mm256_xor_si256(lines.marks, All(window));
  counting.open = MaskOf(Equal(Bits(other, 0xffc0), All(0)));
  const __m256i nobody = All(kCountedNatGateways);
  Store(counting.nat_gateway,
        Select(packets.translated, _mm256_min_epu32(lines.nat_gateway, nobody), nobody));
}

void CountOne(WorkerContext& worker, SessionLine& line, LineIdx idx, uint32_t ip_bytes,
              bool window_is_open) {
  if (!window_is_open || !CountUnderHalf(line, ip_bytes)) [[unlikely]] {
    CountInSession(worker, idx, ip_bytes, 0);
  }
}

// Writes packet and link header; returns where the frame begins.
uint8_t* WriteOne(const Group& group, const Rewritten& rewritten, uint32_t i, uint32_t tcp,
                  uint8_t* ip) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(ip + kIpv4TtlOffset), rewritten.from_ttl[i]);
  const auto l4_sum = static_cast<uint16_t>(rewritten.l4_sum[i]);
  constexpr uint32_t kFurther = kTcpChecksumOffset - kUdpChecksumOffset;
  uint8_t* field = ip + kIpv4MinBytes + kUdpChecksumOffset + (tcp & kFurther);
  std::memcpy(field, &l4_sum, sizeof(l4_sum));
  return WriteLink(*group.link[i], group.link_first[i], ip);
}

}  // namespace

uint32_t TakeGroup(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   const ExpressLanes& found, uint32_t from, uint32_t count) noexcept {
  const Glance& glance = found.glance;
  Group group;
  Gather(snapshot, worker, found, from, count, group);
  const Lines lines = ReadLines(group);
  const Packets packets = ReadPackets(found, from, lines);
  const uint32_t fit = std::min(CountFit(group, packets, lines, worker.now_ms), count);
  Rewritten rewritten;
  Rewrite(packets, lines, rewritten);
  Counting counting;
  PrepareCounting(packets, lines, found.window, counting);
  NatCounters* nat_counters = worker.counters->nat_gateways.data();
  const uint32_t first_lane = glance.lane[from];
  for (uint32_t i = 0; i < fit; ++i) {
    const uint32_t at = from + i;
    const uint32_t ip_bytes = glance.ip_bytes[at];
    CountOne(worker, *group.line[i], found.line[at], ip_bytes, (counting.open >> i & 1) != 0);
    RefreshLine(*group.line[i], glance.end_seq[at], worker.now_ms);
    CountNatHit(nat_counters[counting.nat_gateway[i]], found.line[at], ip_bytes);
    batch.out_frame[first_lane + i] = WriteOne(group, rewritten, i, glance.tcp[at], glance.ip[at]);
    batch.out_bytes[first_lane + i] = group.link[i]->bytes + ip_bytes;
  }
  StoreFirst(fit, Bits(lines.next_hop, kNextHopSide), &batch.out[first_lane].value);
  StoreFirst(fit, Load(&glance.sender[from]), &batch.sender[first_lane].value);
  return fit;
}

}  // namespace sluice
