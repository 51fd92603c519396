#include "tests/support/packet_builder.h"

#include <algorithm>

#include "dataplane/base/check.h"
#include "dataplane/packet/ipv4.h"

namespace sluice::testing {
namespace {

void Set16(Bytes& bytes, size_t at, uint32_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

Bytes LinkHeader(const MacAddress& dst, const MacAddress& src, int vlan, uint16_t type) {
  Bytes bytes(dst.bytes.begin(), dst.bytes.end());
  bytes.insert(bytes.end(), src.bytes.begin(), src.bytes.end());
  if (vlan >= 0) {
    Put16(bytes, 0x8100);
    Put16(bytes, static_cast<uint32_t>(vlan));
  }
  Put16(bytes, type);
  return bytes;
}

uint32_t PseudoSum(uint32_t src, uint32_t dst, uint8_t protocol, size_t l4_bytes) {
  Bytes pseudo;
  Put32(pseudo, src);
  Put32(pseudo, dst);
  Put16(pseudo, protocol);
  Put16(pseudo, static_cast<uint32_t>(l4_bytes));
  return SlowSum(pseudo, 0, pseudo.size());
}

Bytes BuildTcp(const PacketSpec& spec) {
  Bytes l4;
  Put16(l4, spec.src_port);
  Put16(l4, spec.dst_port);
  Put32(l4, spec.seq);
  Put32(l4, spec.ack);
  l4.push_back(5 << 4);
  l4.push_back(spec.tcp_flags);
  Put16(l4, 4096);
  Put32(l4, 0);
  l4.insert(l4.end(), spec.payload.begin(), spec.payload.end());
  const uint32_t pseudo = PseudoSum(spec.src, spec.dst, 6, l4.size());
  Set16(l4, 16, 0xffff & ~SlowSum(l4, 0, l4.size(), pseudo));
  return l4;
}

Bytes BuildUdp(const PacketSpec& spec) {
  Bytes l4;
  Put16(l4, spec.src_port);
  Put16(l4, spec.dst_port);
  Put16(l4, static_cast<uint32_t>(8 + spec.payload.size()));
  Put16(l4, 0);
  l4.insert(l4.end(), spec.payload.begin(), spec.payload.end());
  if (spec.udp_checksum) {
    const uint32_t pseudo = PseudoSum(spec.src, spec.dst, 17, l4.size());
    const uint32_t sum = 0xffff & ~SlowSum(l4, 0, l4.size(), pseudo);
    Set16(l4, 6, sum == 0 ? 0xffff : sum);
  }
  return l4;
}

Bytes BuildIcmp(const PacketSpec& spec) {
  const bool error = spec.icmp_type == 3 || spec.icmp_type == 11 || spec.icmp_type == 12;
  Bytes l4 = {spec.icmp_type, spec.icmp_code, 0, 0};
  Put32(l4, error ? spec.icmp_rest : uint32_t{spec.icmp_id} << 16 | 1);
  l4.insert(l4.end(), spec.payload.begin(), spec.payload.end());
  Set16(l4, 2, 0xffff & ~SlowSum(l4, 0, l4.size()));
  return l4;
}

Bytes Header(const PacketSpec& spec, size_t payload_bytes) {
  Bytes ip = {static_cast<uint8_t>(0x40 | (20 + spec.options.size()) / 4), spec.tos};
  Put16(ip, static_cast<uint32_t>(20 + spec.options.size() + payload_bytes));
  Put16(ip, spec.ip_id);
  Put16(ip, (spec.dont_fragment ? 0x4000u : 0u) | (spec.more_fragments ? 0x2000u : 0u) |
                spec.fragment_bytes / 8);
  ip.push_back(spec.ttl);
  ip.push_back(spec.protocol);
  Put16(ip, 0);
  Put32(ip, spec.src);
  Put32(ip, spec.dst);
  ip.insert(ip.end(), spec.options.begin(), spec.options.end());
  Set16(ip, 10, 0xffff & ~SlowSum(ip, 0, ip.size()));
  return ip;
}

}  // namespace

void Put16(Bytes& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}
void Put32(Bytes& bytes, uint32_t value) {
  Put16(bytes, value >> 16);
  Put16(bytes, value & 0xffff);
}
uint32_t Get16(const Bytes& bytes, size_t at) {
  return uint32_t{bytes.at(at)} << 8 | bytes.at(at + 1);
}
uint32_t Get32(const Bytes& bytes, size_t at) {
  return Get16(bytes, at) << 16 | Get16(bytes, at + 2);
}

uint32_t SlowSum(const Bytes& bytes, size_t from, size_t to, uint32_t start) {
  uint32_t sum = start;
  for (size_t i = from; i < to; i += 2) {
    sum += uint32_t{bytes.at(i)} << 8;
    sum += i + 1 < to ? bytes.at(i + 1) : 0;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

std::string ChecksumComplaint(const Bytes& frame, size_t ip) {
  const size_t header_bytes = (frame.at(ip) & 15u) * 4;
  const size_t end = ip + Get16(frame, ip + 2);
  if (SlowSum(frame, ip, ip + header_bytes) != 0xffff) {
    return "IPv4 header checksum";
  }
  const size_t l4 = ip + header_bytes;
  const uint8_t protocol = frame.at(ip + 9);
  if ((Get16(frame, ip + 6) & 0x3fff) != 0) {
    return "";  // a fragment's covers bytes that are not here
  }
  if (protocol == 1) {
    return SlowSum(frame, l4, end) == 0xffff ? "" : "ICMP checksum";
  }
  if ((protocol != 6 && protocol != 17) || (protocol == 17 && Get16(frame, l4 + 6) == 0)) {
    return "";
  }
  const uint32_t pseudo =
      PseudoSum(Get32(frame, ip + 12), Get32(frame, ip + 16), protocol, end - l4);
  return SlowSum(frame, l4, end, pseudo) == 0xffff ? "" : "TCP or UDP checksum";
}

uint32_t Address(const char* text) {
  const auto address = ParseIpv4Address(text);
  SLUICE_CHECK(address.has_value());
  return address->value;
}

Bytes BuildIpv4(const PacketSpec& spec) {
  const Bytes l4 = spec.raw_l4           ? spec.payload
                   : spec.protocol == 6  ? BuildTcp(spec)
                   : spec.protocol == 17 ? BuildUdp(spec)
                   : spec.protocol == 1  ? BuildIcmp(spec)
                                         : spec.payload;
  Bytes ip = Header(spec, l4.size());
  ip.insert(ip.end(), l4.begin(), l4.end());
  return ip;
}

Bytes BuildFrame(const PacketSpec& spec) {
  Bytes frame = LinkHeader(spec.dst_mac, spec.src_mac, spec.vlan, 0x0800);
  const Bytes ip = BuildIpv4(spec);
  frame.insert(frame.end(), ip.begin(), ip.end());
  frame.insert(frame.end(), spec.trailer.begin(), spec.trailer.end());
  return frame;
}

std::vector<Bytes> BuildFragments(const PacketSpec& spec, size_t payload_bytes) {
  const Bytes whole = BuildIpv4(spec);
  const size_t header_bytes = 20 + spec.options.size();
  std::vector<Bytes> frames;
  for (size_t at = header_bytes; at < whole.size(); at += payload_bytes) {
    const size_t end = std::min(at + payload_bytes, whole.size());
    PacketSpec piece = spec;
    piece.raw_l4 = true;
    piece.payload.assign(whole.begin() + static_cast<std::ptrdiff_t>(at),
                         whole.begin() + static_cast<std::ptrdiff_t>(end));
    piece.fragment_bytes = static_cast<uint32_t>(at - header_bytes);
    piece.more_fragments = end != whole.size();
    frames.push_back(BuildFrame(piece));
  }
  return frames;
}

Bytes BuildArp(const ArpSpec& spec) {
  Bytes frame = LinkHeader(spec.dst_mac, spec.src_mac, spec.vlan, 0x0806);
  Put16(frame, 1);
  Put16(frame, 0x0800);
  frame.push_back(6);
  frame.push_back(4);
  Put16(frame, spec.operation);
  frame.insert(frame.end(), spec.sender_mac.bytes.begin(), spec.sender_mac.bytes.end());
  Put32(frame, spec.sender);
  frame.insert(frame.end(), spec.target_mac.bytes.begin(), spec.target_mac.bytes.end());
  Put32(frame, spec.target);
  return frame;
}

}  // namespace sluice::testing
