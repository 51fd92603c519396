#include "control/explain/packet_maker.h"

#include <algorithm>

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

void AppendTcp(Bytes& segment, const PacketShape& shape) {
  Append16(segment, shape.header.source_port);
  Append16(segment, shape.header.destination_port);
  Append32(segment, shape.tcp_sequence);
  Append32(segment, shape.tcp_acknowledgment);
  segment.push_back(0x50);
  segment.push_back(shape.tcp_flags);
  Append16(segment, 0xffff);
  Append32(segment, 0);
}

void AppendUdp(Bytes& segment, const PacketShape& shape) {
  Append16(segment, shape.header.source_port);
  Append16(segment, shape.header.destination_port);
  Append16(segment, static_cast<uint16_t>(kUdpBytes + shape.payload.size() + shape.payload_bytes));
  Append16(segment, 0);
}

void AppendIcmp(Bytes& segment, const PacketShape& shape) {
  segment.push_back(shape.header.icmp_type);
  segment.push_back(shape.header.icmp_code);
  Append16(segment, 0);
  Append16(segment, shape.header.icmp_id);
  Append16(segment, 0);
}

}  // namespace

Bytes MakePacket(const PacketShape& shape) {
  const PacketHeader& header = shape.header;
  Bytes segment;
  size_t checksum_offset = 0;
  switch (header.protocol) {
    case kProtocolTcp:
      AppendTcp(segment, shape);
      checksum_offset = 16;
      break;
    case kProtocolUdp:
      AppendUdp(segment, shape);
      checksum_offset = 6;
      break;
    case kProtocolIcmp:
      AppendIcmp(segment, shape);
      checksum_offset = 2;
      break;
    default:
      break;
  }
  segment.insert(segment.end(), shape.payload.begin(), shape.payload.end());
  segment.resize(segment.size() + shape.payload_bytes, 0);
  if (checksum_offset != 0) {
    const uint32_t pseudo =
        header.protocol == kProtocolIcmp
            ? 0
            : PseudoHeaderSum(header.source, header.destination, header.protocol, segment.size());
    uint16_t checksum = Checksum(segment, 0, segment.size(), pseudo);
    if (checksum == 0 && header.protocol == kProtocolUdp) {
      checksum = 0xffff;
    }
    Write16(segment, checksum_offset, checksum);
  }
  Bytes ip = {0x45, 0};
  Append16(ip, static_cast<uint16_t>(kIpv4MinBytes + segment.size()));
  Append16(ip, shape.identification);
  Append16(ip, shape.dont_fragment ? 0x4000 : 0);
  ip.push_back(shape.ttl);
  ip.push_back(header.protocol);
  Append16(ip, 0);
  Append32(ip, header.source.value);
  Append32(ip, header.destination.value);
  ip.insert(ip.end(), segment.begin(), segment.end());
  SealIpv4Header(ip, 0);
  return ip;
}

Bytes MakeDhcpDiscover(const MacAddress& client) {
  constexpr size_t kClientAddressOffset = 28;
  constexpr size_t kOptionsOffset = 236;
  Bytes bootp(kOptionsOffset, 0);
  bootp[0] = 1;  // a request,
  bootp[1] = 1;  // of an Ethernet host,
  bootp[2] = 6;  // with this length of addresses
  std::copy(client.bytes.begin(), client.bytes.end(), bootp.begin() + kClientAddressOffset);
  Append32(bootp, 0x63825363);
  for (const uint8_t byte : {53, 1, 1, 255}) {
    bootp.push_back(byte);
  }
  return bootp;
}

}  // namespace sluice
