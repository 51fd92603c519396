// Where eight packets lead and how they leave. Internal to the short way: groups of established
// (express_group.cc) and of settling packets (settle_group.cc). Worker thread.
#pragma once

#include <cstring>

#include "dataplane/base/eight.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/express_lines.h"
#include "dataplane/stage/neighbor_table.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Where the eight lead, in the order of Transpose's rows where there are eight bytes of each.
struct alignas(32) Links {
  const LinkRow* row[kEight];
  uint64_t first[kEight];  // the first eight bytes of the link header
  __m256i bytes;           // of the header
  __m256i mtus;            // LinkRow's, edge << 16 | inside; 0 while the next hop is unresolved
};
[[gnu::always_inline]] inline void ReadLinks(const Snapshot& snapshot,
                                             const NeighborTable& neighbors, __m256i leads,
                                             Links& links) {
  StoreAddresses(snapshot.links.data(), leads, links.row);
  const FourWords rows = LoadFourWords(
      [&](int i) { return _mm_load_si128(reinterpret_cast<const __m128i*>(links.row[i])); });
  alignas(32) uint32_t neighbor[kEight];
  Store(neighbor, Bits(rows.word[2], 0xffff));
  const auto mac = [&](int i) { return static_cast<int64_t>(neighbors.LookupMarked(neighbor[i])); };
  const __m256i macs[2] = {_mm256_setr_epi64x(mac(0), mac(1), mac(4), mac(5)),
                           _mm256_setr_epi64x(mac(2), mac(3), mac(6), mac(7))};
  const __m256i known[2] = {_mm256_unpacklo_epi32(rows.word[0], rows.word[1]),
                            _mm256_unpackhi_epi32(rows.word[0], rows.word[1])};
  __m256i unresolved[2];
  for (int i = 0; i < 2; ++i) {
    const __m256i mark = _mm256_set1_epi64x(static_cast<int64_t>(NeighborTable::kResolved));
    const __m256i first = _mm256_or_si256(known[i], _mm256_andnot_si256(mark, macs[i]));
    StoreHalves(first, &links.first[2 * i], &links.first[2 * i + 4]);
    unresolved[i] = _mm256_cmpeq_epi64(_mm256_slli_epi64(first, 16), _mm256_setzero_si256());
  }
  links.bytes = _mm256_srli_epi32(rows.word[2], 16);
  links.mtus = _mm256_andnot_si256(EvenWords(unresolved[0], unresolved[1]), rows.word[3]);
}

// WalkCarries.
[[gnu::always_inline]] inline __m256i WalksCarry(const Packets& packets, const Lines& lines,
                                                 __m256i mtus) {
  static_assert(kNextHopEdge == 1u << 30 && kNextHopDirect == 1u << 31);
  const __m256i edge = HasBit<30>(lines.next_hop);
  const __m256i most = Select(edge, _mm256_srli_epi32(mtus, 16), Bits(mtus, 0xffff));
  const __m256i ttl = Bits(packets.head, 0xff);
  const __m256i expires = _mm256_and_si256(packets.translated, AtMost(ttl, All(1)));
  return _mm256_andnot_si256(expires, AtMost(packets.ip_bytes, most));
}

// The eight as they leave: sixteen bytes from the TTL on, and the transport checksum. Sums are in
// the byte order of memory (checksum.h).
struct alignas(32) Rewritten {
  __m128i from_ttl[kEight];
  uint32_t l4_sum[kEight];
  uint32_t l4_sum_at[kEight];  // bytes behind the first of the IPv4 header
};
[[gnu::always_inline]] inline void Rewrite(const Packets& packets, const Lines& lines,
                                           Rewritten& out) {
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
  constexpr uint32_t kFurther = kTcpChecksumOffset - kUdpChecksumOffset;
  Store(out.l4_sum_at,
        _mm256_add_epi32(All(kIpv4MinBytes + kUdpChecksumOffset), Bits(packets.tcp, kFurther)));
}

// Writes packet and link header; returns where the frame begins.
inline uint8_t* WriteOne(const LinkRow& link, uint64_t link_first, const Rewritten& rewritten,
                         uint32_t i, uint8_t* ip) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(ip + kIpv4TtlOffset), rewritten.from_ttl[i]);
  const auto l4_sum = static_cast<uint16_t>(rewritten.l4_sum[i]);
  std::memcpy(ip + rewritten.l4_sum_at[i], &l4_sum, sizeof(l4_sum));
  return WriteLink(link, link_first, ip);
}

}  // namespace sluice
