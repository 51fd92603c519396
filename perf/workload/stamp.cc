#include "perf/workload/stamp.h"

#include <algorithm>

#include "dataplane/base/check.h"

namespace sluice {
namespace {

constexpr uint32_t kIpBytes = 20;
constexpr uint8_t kTcp = 6;

uint16_t Be16(uint32_t value) {
  return __builtin_bswap16(static_cast<uint16_t>(value));
}

uint32_t WordsOf(uint32_t address) {
  return (address >> 16) + (address & 0xffff);
}

uint16_t Checksum(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

uint32_t TransportSum(const PacketHeads& heads, uint32_t l4_bytes) {
  uint32_t sum = WordsOf(heads.src) + WordsOf(heads.dst) + heads.protocol + l4_bytes +
                 heads.src_l4_port + heads.dst_l4_port;
  if (heads.protocol == kTcp) {
    return sum + heads.tcp_seq + heads.tcp_ack + (uint32_t{0x50} << 8 | heads.tcp_flags);
  }
  return sum + l4_bytes;
}

}  // namespace

Link MakeLink(PortIdx port, uint16_t vlan, const MacAddress& destination,
              const MacAddress& source) {
  Link link;
  link.port = port;
  uint8_t* next = std::copy(destination.bytes.begin(), destination.bytes.end(), link.bytes.begin());
  next = std::copy(source.bytes.begin(), source.bytes.end(), next);
  if (vlan != 0) {
    const uint8_t tag[4] = {0x81, 0, static_cast<uint8_t>(vlan >> 8), static_cast<uint8_t>(vlan)};
    next = std::copy(tag, tag + 4, next);
    link.l2_bytes = 18;
  }
  *next++ = 0x08;
  *next = 0x00;
  return link;
}

Stamp MakeStamp(const PacketHeads& heads, const Link& link, uint16_t frame_bytes, uint32_t flow,
                uint16_t wanted_ip_bytes) {
  SLUICE_CHECK(heads.tcp_seq < 256 && heads.tcp_ack < 256 && frame_bytes >= 60);
  Stamp stamp;
  const uint32_t room = uint32_t{frame_bytes} - link.l2_bytes;
  const uint32_t ip_bytes = wanted_ip_bytes == 0 ? room : wanted_ip_bytes;
  SLUICE_CHECK(ip_bytes <= room);
  stamp.src_be = __builtin_bswap32(heads.src);
  stamp.dst_be = __builtin_bswap32(heads.dst);
  stamp.src_l4_port_be = Be16(heads.src_l4_port);
  stamp.dst_l4_port_be = Be16(heads.dst_l4_port);
  stamp.ip_bytes_be = Be16(ip_bytes);
  stamp.ip_checksum_be = Be16(Checksum(0x4500 + ip_bytes + 0x4000 + (64u << 8 | heads.protocol) +
                                       WordsOf(heads.src) + WordsOf(heads.dst)));
  const uint16_t l4 = Checksum(TransportSum(heads, ip_bytes - kIpBytes));
  stamp.l4_checksum_be = heads.protocol != kTcp && l4 == 0 ? 0xffff : Be16(l4);
  stamp.frame_bytes = frame_bytes;
  stamp.link = heads.link;
  stamp.protocol = heads.protocol;
  stamp.tcp_flags = heads.tcp_flags;
  stamp.tcp_seq = static_cast<uint8_t>(heads.tcp_seq);
  stamp.tcp_ack = static_cast<uint8_t>(heads.tcp_ack);
  stamp.flow = flow;
  return stamp;
}

std::vector<uint8_t> FrameOf(const Stamp& stamp, const Link& link) {
  std::vector<uint8_t> frame(stamp.frame_bytes < 64 ? 64 : stamp.frame_bytes);
  WriteHeaders(stamp, link, frame.data());
  frame.resize(stamp.frame_bytes);
  return frame;
}

}  // namespace sluice
