// Numbers of the wire that more than one room names: IP protocols (IANA), EtherTypes, TCP flags
// (RFC 9293), ICMP types (RFC 792).
#pragma once

#include <cstdint>

namespace sluice {

inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;
inline constexpr uint8_t kTcpUrg = 0x20;

inline constexpr uint8_t kIcmpEchoReply = 0;
inline constexpr uint8_t kIcmpUnreachable = 3;
inline constexpr uint8_t kIcmpEcho = 8;
inline constexpr uint8_t kIcmpTimeExceeded = 11;
inline constexpr uint8_t kIcmpParameterProblem = 12;
inline constexpr uint8_t kIcmpTimestamp = 13;
inline constexpr uint8_t kIcmpTimestampReply = 14;
inline constexpr uint8_t kIcmpCodeFragmentationNeeded = 4;  // of kIcmpUnreachable

// Link-level and network-level sizes in bytes.
inline constexpr uint16_t kEthernetBytes = 14;
inline constexpr uint16_t kVlanTagBytes = 4;
inline constexpr uint16_t kIpv4MinBytes = 20;
inline constexpr uint16_t kTcpMinBytes = 20;
inline constexpr uint16_t kUdpBytes = 8;
inline constexpr uint16_t kIcmpBytes = 8;
inline constexpr uint16_t kInternetMtuBytes = 1500;
inline constexpr uint16_t kVpcMtuBytes = 9001;
inline constexpr uint16_t kEndpointMtuBytes = 8500;  // AWS-EP-06

// The rule key of ICMP is one 16-bit number, type in the high byte, so that type and code ranges
// are port ranges.
constexpr uint16_t IcmpRuleKey(uint8_t type, uint8_t code) {
  return static_cast<uint16_t>(type << 8 | code);
}

}  // namespace sluice
