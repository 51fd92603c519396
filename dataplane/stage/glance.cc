#include "dataplane/stage/glance.h"

#include <algorithm>

#include "dataplane/base/eight.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/interface.h"
#include "dataplane/table/sender_map.h"

namespace sluice {
namespace {

// Of the IPv4 packet: where UDP needs fewer too.
constexpr uint32_t kLookedAtBytes = kIpv4MinBytes + kTcpMinBytes;

uint64_t Load64(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}
// What names the senders of untagged frames, in registers.
struct Senders {
  const PortRow* ports;
  uint64_t router_mac;
  SenderMap::FirstProbe probe;
};

// The sender of an untagged frame addressed to the router; none: unknown, layer-2 direct or not
// found at the first look. Frames of a side's port are taken from any MAC to any MAC (its entry in
// the map is kMacOfSides): both kinds of port take one path, since they alternate in a burst.
inline InterfaceIdx RoutedSender(const Senders& senders, const uint8_t* frame, PortIdx port) {
  const uint64_t mask = senders.ports[port.index()].mac_mask;
  const bool to_router = ((Load64(frame) ^ senders.router_mac) & mask) == 0;
  const InterfaceIdx sender = senders.probe.Find(port, 0, Load64(frame + 4) >> 16 & mask);
  return to_router ? sender : InterfaceIdx::None();
}

struct Link {
  InterfaceIdx sender;  // none: no IPv4, or no known sender's
  uint32_t bytes = kEthernetBytes;
};

// The same for tagged frames, for those not found at the first look, and for what is no IPv4.
[[gnu::noinline]] Link ReadLinkSlowly(const Snapshot& snapshot, const uint8_t* frame,
                                      PortIdx port) {
  Link link;
  uint16_t vlan = 0;
  if (LoadBe16(frame + 12) == kEtherTypeVlan) {
    link.bytes += kVlanTagBytes;
    vlan = LoadBe16(frame + 14) & 0x0fff;
  }
  if (LoadBe16(frame + link.bytes - 2) != kEtherTypeIpv4) {
    return link;
  }
  link.sender = FindSide(snapshot, port, vlan);
  if (!link.sender.has_value() && PackMac(frame) == PackMac(snapshot.router_mac)) {
    link.sender = snapshot.senders->Find(port, vlan, PackMac(frame + 6));
  }
  return link;
}

[[gnu::always_inline]] inline FourWords LoadIp(uint8_t* const* ip, uint32_t offset) {
  return LoadFourWords(
      [=](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(ip[i] + offset)); });
}

// All ones where the five words sum up as an IPv4 header must (RFC 1071).
__m256i HeaderHolds(const __m256i (&header)[5]) {
  __m256i sum = _mm256_setzero_si256();
  for (const __m256i& word : header) {
    sum = _mm256_add_epi32(sum, Fold(word));
  }
  // Not zero, and at most 10 * 0xffff: one more fold leaves 0xffff if and only if it is a multiple.
  return Equal(Fold(sum), All(0xffff));
}

void StoreKeys(__m256i src, __m256i dst, __m256i ports, __m256i low, SessionKey* keys) {
  // Two packets of each half a vector: the words of their keys, then keys side by side.
  const __m256i addresses[2] = {_mm256_unpacklo_epi32(dst, src), _mm256_unpackhi_epi32(dst, src)};
  const __m256i rest[2] = {_mm256_unpacklo_epi32(low, ports), _mm256_unpackhi_epi32(low, ports)};
  for (int i = 0; i < 2; ++i) {
    const __m256i even = _mm256_unpacklo_epi64(addresses[i], rest[i]);
    const __m256i odd = _mm256_unpackhi_epi64(addresses[i], rest[i]);
    const auto store = [&](int at, __m128i key) {
      _mm_store_si128(reinterpret_cast<__m128i*>(keys + at), key);
    };
    store(2 * i, _mm256_castsi256_si128(even));
    store(2 * i + 1, _mm256_castsi256_si128(odd));
    store(2 * i + 4, _mm256_extracti128_si256(even, 1));
    store(2 * i + 5, _mm256_extracti128_si256(odd, 1));
  }
}

// What is said of the bytes behind the IPv4 header, in host order.
struct Transport {
  __m256i tcp;  // condition: TCP, otherwise UDP is supposed
  __m256i tcp_header_bytes;
  __m256i first_word;  // TCP: sequence number; UDP: length << 16 | checksum
  __m256i sum;         // the checksum field, in the byte order of memory
};
Transport ReadTransport(__m256i protocol, const FourWords& l4) {
  const __m256i(&word)[4] = l4.word;  // from byte 4 on: see first_word | ACK | flags | TCP checksum
  Transport t;
  t.tcp = Equal(protocol, All(kProtocolTcp));
  t.tcp_header_bytes = _mm256_srli_epi32(Bits(word[2], 0xf0), 2);
  t.first_word = Swap(word[0]);
  t.sum = Select(t.tcp, Bits(word[3], 0xffff), _mm256_srli_epi32(word[0], 16));
  return t;
}

// Conditions: lengths of TCP or UDP that agree, as parse wants them.
__m256i AgreesInLength(const Transport& t, __m256i l4_bytes) {
  const __m256i said = Select(t.tcp, t.tcp_header_bytes, _mm256_srli_epi32(t.first_word, 16));
  const __m256i least = Select(t.tcp, All(kTcpMinBytes), All(kUdpBytes));
  return _mm256_and_si256(AtMost(least, said), AtMost(said, l4_bytes));
}

constexpr uint32_t Flags(uint8_t flags) {
  return uint32_t{flags} << 8;
}

// Nothing that no stage would look at twice: TCP with ACK and none of SYN, FIN and RST, or UDP.
__m256i IsCalm(__m256i protocol, __m256i flags, const Transport& t) {
  const __m256i acks =
      Equal(Bits(flags, Flags(kTcpSyn | kTcpFin | kTcpRst | kTcpAck)), All(Flags(kTcpAck)));
  return Select(t.tcp, acks, Equal(protocol, All(kProtocolUdp)));
}

// TCP that opens or ends a connection as it should: SYN, SYN+ACK or FIN+ACK.
__m256i IsTurning(__m256i flags, const Transport& t) {
  const __m256i decisive = Bits(flags, Flags(kTcpSyn | kTcpFin | kTcpRst | kTcpAck | kTcpUrg));
  const __m256i legal =
      _mm256_or_si256(Equal(decisive, All(Flags(kTcpSyn))),
                      _mm256_or_si256(Equal(decisive, All(Flags(kTcpSyn | kTcpAck))),
                                      Equal(decisive, All(Flags(kTcpFin | kTcpAck)))));
  return _mm256_and_si256(t.tcp, legal);
}

// Columns of eight lanes, as words.
__m256i LoadHalfWords(const uint16_t* from) {
  return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// RoutedSender of eight frames of IPv4, from the first sixteen bytes of each; none also where it is
// no IPv4.
__m256i RoutedSenders(const Senders& senders, const FourWords& link, const PortIdx* ports) {
  static_assert(sizeof(PortIdx) == sizeof(uint16_t));
  const __m256i port = LoadHalfWords(&ports->value);
  // A mask of MACs is all of them or none.
  const __m256i mask = LoadWords([&](int i) { return senders.ports[ports[i].index()].mac_mask; });
  const auto router = [&](int shift) {
    return All(static_cast<uint32_t>(senders.router_mac >> shift));
  };
  const __m256i(&word)[4] = link.word;  // destination | 2 bytes of each | source | type and others
  const __m256i other = _mm256_or_si256(_mm256_xor_si256(word[0], router(0)),
                                        Bits(_mm256_xor_si256(word[1], router(32)), 0xffff));
  const __m256i low =
      _mm256_or_si256(_mm256_srli_epi32(word[1], 16), _mm256_slli_epi32(word[2], 16));
  const __m256i found = senders.probe.FindEight(
      port, _mm256_and_si256(low, mask), _mm256_and_si256(_mm256_srli_epi32(word[2], 16), mask));
  const __m256i type = Equal(Bits(word[3], 0xffff), All(__builtin_bswap16(kEtherTypeIpv4)));
  const __m256i to_router = Equal(_mm256_and_si256(other, mask), All(0));
  return _mm256_or_si256(
      found, _mm256_xor_si256(_mm256_and_si256(type, to_router), All(InterfaceIdx::kNoneValue)));
}

// Adds the eight lanes from `lane` on, if all of them are as nearly all are: long enough, IPv4
// without a tag, of senders found at the first look. False: nothing is done.
bool AddEight(const Senders& senders, const Batch& batch, uint32_t lane, Glance& glance) {
  constexpr uint32_t kLeastBytes = kEthernetBytes + kLookedAtBytes;
  const __m256i short_ones =
      _mm256_cmpgt_epi32(All(kLeastBytes), LoadHalfWords(&batch.segment_bytes[lane]));
  if (MaskOf(short_ones) != 0) [[unlikely]] {
    return false;
  }
  uint8_t* const* frame = &batch.frame[lane];
  const FourWords link = LoadFourWords(
      [=](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(frame[i])); });
  const __m256i sender = RoutedSenders(senders, link, &batch.rx_port[lane]);
  if (MaskOf(Equal(sender, All(InterfaceIdx::kNoneValue))) != 0) [[unlikely]] {
    return false;
  }
  const uint32_t n = glance.count;
  Store(&glance.sender[n], sender);
  Store(&glance.fits_bytes[n],
        _mm256_sub_epi32(Load(&batch.frame_bytes[lane]), All(kEthernetBytes)));
  Store(&glance.lane[n], _mm256_add_epi32(All(lane), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
  for (uint32_t i = 0; i < kEight; ++i) {
    glance.ip[n + i] = frame[i] + kEthernetBytes;
  }
  glance.count = n + kEight;
  return true;
}

// Adds one lane, whatever it is, if it may be of an established flow.
void AddOne(const Snapshot& snapshot, const Senders& senders, const Batch& batch, uint32_t lane,
            Glance& glance) {
  uint8_t* frame = batch.frame[lane];
  // UDP of a few bytes in a frame without padding may be shorter: it walks.
  const uint32_t segment_bytes = batch.segment_bytes[lane];
  if (segment_bytes < kEthernetBytes + kLookedAtBytes) [[unlikely]] {
    return;
  }
  Link link;
  if (LoadBe16(frame + 12) == kEtherTypeIpv4) [[likely]] {
    link.sender = RoutedSender(senders, frame, batch.rx_port[lane]);
  }
  if (!link.sender.has_value()) [[unlikely]] {
    link = ReadLinkSlowly(snapshot, frame, batch.rx_port[lane]);
    if (!link.sender.has_value() || segment_bytes < link.bytes + kLookedAtBytes) {
      return;
    }
  }
  const uint32_t n = glance.count++;
  glance.sender[n] = link.sender.value;
  glance.fits_bytes[n] = batch.frame_bytes[lane] - link.bytes;
  glance.ip[n] = frame + link.bytes;
  glance.lane[n] = lane;
}

}  // namespace

void GlanceAtLinks(const Snapshot& snapshot, const Batch& batch, uint32_t first, uint32_t count,
                   Glance& glance) noexcept {
  const Senders senders{snapshot.ports.data(), PackMac(snapshot.router_mac),
                        snapshot.senders->first_probe()};
  glance.count = 0;
  glance.plain = 0;
  glance.turning = 0;
  for (uint32_t at = 0; at < count; at += kEight) {
    const uint32_t some = std::min(count - at, kEight);
    if (some == kEight && AddEight(senders, batch, first + at, glance)) [[likely]] {
      continue;
    }
    for (uint32_t lane = first + at; lane < first + at + some; ++lane) {
      AddOne(snapshot, senders, batch, lane, glance);
    }
  }
  // Groups are read whole: the last one is filled up with a frame that fits nothing.
  for (uint32_t n = glance.count; n % kEight != 0; ++n) {
    glance.ip[n] = glance.ip[0];
    glance.sender[n] = 0;
    glance.fits_bytes[n] = 0;
  }
}

void GlanceAtEight(Glance& glance, uint32_t at) noexcept {
  const FourWords front = LoadIp(&glance.ip[at], 0);
  const FourWords back = LoadIp(&glance.ip[at], 16);
  const FourWords l4 = LoadIp(&glance.ip[at], kIpv4MinBytes + 4);
  const __m256i(&a)[4] = front.word;  // version, length | id, fragment | TTL, protocol | source
  const __m256i(&b)[4] = back.word;   // destination | ports
  const __m256i ip_bytes = Bits(Swap(a[0]), 0xffff);
  const __m256i l4_bytes = _mm256_sub_epi32(ip_bytes, All(kIpv4MinBytes));
  const __m256i protocol = Bits(_mm256_srli_epi32(a[2], 8), 0xff);
  const Transport t = ReadTransport(protocol, l4);

  constexpr uint32_t kFragment = __builtin_bswap32(kIpv4MoreFragments | kIpv4OffsetMask);
  const __m256i header[5] = {a[0], a[1], a[2], a[3], b[0]};
  __m256i sound = Equal(Bits(a[0], 0xff), All(0x45));
  sound = _mm256_and_si256(sound, Equal(Bits(a[1], kFragment), All(0)));
  sound = _mm256_and_si256(sound, HeaderHolds(header));
  sound = _mm256_and_si256(sound, AtMost(ip_bytes, Load(&glance.fits_bytes[at])));
  sound = _mm256_and_si256(sound, AgreesInLength(t, l4_bytes));

  Store(&glance.ip_bytes[at], ip_bytes);
  Store(&glance.head[at], a[2]);
  Store(&glance.tcp[at], t.tcp);
  Store(&glance.l4_sum[at], t.sum);
  const __m256i end_seq =
      _mm256_add_epi32(t.first_word, _mm256_sub_epi32(l4_bytes, t.tcp_header_bytes));
  Store(&glance.end_seq[at], _mm256_and_si256(t.tcp, end_seq));
  StoreKeys(Swap(a[3]), Swap(b[0]), Swap(b[1]),
            _mm256_or_si256(_mm256_slli_epi32(protocol, 24), Load(&glance.sender[at])),
            &glance.key[at]);
  const LaneBits calm = MaskOf(_mm256_and_si256(sound, IsCalm(protocol, l4.word[2], t)));
  const LaneBits turning = MaskOf(_mm256_and_si256(sound, IsTurning(l4.word[2], t)));
  glance.plain |= calm << at;
  glance.turning |= turning << at;
}

}  // namespace sluice
