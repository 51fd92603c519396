#include "dataplane/packet/verdict.h"

#include <array>

namespace sluice {
namespace {

constexpr std::array<std::string_view, 4> kVerdictNames = {"drop", "forward", "consume", "hold"};

constexpr std::array<std::string_view, kDropReasonCount + 1> kReasonNames = {
    "undecided",
    "malformed_ethernet",
    "malformed_ipv4",
    "bad_ipv4_checksum",
    "malformed_l4",
    "unsupported_ethertype",
    "unknown_interface",
    "unknown_mac",
    "source_check",
    "dest_check",
    "reserved_address",
    "martian_address",
    "ipv4_options",
    "link_local_range",
    "no_route",
    "blackhole_route",
    "unknown_destination",
    "peering_not_transitive",
    "endpoint_unavailable",
    "sg_egress",
    "sg_ingress",
    "nacl_egress",
    "nacl_ingress",
    "igw_no_public_ip",
    "igw_unknown_public_ip",
    "nat_ports_exhausted",
    "nat_unsupported_protocol",
    "nat_fragment",
    "nat_unsolicited",
    "nat_idle_timeout",
    "conntrack_full",
    "conntrack_invalid",
    "fragment_orphan",
    "fragment_overlap",
    "fragment_tiny",
    "fragment_cache_full",
    "mtu_exceeded",
    "ttl_expired",
    "next_hop_unresolved",
    "tx_full",
    "no_mbuf",
    "arp_reply",
    "arp_ignored",
    "arp_learned",
    "dhcp_reply",
    "none",
};
static_assert(!kReasonNames.back().empty(), "one name a reason, in the order of the enumeration");

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  return kVerdictNames[static_cast<size_t>(verdict)];
}

std::string_view DropReasonName(DropReason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

}  // namespace sluice
