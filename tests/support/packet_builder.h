// Frames for tests, byte by byte, with checksums of their own making: shares no code with what it
// tests. Addresses as numbers in host order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/packet/mac.h"

namespace sluice::testing {

using Bytes = std::vector<uint8_t>;

void Put16(Bytes& bytes, uint32_t value);
void Put32(Bytes& bytes, uint32_t value);
uint32_t Get16(const Bytes& bytes, size_t at);
uint32_t Get32(const Bytes& bytes, size_t at);

// The one's complement sum of big-endian words, computed word by word; ~ of it is the checksum.
uint32_t SlowSum(const Bytes& bytes, size_t from, size_t to, uint32_t start = 0);
// Whether the IPv4 header at `ip` and the TCP, UDP or ICMP checksum behind it hold. An absent UDP
// checksum holds. Empty: all is well; else what is wrong.
std::string ChecksumComplaint(const Bytes& frame, size_t ip);

// "10.0.0.1"; aborts on anything else.
uint32_t Address(const char* text);

struct PacketSpec {
  MacAddress dst_mac = {{2, 0, 0, 0, 0, 1}};
  MacAddress src_mac = {{2, 0x0a, 0, 0, 0, 0x10}};
  int vlan = -1;  // -1: untagged
  uint32_t src = 0;
  uint32_t dst = 0;
  uint8_t protocol = 17;
  uint8_t ttl = 64;
  uint8_t tos = 0;
  uint16_t ip_id = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint32_t fragment_bytes = 0;  // offset
  Bytes options;                // padded to 4 by the caller
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t tcp_flags = 0x10;
  bool udp_checksum = true;
  uint8_t icmp_type = 8;
  uint8_t icmp_code = 0;
  uint16_t icmp_id = 0;
  uint32_t icmp_rest = 0;  // of errors: the word behind the checksum
  bool raw_l4 = false;     // payload is all that stands behind the IPv4 header
  Bytes payload;           // of an ICMP error: the quoted packet
  Bytes trailer;           // behind the packet
};

// The IPv4 packet alone, then with Ethernet around it.
Bytes BuildIpv4(const PacketSpec& spec);
Bytes BuildFrame(const PacketSpec& spec);
// The fragments of BuildIpv4(spec) with `payload_bytes` (a multiple of 8) each, as frames.
std::vector<Bytes> BuildFragments(const PacketSpec& spec, size_t payload_bytes);

struct ArpSpec {
  MacAddress dst_mac = kBroadcastMac;
  MacAddress src_mac;
  int vlan = -1;
  uint16_t operation = 1;
  MacAddress sender_mac;
  uint32_t sender = 0;
  MacAddress target_mac;
  uint32_t target = 0;
};
Bytes BuildArp(const ArpSpec& spec);

}  // namespace sluice::testing
