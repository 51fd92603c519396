#include "control/explain/frame_bytes.h"

#include <algorithm>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

uint32_t SumOfWords(const Bytes& bytes, size_t begin, size_t end, uint32_t sum) {
  SLUICE_CHECK(begin <= end && end <= bytes.size());
  for (size_t i = begin; i < end; i += 2) {
    const uint32_t high = bytes[i];
    const uint32_t low = i + 1 < end ? bytes[i + 1] : 0;
    sum += high << 8 | low;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

uint16_t Folded(uint32_t sum) {
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(sum);
}

}  // namespace

uint8_t ReadByte(const Bytes& bytes, size_t offset) {
  SLUICE_CHECK(offset < bytes.size());
  return bytes[offset];
}

uint16_t Read16(const Bytes& bytes, size_t offset) {
  return static_cast<uint16_t>(ReadByte(bytes, offset) << 8 | ReadByte(bytes, offset + 1));
}

uint32_t Read32(const Bytes& bytes, size_t offset) {
  return uint32_t{Read16(bytes, offset)} << 16 | Read16(bytes, offset + 2);
}

MacAddress ReadMac(const Bytes& bytes, size_t offset) {
  SLUICE_CHECK(offset + 6 <= bytes.size());
  MacAddress mac;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), 6, mac.bytes.begin());
  return mac;
}

void Write16(Bytes& bytes, size_t offset, uint16_t value) {
  SLUICE_CHECK(offset + 2 <= bytes.size());
  bytes[offset] = static_cast<uint8_t>(value >> 8);
  bytes[offset + 1] = static_cast<uint8_t>(value);
}

void Write32(Bytes& bytes, size_t offset, uint32_t value) {
  Write16(bytes, offset, static_cast<uint16_t>(value >> 16));
  Write16(bytes, offset + 2, static_cast<uint16_t>(value));
}

void Append16(Bytes& bytes, uint16_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

void Append32(Bytes& bytes, uint32_t value) {
  Append16(bytes, static_cast<uint16_t>(value >> 16));
  Append16(bytes, static_cast<uint16_t>(value));
}

void AppendMac(Bytes& bytes, const MacAddress& mac) {
  bytes.insert(bytes.end(), mac.bytes.begin(), mac.bytes.end());
}

uint16_t Checksum(const Bytes& bytes, size_t begin, size_t end, uint32_t pseudo_sum) {
  return static_cast<uint16_t>(~Folded(SumOfWords(bytes, begin, end, Folded(pseudo_sum))));
}

bool ChecksumIsRight(const Bytes& bytes, size_t begin, size_t end, uint32_t pseudo_sum) {
  return Checksum(bytes, begin, end, pseudo_sum) == 0;
}

uint32_t PseudoHeaderSum(Ipv4Address source, Ipv4Address destination, uint8_t protocol,
                         size_t segment_bytes) {
  return (source.value >> 16) + (source.value & 0xffff) + (destination.value >> 16) +
         (destination.value & 0xffff) + protocol + static_cast<uint32_t>(segment_bytes);
}

uint16_t UpdatedChecksum(uint16_t checksum, uint16_t old_word, uint16_t new_word) {
  const uint32_t sum =
      uint32_t{static_cast<uint16_t>(~checksum)} + static_cast<uint16_t>(~old_word) + new_word;
  return static_cast<uint16_t>(~Folded(sum));
}

void SealIpv4Header(Bytes& bytes, size_t offset) {
  const size_t header_bytes = size_t{ReadByte(bytes, offset) & 0x0fu} * 4;
  Write16(bytes, offset + 10, 0);
  Write16(bytes, offset + 10, Checksum(bytes, offset, offset + header_bytes));
}

}  // namespace sluice
