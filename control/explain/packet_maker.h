// Whole packets from a header: what `sluice explain` sends through the reference world, and what
// tests start from. Checksums are right; payload is `payload`, and `payload_bytes` zero bytes
// behind it. Any thread.
#pragma once

#include <cstddef>

#include "control/explain/packet_view.h"

namespace sluice {

struct PacketShape {
  PacketHeader header;
  uint8_t ttl = 64;
  uint8_t tcp_flags = 0x02;
  uint32_t tcp_sequence = 1000;
  uint32_t tcp_acknowledgment = 0;
  Bytes payload;
  size_t payload_bytes = 0;
  bool dont_fragment = false;
  uint16_t identification = 0;
};

// The IPv4 packet.
Bytes MakePacket(const PacketShape& shape);

// The BOOTP message of a DHCPDISCOVER (RFC 2131 4.4.1).
Bytes MakeDhcpDiscover(const MacAddress& client);

}  // namespace sluice
