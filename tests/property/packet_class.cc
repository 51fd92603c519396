#include "tests/property/packet_class.h"

namespace sluice::testing {
namespace {

constexpr std::string_view kNames[] = {
    "fresh",
    "answer",
    "icmp_error",
    "repeat",
    "flipped_bit",
    "options",
    "source_route",
    "bad_options",
    "bad_ip_checksum",
    "bad_l4_checksum",
    "truncated",
    "length_lie",
    "padded",
    "tagged",
    "ethertype",
    "martian",
    "link_local",
    "ttl",
    "too_big",
    "dont_fragment",
    "tos",
    "arp_request",
    "arp_other",
    "arp_malformed",
    "arp_of_side",
    "dhcp",
    "dhcp_renewal",
    "dhcp_malformed",
    "fragment_tcp",
    "fragment_udp",
    "fragment_icmp",
    "fragment_other",
    "fragment_tiny",
    "fragment_overlap",
    "fragment_duplicate",
    "fragment_without_first",
    "fragment_shared_id",
    "fragment_bad_size",
};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == kPacketClassCount);

}  // namespace

std::string_view PacketClassName(PacketClass kind) {
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace sluice::testing
