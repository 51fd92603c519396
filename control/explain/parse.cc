#include "control/explain/parse.h"

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr uint8_t kOptionEnd = 0;
constexpr uint8_t kOptionNoOperation = 1;
constexpr uint8_t kOptionLooseSourceRoute = 131;
constexpr uint8_t kOptionStrictSourceRoute = 137;

// D.5 row 84: source routes are refused, other well-formed options pass.
DropReason JudgeOptions(const Bytes& ip, size_t header_bytes) {
  DropReason reason = DropReason::kNone;
  size_t at = kIpv4MinBytes;
  while (at < header_bytes) {
    const uint8_t type = ip[at];
    if (type == kOptionEnd) {
      break;
    }
    if (type == kOptionNoOperation) {
      ++at;
      continue;
    }
    if (at + 2 > header_bytes || ip[at + 1] < 2 || at + ip[at + 1] > header_bytes) {
      return DropReason::kMalformedIpv4;
    }
    if (type == kOptionLooseSourceRoute || type == kOptionStrictSourceRoute) {
      reason = DropReason::kIpv4Options;
    }
    at += ip[at + 1];
  }
  return reason;
}

DropReason ParseTcp(Packet& packet) {
  const size_t l4 = packet.header_bytes;
  if (packet.PayloadBytes() < kTcpMinBytes) {
    return packet.IsFragment() ? DropReason::kFragmentTiny : DropReason::kMalformedL4;
  }
  const size_t offset_bytes = static_cast<size_t>(ReadByte(packet.ip, l4 + 12) >> 4) * 4;
  if (offset_bytes < kTcpMinBytes ||
      (offset_bytes > packet.PayloadBytes() && !packet.IsFragment())) {
    return DropReason::kMalformedL4;
  }
  packet.header.source_port = Read16(packet.ip, l4);
  packet.header.destination_port = Read16(packet.ip, l4 + 2);
  packet.tcp.sequence = Read32(packet.ip, l4 + 4);
  packet.tcp.acknowledgment = Read32(packet.ip, l4 + 8);
  packet.tcp.flags = ReadByte(packet.ip, l4 + 13) & 0x3f;
  packet.tcp.payload_bytes = packet.PayloadBytes() > offset_bytes
                                 ? static_cast<uint32_t>(packet.PayloadBytes() - offset_bytes)
                                 : 0;
  return DropReason::kNone;
}

DropReason ParseUdp(Packet& packet) {
  const size_t l4 = packet.header_bytes;
  if (packet.PayloadBytes() < kUdpBytes) {
    return DropReason::kMalformedL4;
  }
  const size_t length = Read16(packet.ip, l4 + 4);
  if (length < kUdpBytes || (length > packet.PayloadBytes() && !packet.IsFragment())) {
    return DropReason::kMalformedL4;
  }
  packet.header.source_port = Read16(packet.ip, l4);
  packet.header.destination_port = Read16(packet.ip, l4 + 2);
  return DropReason::kNone;
}

DropReason ParseIcmp(Packet& packet) {
  const size_t l4 = packet.header_bytes;
  if (packet.PayloadBytes() < kIcmpBytes) {
    return DropReason::kMalformedL4;
  }
  packet.header.icmp_type = ReadByte(packet.ip, l4);
  packet.header.icmp_code = ReadByte(packet.ip, l4 + 1);
  if (IsIcmpQuery(packet.header) || IsIcmpReply(packet.header)) {
    packet.header.icmp_id = Read16(packet.ip, l4 + 4);
  }
  if (IsIcmpRelatable(packet.header)) {
    if (!packet.IsFragment() && !ChecksumIsRight(packet.ip, l4, packet.ip.size())) {
      return DropReason::kMalformedL4;
    }
    packet.quote = ParseQuote(packet.ip, l4 + kIcmpBytes);
  }
  return DropReason::kNone;
}

DropReason ParseL4(Packet& packet) {
  if (packet.IsLaterFragment()) {
    const bool header_split =
        packet.header.protocol == kProtocolTcp && packet.fragment_offset_bytes == 8;
    return header_split ? DropReason::kFragmentTiny : DropReason::kNone;
  }
  switch (packet.header.protocol) {
    case kProtocolTcp:
      return ParseTcp(packet);
    case kProtocolUdp:
      return ParseUdp(packet);
    case kProtocolIcmp:
      return ParseIcmp(packet);
    default:
      return DropReason::kNone;
  }
}

}  // namespace

