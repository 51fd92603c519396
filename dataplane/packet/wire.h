// Reading and writing big-endian numbers in packet bytes: the only place where network order
// exists. The caller has checked that the bytes are there. Any thread.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/packet/mac.h"

namespace sluice {

inline uint16_t LoadBe16(const uint8_t* bytes) noexcept {
  uint16_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return __builtin_bswap16(value);
}

inline uint32_t LoadBe32(const uint8_t* bytes) noexcept {
  uint32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return __builtin_bswap32(value);
}

inline void StoreBe16(uint8_t* bytes, uint16_t value) noexcept {
  value = __builtin_bswap16(value);
  std::memcpy(bytes, &value, sizeof(value));
}

inline void StoreBe32(uint8_t* bytes, uint32_t value) noexcept {
  value = __builtin_bswap32(value);
  std::memcpy(bytes, &value, sizeof(value));
}

inline uint64_t LoadBe64(const uint8_t* bytes) noexcept {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return __builtin_bswap64(value);
}

inline void StoreBe64(uint8_t* bytes, uint64_t value) noexcept {
  value = __builtin_bswap64(value);
  std::memcpy(bytes, &value, sizeof(value));
}

inline MacAddress LoadMac(const uint8_t* bytes) noexcept {
  MacAddress mac;
  std::memcpy(mac.bytes.data(), bytes, mac.bytes.size());
  return mac;
}

// The six bytes as they lie in memory, in the low 48 bits: for compares and stores in one go.
inline uint64_t PackMac(const uint8_t* bytes) noexcept {
  uint32_t first;
  uint16_t last;
  std::memcpy(&first, bytes, sizeof(first));
  std::memcpy(&last, bytes + sizeof(first), sizeof(last));
  return uint64_t{last} << 32 | first;
}
inline uint64_t PackMac(const MacAddress& mac) noexcept {
  return PackMac(mac.bytes.data());
}

// Twelve bytes: both addresses of an Ethernet header, packed.
inline void StorePackedMacs(uint8_t* bytes, uint64_t destination, uint64_t source) noexcept {
  const uint64_t head = destination | source << 48;
  const auto tail = static_cast<uint32_t>(source >> 16);
  std::memcpy(bytes, &head, sizeof(head));
  std::memcpy(bytes + sizeof(head), &tail, sizeof(tail));
}

inline void StoreMac(uint8_t* bytes, const MacAddress& mac) noexcept {
  std::memcpy(bytes, mac.bytes.data(), mac.bytes.size());
}

// Offsets in bytes of header fields (RFC 791, 9293, 768, 792).
inline constexpr int kIpv4TosOffset = 1;
inline constexpr int kIpv4LengthOffset = 2;
inline constexpr int kIpv4IdOffset = 4;
inline constexpr int kIpv4FragmentOffset = 6;
inline constexpr int kIpv4TtlOffset = 8;
inline constexpr int kIpv4ProtocolOffset = 9;
inline constexpr int kIpv4ChecksumOffset = 10;
inline constexpr int kIpv4SourceOffset = 12;
inline constexpr int kIpv4DestinationOffset = 16;
inline constexpr int kL4SourceOffset = 0;       // TCP and UDP
inline constexpr int kL4DestinationOffset = 2;  // TCP and UDP
inline constexpr int kTcpSequenceOffset = 4;
inline constexpr int kTcpAckOffset = 8;
inline constexpr int kTcpDataOffset = 12;
inline constexpr int kTcpFlagsOffset = 13;
inline constexpr int kTcpChecksumOffset = 16;
inline constexpr int kUdpLengthOffset = 4;
inline constexpr int kUdpChecksumOffset = 6;
inline constexpr int kIcmpTypeOffset = 0;
inline constexpr int kIcmpCodeOffset = 1;
inline constexpr int kIcmpChecksumOffset = 2;
inline constexpr int kIcmpIdOffset = 4;

// Bits of the IPv4 fragment word.
inline constexpr uint16_t kIpv4DontFragment = 0x4000;
inline constexpr uint16_t kIpv4MoreFragments = 0x2000;
inline constexpr uint16_t kIpv4OffsetMask = 0x1fff;  // in units of 8 bytes

}  // namespace sluice
