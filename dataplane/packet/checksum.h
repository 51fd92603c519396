// The Internet checksum (RFC 1071) and its incremental update (RFC 1624): the only arithmetic on
// checksums in the dataplane.
//
// A checksum field holds the one's complement of the one's complement sum S of all 16-bit words.
// When a word m becomes m', S grows by the delta ~m + m', and so
//     HC' = ~(~HC + ~m + m')                                                  (RFC 1624, equation
//     3)
// Deltas of several words add up, so a whole rewrite is one 16-bit number that does not depend on
// the packet. One's complement has two zeros, 0x0000 and 0xffff; a sum over a header that is not
// all zero never folds to 0x0000, so the field never becomes 0xffff, as if it were computed afresh.
// A delta that is zero in either form leaves the field untouched. Any thread; values in host order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice {

// Folds carries until 16 bits are left.
constexpr uint16_t FoldSum(uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

// The sum of `count` bytes as words in the order of memory, added to `sum`; at most 2^31 bytes. An
// odd last byte is padded with zero. Fold it and exchange its bytes.
uint64_t SumMemory(const uint8_t* bytes, size_t count, uint64_t sum = 0) noexcept;

// The one's complement sum of big-endian words, folded. Byte order can be exchanged after summing
// (RFC 1071 section 2 (B)).
inline uint16_t SumBytes(const uint8_t* bytes, size_t count) noexcept {
  return __builtin_bswap16(FoldSum(SumMemory(bytes, count)));
}

// The checksum field of `count` bytes whose field is zero.
inline uint16_t Checksum(const uint8_t* bytes, size_t count) noexcept {
  return static_cast<uint16_t>(~SumBytes(bytes, count));
}

// Whether bytes that include their checksum field sum up to zero.
inline bool ChecksumHolds(const uint8_t* bytes, size_t count) noexcept {
  return FoldSum(SumMemory(bytes, count)) == 0xffff;
}

// The same for the 20 bytes of an IPv4 header without options.
inline bool Ipv4HeaderHolds(const uint8_t* header) noexcept {
  uint64_t a;
  uint64_t b;
  uint32_t c;
  std::memcpy(&a, header, sizeof(a));
  std::memcpy(&b, header + 8, sizeof(b));
  std::memcpy(&c, header + 16, sizeof(c));
  const uint64_t sum = (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32) + c;
  // Three words of at most 0xffff, 0xffff and 4: their sum is a multiple of 0xffff or it is not.
  const uint64_t folded = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  return (folded == 0xffff) | (folded == 0x1fffe);
}

// The checksum field of a TCP or UDP segment of `count` bytes whose field is zero, with its pseudo
// header. For UDP, 0 is to be sent as 0xffff (RFC 768).
uint16_t TransportChecksum(uint32_t src, uint32_t dst, uint8_t protocol, const uint8_t* bytes,
                           size_t count) noexcept;

// Gathers what a rewrite does to a sum.
class ChecksumDelta {
 public:
  constexpr void Replace16(uint16_t before, uint16_t after) noexcept {
    sum_ += static_cast<uint16_t>(~before) + uint32_t{after};
  }
  constexpr void Replace32(uint32_t before, uint32_t after) noexcept {
    Replace16(static_cast<uint16_t>(before >> 16), static_cast<uint16_t>(after >> 16));
    Replace16(static_cast<uint16_t>(before), static_cast<uint16_t>(after));
  }
  // 0 when nothing has changed.
  constexpr uint16_t value() const noexcept {
    const uint32_t once = (sum_ & 0xffff) + (sum_ >> 16);
    const uint32_t twice = (once & 0xffff) + (once >> 16);
    return twice == 0xffff ? 0 : static_cast<uint16_t>(twice);
  }

 private:
  uint32_t sum_ = 0;  // of at most 2^15 words
};

// The sum of two deltas.
constexpr uint16_t AddDeltas(uint16_t a, uint16_t b) noexcept {
  const uint32_t sum = uint32_t{a} + b;
  const auto folded = static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
  return folded == 0xffff ? uint16_t{0} : folded;
}

// The checksum field after the delta. A zero delta returns the field as it is.
constexpr uint16_t ApplyDelta(uint16_t checksum, uint16_t delta) noexcept {
  const uint32_t sum = static_cast<uint16_t>(~checksum) + uint32_t{delta};
  return static_cast<uint16_t>(~((sum & 0xffff) + (sum >> 16)));
}

// The same for UDP: no checksum (0) stays none, and a computed 0 is sent as 0xffff (RFC 768).
constexpr uint16_t ApplyUdpDelta(uint16_t checksum, uint16_t delta) noexcept {
  const uint16_t changed = ApplyDelta(checksum, delta);
  const uint16_t sent = changed == 0 ? 0xffff : changed;
  return checksum == 0 ? 0 : sent;
}

}  // namespace sluice
