// Bytes to values for the reference world: Ethernet with one tag, IPv4 with options, L4 headers,
// quotes of ICMP errors. Reasons: malformed_ethernet, unsupported_ethertype, malformed_ipv4,
// bad_ipv4_checksum, ipv4_options, malformed_l4, fragment_tiny (RFC 791, 1812 5.2.2, 1858;
// docs/semantics_choices.md "Parse"). Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <variant>

#include "control/explain/packet_view.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

std::variant<EthernetFrame, DropReason> ParseEthernet(const Bytes& frame);

// `payload` is what follows the Ethernet header; trailing padding is cut off.
std::variant<Packet, DropReason> ParseIpv4(const Bytes& payload);

// The packet quoted at `offset` of an ICMP error; nullopt when it names no flow (D-ICMPERR).
std::optional<Quote> ParseQuote(const Bytes& bytes, size_t offset);

}  // namespace sluice
