// A packet of a workload in 32 bytes, and the stamping of it into a buffer: what stands in for a
// NIC. Stamps lie one behind the other in memory, so that reading them costs a stream, not a miss.
//
// Payloads are zero, and so are the buffers before they are used: stamping writes headers only.
// Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "dataplane/packet/ids.h"
#include "dataplane/packet/mac.h"

namespace sluice {

// The Ethernet header of one sender, and the port its frames arrive on.
struct Link {
  PortIdx port;
  uint8_t l2_bytes = 14;               // 18 with a VLAN tag
  std::array<uint8_t, 32> bytes = {};  // the header, then zeros
  friend bool operator==(const Link&, const Link&) = default;
};

// `vlan` 0: untagged.
Link MakeLink(PortIdx port, uint16_t vlan, const MacAddress& destination, const MacAddress& source);

// What one packet says. Host order.
struct PacketHeads {
  uint16_t link = 0;      // index into the workload's links
  uint8_t protocol = 17;  // TCP or UDP
  uint8_t tcp_flags = 0;
  uint32_t src = 0;
  uint32_t dst = 0;
  uint16_t src_l4_port = 0;
  uint16_t dst_l4_port = 0;
  uint32_t tcp_seq = 0;
  uint32_t tcp_ack = 0;
};

inline constexpr uint32_t kReplyBit = 0x8000'0000;  // of Stamp::flow

// Bytes as on the wire where a name says _be.
struct Stamp {
  uint32_t src_be = 0;
  uint32_t dst_be = 0;
  uint16_t src_l4_port_be = 0;
  uint16_t dst_l4_port_be = 0;
  uint16_t ip_bytes_be = 0;
  uint16_t ip_checksum_be = 0;
  uint16_t l4_checksum_be = 0;
  uint16_t frame_bytes = 0;  // without FCS
  uint16_t link = 0;
  uint8_t protocol = 0;
  uint8_t tcp_flags = 0;
  uint8_t tcp_seq = 0;  // the low byte; the others are zero
  uint8_t tcp_ack = 0;
  uint16_t reserved = 0;
  uint32_t flow = 0;  // its number, with kReplyBit for the responder's packets
};
static_assert(sizeof(Stamp) == 32 && std::is_trivially_copyable_v<Stamp>);

// `frame_bytes` without FCS. All checksums are right; the fragment word says don't fragment. The IP
// packet is `ip_bytes` long, the rest of the frame is padding; 0: it fills the frame.
Stamp MakeStamp(const PacketHeads& heads, const Link& link, uint16_t frame_bytes, uint32_t flow,
                uint16_t ip_bytes = 0);

// Writes the headers to `frame`; 64 bytes are there.
inline void WriteHeaders(const Stamp& stamp, const Link& link, uint8_t* frame) noexcept {
  std::memcpy(frame, link.bytes.data(), 32);
  uint8_t* ip = frame + link.l2_bytes;
  const uint8_t fixed[12] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, stamp.protocol, 0, 0};
  std::memcpy(ip, fixed, 12);
  std::memcpy(ip + 2, &stamp.ip_bytes_be, 2);
  std::memcpy(ip + 10, &stamp.ip_checksum_be, 2);
  std::memcpy(ip + 12, &stamp.src_be, 4);
  std::memcpy(ip + 16, &stamp.dst_be, 4);
  uint8_t* l4 = ip + 20;
  const bool tcp = stamp.protocol == 6;
  // Behind the ports: sequence, acknowledgment, offset, flags, window, checksum, urgent; or length,
  // checksum and payload. Both shapes are 16 bytes, chosen without a branch.
  const uint16_t udp_bytes =
      __builtin_bswap16(static_cast<uint16_t>(__builtin_bswap16(stamp.ip_bytes_be) - 20));
  const uint64_t tcp_first = uint64_t{stamp.tcp_seq} << 24 | uint64_t{stamp.tcp_ack} << 56;
  const uint64_t tcp_second =
      uint64_t{0x50} | uint64_t{stamp.tcp_flags} << 8 | uint64_t{stamp.l4_checksum_be} << 32;
  const uint64_t first =
      tcp ? tcp_first : uint64_t{udp_bytes} | uint64_t{stamp.l4_checksum_be} << 16;
  const uint64_t second = tcp ? tcp_second : 0;
  std::memcpy(l4, &stamp.src_l4_port_be, 2);
  std::memcpy(l4 + 2, &stamp.dst_l4_port_be, 2);
  std::memcpy(l4 + 4, &first, 8);
  std::memcpy(l4 + 12, &second, 8);
}

// The whole frame, for those who look at packets one by one.
std::vector<uint8_t> FrameOf(const Stamp& stamp, const Link& link);

}  // namespace sluice
