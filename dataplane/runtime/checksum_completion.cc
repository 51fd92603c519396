#include "dataplane/runtime/checksum_completion.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"

namespace sluice {
namespace {

constexpr size_t kEthernetBytes = 14;
constexpr size_t kVlanBytes = 4;
constexpr uint16_t kEthertypeVlan = 0x8100;
constexpr uint16_t kEthertypeIpv4 = 0x0800;

uint16_t Fold(uint64_t sum) {
  while (sum >> 16 != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(sum);
}

// The one's complement sum of big-endian words; an odd last byte counts as the high half.
uint64_t SumWords(const uint8_t* bytes, size_t count) {
  uint64_t sum = 0;
  for (; count >= 2; bytes += 2, count -= 2) {
    sum += LoadBe16(bytes);
  }
  return count == 0 ? sum : sum + (uint64_t{bytes[0]} << 8);
}

struct L4Place {
  uint8_t* ip = nullptr;  // nullptr: no whole TCP or UDP packet
  uint8_t* l4 = nullptr;
  size_t l4_bytes = 0;
  uint8_t* checksum = nullptr;
  uint8_t protocol = 0;
};

L4Place FindL4(uint8_t* frame, size_t bytes) {
  L4Place place;
  size_t l2_bytes = kEthernetBytes;
  if (bytes >= kEthernetBytes + kVlanBytes && LoadBe16(frame + 12) == kEthertypeVlan) {
    l2_bytes += kVlanBytes;
  }
  if (bytes < l2_bytes + 20 || LoadBe16(frame + l2_bytes - 2) != kEthertypeIpv4) {
    return place;
  }
  uint8_t* ip = frame + l2_bytes;
  const size_t header_bytes = size_t{ip[0] & 0xfu} * 4;
  const size_t total_bytes = LoadBe16(ip + kIpv4LengthOffset);
  const uint16_t fragment = LoadBe16(ip + kIpv4FragmentOffset);
  const uint8_t protocol = ip[kIpv4ProtocolOffset];
  const size_t least = protocol == kProtocolTcp ? 20 : 8;
  if (ip[0] >> 4 != 4 || header_bytes < 20 || total_bytes < header_bytes + least ||
      total_bytes > bytes - l2_bytes || (fragment & (kIpv4OffsetMask | kIpv4MoreFragments)) != 0 ||
      (protocol != kProtocolTcp && protocol != kProtocolUdp)) {
    return place;
  }
  place.ip = ip;
  place.l4 = ip + header_bytes;
  place.l4_bytes = total_bytes - header_bytes;
  place.protocol = protocol;
  place.checksum = place.l4 + (protocol == kProtocolTcp ? kTcpChecksumOffset : kUdpChecksumOffset);
  return place;
}

}  // namespace

bool CompleteL4Checksum(uint8_t* frame, size_t bytes, bool always) noexcept {
  const L4Place place = FindL4(frame, bytes);
  if (place.ip == nullptr) {
    return false;
  }
  const uint64_t pseudo =
      SumWords(place.ip + kIpv4SourceOffset, 8) + place.protocol + place.l4_bytes;
  if (!always && LoadBe16(place.checksum) != Fold(pseudo)) {
    return false;
  }
  StoreBe16(place.checksum, 0);
  uint16_t checksum = static_cast<uint16_t>(~Fold(pseudo + SumWords(place.l4, place.l4_bytes)));
  if (checksum == 0 && place.protocol == kProtocolUdp) {
    checksum = 0xffff;  // zero means "none" (RFC 768)
  }
  StoreBe16(place.checksum, checksum);
  return true;
}

}  // namespace sluice
