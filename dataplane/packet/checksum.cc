#include "dataplane/packet/checksum.h"

namespace sluice {

uint64_t SumMemory(const uint8_t* bytes, size_t count, uint64_t sum) noexcept {
  // 32-bit words into 64 bits: no carry is lost below 2^32 words.
  while (count >= 4) {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof(word));
    sum += word;
    bytes += 4;
    count -= 4;
  }
  if (count >= 2) {
    uint16_t word;
    std::memcpy(&word, bytes, sizeof(word));
    sum += word;
    bytes += 2;
    count -= 2;
  }
  if (count == 1) {
    sum += bytes[0];  // low byte of a little-endian word: the high byte on the wire
  }
  return sum;
}

uint16_t TransportChecksum(uint32_t src, uint32_t dst, uint8_t protocol, const uint8_t* bytes,
                           size_t count) noexcept {
  const uint64_t pseudo = (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) +
                          uint64_t{protocol} + static_cast<uint16_t>(count);
  return static_cast<uint16_t>(~FoldSum(pseudo + SumBytes(bytes, count)));
}

}  // namespace sluice
