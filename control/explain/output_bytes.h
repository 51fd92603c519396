// Bytes out of the reference world: translated packets, their fragments, frames. P3, P11,
// AWS-IGW-03, -06, RFC 791 3.2 (fragmentation), RFC 1624, RFC 3022 4.1, RFC 5508 REQ-4. Any thread.
#pragma once

#include <optional>
#include <vector>

#include "control/explain/packet_view.h"

namespace sluice {

// The packet with the addresses, ports, ids and quoted header given, TTL one less if asked, all
// checksums updated.
Bytes Translated(const Packet& packet, const PacketHeader& header,
                 const std::optional<PacketHeader>& quote, bool decrement_ttl);

// The packet cut so that no part is longer than mtu_bytes (>= 68), in ascending order; itself when
// it fits.
std::vector<Bytes> Fragmented(const Bytes& ip, size_t mtu_bytes);

// vlan 0: untagged.
Bytes MakeFrame(const MacAddress& destination, const MacAddress& source, uint16_t vlan,
                uint16_t ethertype, const Bytes& payload);

}  // namespace sluice
