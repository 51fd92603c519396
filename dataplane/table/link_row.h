// How frames to an interface begin, ready to be stored, and what fits there: the adjacency of an
// interface as established flows want it. Built by the control thread, read by workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/packet/mac.h"

namespace sluice {

struct AdjacencyRow;

// NeighborTable has an entry for it that is never resolved.
inline constexpr uint32_t kNoNeighbor = 256;

// The link header as words in the order of memory. Stored in this order, `first` and `middle` from
// its first byte on and `last` up to its last, they make 14 or 18 bytes.
struct alignas(32) LinkRow {
  uint64_t first = 0;               // destination, two bytes of the router's MAC
  uint16_t neighbor = kNoNeighbor;  // NeighborTable index whose MAC `first` lacks
  uint16_t bytes = 14;              // of the header: 14 or 18
  uint16_t mtu_bytes = 0;           // largest IPv4 packet sent there; 0: none is
  uint16_t edge_mtu_bytes = 0;      // the same of those that came through the internet gateway
  uint64_t last = 0;                // the last eight bytes
  uint32_t middle = 0;              // the rest of the router's MAC
  uint32_t reserved = 0;
};
static_assert(sizeof(LinkRow) == 32 && offsetof(LinkRow, edge_mtu_bytes) == 14);

// Writes the link header in front of the IPv4 header at `ip`, its next hop's MAC in `first`;
// returns where the frame begins.
inline uint8_t* WriteLink(const LinkRow& link, uint64_t first, uint8_t* ip) noexcept {
  uint8_t* frame = ip - link.bytes;
  std::memcpy(frame, &first, sizeof(first));
  std::memcpy(frame + sizeof(first), &link.middle, sizeof(link.middle));
  std::memcpy(ip - sizeof(link.last), &link.last, sizeof(link.last));
  return frame;
}

struct LinkLimits {
  uint16_t edge_mtu_bytes = 0;      // what passes the internet gateway
  uint16_t receiver_mtu_bytes = 0;  // what the interface itself takes
};

LinkRow MakeLinkRow(const AdjacencyRow& adjacency, const MacAddress& router_mac,
                    const LinkLimits& limits);

}  // namespace sluice
