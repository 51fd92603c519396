// Packets in few words, and what came out as text, for the semantic tests.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/packet_builder.h"

namespace sluice::testing {

inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;
inline constexpr uint8_t kUrg = 0x20;
inline constexpr uint8_t kSynAck = kSyn | kAck;

// Ends are "10.0.0.10:1000", without a port where the protocol has none.
PacketSpec Tcp(const std::string& from, const std::string& to, uint8_t flags = kSyn,
               uint32_t seq = 1000, uint32_t ack = 0, size_t payload_bytes = 0);
PacketSpec Udp(const std::string& from, const std::string& to, size_t payload_bytes = 8);
PacketSpec Icmp(const std::string& from, const std::string& to, uint8_t type, uint8_t code,
                uint16_t id);
PacketSpec Echo(const std::string& from, const std::string& to, uint16_t id);
PacketSpec EchoReply(const std::string& from, const std::string& to, uint16_t id);
PacketSpec Raw(const std::string& from, const std::string& to, uint8_t protocol);
// An ICMP error about an IPv4 packet, of which at most `quoted_bytes` are quoted.
PacketSpec ErrorAbout(const std::string& from, const std::string& to, uint8_t type, uint8_t code,
                      const Bytes& packet, size_t quoted_bytes = 28);
// An end: "10.0.0.10" and 1000 are "10.0.0.10:1000".
std::string End(const std::string& address, uint32_t l4_port);
uint32_t AddressOf(const std::string& text);

// An IPv4 packet read from a frame. Zeros where there is no such field.
struct Seen {
  Bytes ip;  // from the header on, exactly total length
  size_t header_bytes = 0;
  std::string src;
  std::string dst;
  uint8_t protocol = 0;
  uint8_t ttl = 0;
  uint16_t ip_id = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint32_t fragment_bytes = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t tcp_flags = 0;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint16_t icmp_id = 0;
  uint32_t icmp_rest = 0;
  Bytes l4;     // behind the IPv4 header
  Bytes quote;  // ICMP errors: the quoted packet
};
bool IsIpv4Frame(const Bytes& frame);
Seen Read(const Bytes& frame);

// "tcp 10.0.0.10:1000 > 10.0.1.10:80", "icmp 8/0 id 7 10.0.0.10 > 10.0.1.10", "50 10.0.0.10 >
// 10.0.1.10"; an error quotes: "icmp 3/4 10.0.0.1 > 10.0.0.10 [udp 10.0.0.10:1 > 10.0.1.10:2]";
// fragments end with their offset: "udp 10.0.0.10:1 > 10.0.1.10:2 +0", "udp 10.0.0.10 > 10.0.1.10
// +1480". "arp 10.0.0.1 is 02:00:00:00:00:01 to 10.0.0.10". Other frames: "frame".
std::string TextOf(const Bytes& frame);

// What is wrong with a frame's checksums, the quoted header's and (when all of it is there) the
// quoted packet's included. Empty: nothing.
std::string FrameComplaint(const Bytes& frame);

// Whether `text` is `pattern`, in which "*" stands for any run of characters.
bool Matches(const std::string& text, const std::string& pattern);

}  // namespace sluice::testing
