// What the router says itself: ARP and DHCP answers (D-ARP, D-ROUTER, AWS-LL-03), ICMP errors
// (D-TTL, RFC 1812 4.3.2, RFC 1191) and the RST of an idle NAT flow (D-NATIDLE, RFC 9293 3.5.2).
// IPv4 packets, or the ARP payload; the frame around it is the world's. Any thread.
#pragma once

#include <optional>

#include "control/explain/packet_view.h"
#include "control/intent/validated_intent.h"

namespace sluice {

// An ARP packet for Ethernet and IPv4; nullopt for anything else.
struct ArpPacket {
  uint16_t operation = 0;  // 1 request, 2 reply
  MacAddress sender_mac;
  Ipv4Address sender;
  Ipv4Address target;
};
std::optional<ArpPacket> ParseArp(const Bytes& payload);
Bytes ArpReply(const ArpPacket& request, const MacAddress& answer);

// The MAC the configuration gives to `target` as asked by `asker`; nullopt: nobody answers.
std::optional<MacAddress> ArpAnswerFor(const ValidatedIntent& intent, const NetworkInterface& asker,
                                       Ipv4Address target);

// May an ICMP error be sent about the packet?
bool MayAnswerWithError(const Packet& packet);
Bytes TimeExceeded(const Packet& about, Ipv4Address source);
Bytes FragmentationNeeded(const Packet& about, Ipv4Address source, size_t mtu_bytes);
Bytes ResetFor(const Packet& about);

inline constexpr uint16_t kDhcpServerPort = 67;
inline constexpr uint16_t kDhcpClientPort = 68;
bool IsDhcpRequest(const Packet& packet, const Subnet& subnet);
struct DhcpAnswer {
  bool readable = false;    // false: malformed_l4
  std::optional<Bytes> ip;  // none: consumed without an answer
  bool to_broadcast = false;
};
DhcpAnswer AnswerDhcp(const ValidatedIntent& intent, const NetworkInterface& asker,
                      const Packet& request);

}  // namespace sluice
