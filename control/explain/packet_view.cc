#include "control/explain/packet_view.h"

#include "dataplane/packet/protocol.h"

namespace sluice {

std::string ToString(const PacketHeader& header) {
  const std::string source = ToString(header.source);
  const std::string destination = ToString(header.destination);
  if (header.protocol == kProtocolTcp || header.protocol == kProtocolUdp) {
    return std::string(header.protocol == kProtocolTcp ? "tcp " : "udp ") + source + ":" +
           std::to_string(header.source_port) + " -> " + destination + ":" +
           std::to_string(header.destination_port);
  }
  if (header.protocol == kProtocolIcmp) {
    return "icmp " + std::to_string(header.icmp_type) + "/" + std::to_string(header.icmp_code) +
           " " + source + " -> " + destination;
  }
  return "protocol " + std::to_string(header.protocol) + " " + source + " -> " + destination;
}

bool IsIcmpQuery(const PacketHeader& header) {
  const uint8_t type = header.icmp_type;
  return header.protocol == kProtocolIcmp && header.icmp_code == 0 &&
         (type == 8 || type == 13 || type == 15 || type == 17);
}

bool IsIcmpReply(const PacketHeader& header) {
  const uint8_t type = header.icmp_type;
  return header.protocol == kProtocolIcmp && header.icmp_code == 0 &&
         (type == 0 || type == 14 || type == 16 || type == 18);
}

bool IsIcmpRelatable(const PacketHeader& header) {
  const uint8_t type = header.icmp_type;
  return header.protocol == kProtocolIcmp && (type == 3 || type == 11 || type == 12);
}

bool IsIcmpError(const PacketHeader& header) {
  const uint8_t type = header.icmp_type;
  return IsIcmpRelatable(header) || (header.protocol == kProtocolIcmp && (type == 4 || type == 5));
}

}  // namespace sluice
