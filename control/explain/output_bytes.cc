#include "control/explain/output_bytes.h"

#include <algorithm>

#include "dataplane/base/check.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr size_t kSourceOffset = 12;
constexpr size_t kDestinationOffset = 16;

// A checksum field that follows every change of a 16-bit word it covers.
class ChecksumField {
 public:
  // No field when it lies outside the bytes, or when a UDP sender left it out (zero).
  ChecksumField(Bytes& bytes, size_t offset, bool is_udp)
      : bytes_(bytes), offset_(offset), is_udp_(is_udp) {
    present_ = offset + 2 <= bytes.size() && !(is_udp && Read16(bytes, offset) == 0);
  }
  void Follow(uint16_t old_word, uint16_t new_word) {
    if (!present_ || old_word == new_word) {
      return;
    }
    uint16_t value = UpdatedChecksum(Read16(bytes_, offset_), old_word, new_word);
    if (is_udp_ && value == 0) {
      value = 0xffff;
    }
    Write16(bytes_, offset_, value);
  }
  void Follow(Ipv4Address old_address, Ipv4Address new_address) {
    Follow(static_cast<uint16_t>(old_address.value >> 16),
           static_cast<uint16_t>(new_address.value >> 16));
    Follow(static_cast<uint16_t>(old_address.value), static_cast<uint16_t>(new_address.value));
  }

 private:
  Bytes& bytes_;
  size_t offset_;
  bool is_udp_;
  bool present_ = false;
};

void ReplaceWord(Bytes& bytes, size_t offset, uint16_t value, ChecksumField& checksum) {
  checksum.Follow(Read16(bytes, offset), value);
  Write16(bytes, offset, value);
}

// Ports or query id at `l4` and the checksum there, for an IPv4 packet whose addresses change as
// well.
void TranslateL4(Bytes& bytes, size_t l4, const PacketHeader& old_header,
                 const PacketHeader& header) {
  switch (header.protocol) {
    case kProtocolTcp:
    case kProtocolUdp: {
      const bool is_udp = header.protocol == kProtocolUdp;
      ChecksumField checksum(bytes, l4 + (is_udp ? 6 : 16), is_udp);
      checksum.Follow(old_header.source, header.source);
      checksum.Follow(old_header.destination, header.destination);
      ReplaceWord(bytes, l4, header.source_port, checksum);
      ReplaceWord(bytes, l4 + 2, header.destination_port, checksum);
      break;
    }
    case kProtocolIcmp:
      if (IsIcmpQuery(header) || IsIcmpReply(header)) {
        ChecksumField checksum(bytes, l4 + 2, /*is_udp=*/false);
        ReplaceWord(bytes, l4 + 4, header.icmp_id, checksum);
      }
      break;
    default:
      break;
  }
}

void TranslateQuote(Bytes& ip, size_t icmp, const Quote& old_quote, const PacketHeader& quote) {
  const Bytes before = ip;
  const size_t at = old_quote.offset;
  Write32(ip, at + kSourceOffset, quote.source.value);
  Write32(ip, at + kDestinationOffset, quote.destination.value);
  TranslateL4(ip, at + old_quote.header_bytes, old_quote.header, quote);
  SealIpv4Header(ip, at);
  ChecksumField checksum(ip, icmp + 2, /*is_udp=*/false);
  for (size_t word = icmp + 4; word + 2 <= ip.size(); word += 2) {
    checksum.Follow(Read16(before, word), Read16(ip, word));
  }
}

// Only options with the copied flag are repeated in later fragments (RFC 791 3.1).
Bytes LaterFragmentHeader(const Bytes& ip, size_t header_bytes) {
  Bytes header(ip.begin(), ip.begin() + kIpv4MinBytes);
  size_t at = kIpv4MinBytes;
  while (at < header_bytes && ip[at] != 0) {
    const size_t length = ip[at] == 1 ? 1 : ip[at + 1];
    if ((ip[at] & 0x80) != 0) {
      header.insert(header.end(), ip.begin() + static_cast<std::ptrdiff_t>(at),
                    ip.begin() + static_cast<std::ptrdiff_t>(at + length));
    }
    at += length;
  }
  header.resize((header.size() + 3) / 4 * 4, 0);
  header[0] = static_cast<uint8_t>(0x40 | header.size() / 4);
  return header;
}

}  // namespace

Bytes Translated(const Packet& packet, const PacketHeader& header,
                 const std::optional<PacketHeader>& quote, bool decrement_ttl) {
  Bytes ip = packet.ip;
  Write32(ip, kSourceOffset, header.source.value);
  Write32(ip, kDestinationOffset, header.destination.value);
  if (decrement_ttl) {
    SLUICE_CHECK(ip[8] > 0);
    --ip[8];
  }
  SealIpv4Header(ip, 0);
  if (!packet.IsLaterFragment()) {
    TranslateL4(ip, packet.header_bytes, packet.header, header);
    if (packet.quote.has_value() && quote.has_value()) {
      TranslateQuote(ip, packet.header_bytes, *packet.quote, *quote);
    }
  }
  return ip;
}

std::vector<Bytes> Fragmented(const Bytes& ip, size_t mtu_bytes) {
  if (ip.size() <= mtu_bytes) {
    return {ip};
  }
  const size_t header_bytes = size_t{ip[0] & 0x0fu} * 4;
  const uint16_t flags = Read16(ip, 6);
  const bool more_follow = (flags & 0x2000) != 0;
  const size_t first_offset = size_t{flags & 0x1fffu} * 8;
  Bytes header(ip.begin(), ip.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  std::vector<Bytes> parts;
  size_t at = header_bytes;
  while (at < ip.size()) {
    const size_t room = (mtu_bytes - header.size()) / 8 * 8;
    const size_t rest = ip.size() - at;
    const bool last = rest <= mtu_bytes - header.size();
    const size_t payload = last ? rest : room;
    Bytes part = header;
    part.insert(part.end(), ip.begin() + static_cast<std::ptrdiff_t>(at),
                ip.begin() + static_cast<std::ptrdiff_t>(at + payload));
    const size_t offset = first_offset + at - header_bytes;
    Write16(part, 2, static_cast<uint16_t>(part.size()));
    Write16(
        part, 6,
        static_cast<uint16_t>((flags & 0xc000) | (!last || more_follow ? 0x2000 : 0) | offset / 8));
    SealIpv4Header(part, 0);
    parts.push_back(std::move(part));
    at += payload;
    header = LaterFragmentHeader(ip, header_bytes);
  }
  return parts;
}

Bytes MakeFrame(const MacAddress& destination, const MacAddress& source, uint16_t vlan,
                uint16_t ethertype, const Bytes& payload) {
  Bytes frame;
  AppendMac(frame, destination);
  AppendMac(frame, source);
  if (vlan != 0) {
    Append16(frame, kEtherTypeVlan);
    Append16(frame, vlan);
  }
  Append16(frame, ethertype);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

}  // namespace sluice
