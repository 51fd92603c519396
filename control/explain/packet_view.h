// One packet as the reference world sees it: the header fields that rules, routes and translation
// speak of, and the bytes they came from. Plain values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "control/explain/frame_bytes.h"
#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/mac.h"

namespace sluice {

// Ports are those of TCP and UDP, 0 for every other protocol. icmp_id is the query id, 0 when the
// type has none.
struct PacketHeader {
  Ipv4Address source;
  Ipv4Address destination;
  uint8_t protocol = 0;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint16_t icmp_id = 0;
  friend bool operator==(const PacketHeader&, const PacketHeader&) = default;
};

// "tcp 10.0.0.5:40000 -> 8.8.8.8:443"
std::string ToString(const PacketHeader& header);

// Query types that make sessions with code 0 (D-ICMPFLOW): echo, timestamp, information, address
// mask.
bool IsIcmpQuery(const PacketHeader& header);
bool IsIcmpReply(const PacketHeader& header);
// Types 3, 11 and 12: the errors that can be related to a flow (D-ICMPERR).
bool IsIcmpRelatable(const PacketHeader& header);
// Any error type, also 4 and 5: no error is ever sent about one (RFC 1812 4.3.2.7).
bool IsIcmpError(const PacketHeader& header);

struct TcpFields {
  uint8_t flags = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgment = 0;
  uint32_t payload_bytes = 0;
};

// The packet that an ICMP error quotes, when enough of it is there to name a flow.
struct Quote {
  PacketHeader header;
  size_t offset = 0;  // of the quoted IPv4 header in Packet::ip
  size_t header_bytes = 0;
};

struct Packet {
  Bytes ip;  // from the IPv4 header on, exactly total length
  size_t header_bytes = 20;
  PacketHeader header;
  uint8_t ttl = 0;
  uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint16_t fragment_offset_bytes = 0;
  TcpFields tcp;
  std::optional<Quote> quote;

  bool IsFragment() const { return more_fragments || fragment_offset_bytes != 0; }
  bool IsLaterFragment() const { return fragment_offset_bytes != 0; }
  size_t PayloadBytes() const { return ip.size() - header_bytes; }
};

struct EthernetFrame {
  MacAddress destination;
  MacAddress source;
  uint16_t vlan = 0;  // 0: untagged or priority-tagged
  uint16_t ethertype = 0;
  Bytes payload;
};

}  // namespace sluice
