// Bytes of the wire for the reference world: big-endian reads and writes with bounds, the internet
// checksum by its definition (RFC 1071) and its update (RFC 1624, equation 3). Shares no code with
// the dataplane on purpose: it is part of the oracle. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/mac.h"

namespace sluice {

using Bytes = std::vector<uint8_t>;

// Big-endian values at `offset`; the bytes must be there (checked).
uint8_t ReadByte(const Bytes& bytes, size_t offset);
uint16_t Read16(const Bytes& bytes, size_t offset);
uint32_t Read32(const Bytes& bytes, size_t offset);
MacAddress ReadMac(const Bytes& bytes, size_t offset);
void Write16(Bytes& bytes, size_t offset, uint16_t value);
void Write32(Bytes& bytes, size_t offset, uint32_t value);

void Append16(Bytes& bytes, uint16_t value);
void Append32(Bytes& bytes, uint32_t value);
void AppendMac(Bytes& bytes, const MacAddress& mac);

// The value of a checksum field that covers [begin, end) with the field itself zero; `pseudo_sum`
// is the sum of the 16-bit words of a pseudo header.
uint16_t Checksum(const Bytes& bytes, size_t begin, size_t end, uint32_t pseudo_sum = 0);
// True when the words of [begin, end), the field included, sum to 0xffff.
bool ChecksumIsRight(const Bytes& bytes, size_t begin, size_t end, uint32_t pseudo_sum = 0);
// Sum of the words of the TCP and UDP pseudo header (RFC 9293 3.1).
uint32_t PseudoHeaderSum(Ipv4Address source, Ipv4Address destination, uint8_t protocol,
                         size_t segment_bytes);
// HC' = ~(~HC + ~m + m') (RFC 1624).
uint16_t UpdatedChecksum(uint16_t checksum, uint16_t old_word, uint16_t new_word);

// Recomputes the header checksum of the IPv4 header at `offset`.
void SealIpv4Header(Bytes& bytes, size_t offset);

}  // namespace sluice