std::variant<EthernetFrame, DropReason> ParseEthernet(const Bytes& frame) {
  if (frame.size() < kEthernetBytes) {
    return DropReason::kMalformedEthernet;
  }
  EthernetFrame result;
  result.destination = ReadMac(frame, 0);
  result.source = ReadMac(frame, 6);
  result.ethertype = Read16(frame, 12);
  size_t header_bytes = kEthernetBytes;
  if (result.ethertype == kEtherTypeVlan) {
    header_bytes += kVlanTagBytes;
    if (frame.size() < header_bytes) {
      return DropReason::kMalformedEthernet;
    }
    result.vlan = Read16(frame, 14) & 0x0fff;
    result.ethertype = Read16(frame, 16);
  }
  result.payload.assign(frame.begin() + static_cast<std::ptrdiff_t>(header_bytes), frame.end());
  return result;
}

std::variant<Packet, DropReason> ParseIpv4(const Bytes& payload) {
  if (payload.size() < kIpv4MinBytes || payload[0] >> 4 != 4) {
    return DropReason::kMalformedIpv4;
  }
  Packet packet;
  packet.header_bytes = size_t{payload[0] & 0x0fu} * 4;
  const size_t total_bytes = Read16(payload, 2);
  if (packet.header_bytes < kIpv4MinBytes || packet.header_bytes > total_bytes ||
      total_bytes > payload.size()) {
    return DropReason::kMalformedIpv4;
  }
  packet.ip.assign(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(total_bytes));
  if (!ChecksumIsRight(packet.ip, 0, packet.header_bytes)) {
    return DropReason::kBadIpv4Checksum;
  }
  const DropReason options = JudgeOptions(packet.ip, packet.header_bytes);
  if (options != DropReason::kNone) {
    return options;
  }
  packet.identification = Read16(packet.ip, 4);
  const uint16_t fragment = Read16(packet.ip, 6);
  packet.dont_fragment = (fragment & 0x4000) != 0;
  packet.more_fragments = (fragment & 0x2000) != 0;
  packet.fragment_offset_bytes = static_cast<uint16_t>((fragment & 0x1fff) * 8);
  packet.ttl = ReadByte(packet.ip, 8);
  packet.header.protocol = ReadByte(packet.ip, 9);
  packet.header.source = Ipv4Address(Read32(packet.ip, 12));
  packet.header.destination = Ipv4Address(Read32(packet.ip, 16));
  if (packet.IsFragment()) {
    const bool wrong_size = packet.PayloadBytes() == 0 ||
                            (packet.more_fragments && packet.PayloadBytes() % 8 != 0) ||
                            total_bytes + packet.fragment_offset_bytes > 65535;
    if (wrong_size) {
      return DropReason::kMalformedIpv4;
    }
  }
  const DropReason l4 = ParseL4(packet);
  if (l4 != DropReason::kNone) {
    return l4;
  }
  return packet;
}

std::optional<Quote> ParseQuote(const Bytes& bytes, size_t offset) {
  if (offset + kIpv4MinBytes > bytes.size() || bytes[offset] >> 4 != 4) {
    return std::nullopt;
  }
  Quote quote;
  quote.offset = offset;
  quote.header_bytes = size_t{bytes[offset] & 0x0fu} * 4;
  const size_t l4 = offset + quote.header_bytes;
  const bool later_fragment = (Read16(bytes, offset + 6) & 0x1fff) != 0;
  if (quote.header_bytes < kIpv4MinBytes || l4 + 8 > bytes.size() || later_fragment ||
      !ChecksumIsRight(bytes, offset, l4)) {
    return std::nullopt;
  }
  PacketHeader& header = quote.header;
  header.protocol = bytes[offset + 9];
  header.source = Ipv4Address(Read32(bytes, offset + 12));
  header.destination = Ipv4Address(Read32(bytes, offset + 16));
  if (header.protocol == kProtocolTcp || header.protocol == kProtocolUdp) {
    header.source_port = Read16(bytes, l4);
    header.destination_port = Read16(bytes, l4 + 2);
  } else if (header.protocol == kProtocolIcmp) {
    header.icmp_type = bytes[l4];
    header.icmp_code = bytes[l4 + 1];
    if (IsIcmpQuery(header) || IsIcmpReply(header)) {
      header.icmp_id = Read16(bytes, l4 + 4);
    }
  }
  return quote;
}

}  // namespace sluice
