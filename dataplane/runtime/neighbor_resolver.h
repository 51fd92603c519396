// Finds the MAC addresses of the next hops on the uplink and Services sides: says which ARP
// requests to send, learns from replies, asks again before an entry gets old. Pure but for the
// NeighborTable it writes; time is an argument. Control thread.
//
// RFC 826 requests, one a next hop: every second until answered, then every kRefreshNs; an entry
// that stays unanswered for kForgetNs is forgotten. (RFC 1122 2.3.2.1: stale entries must go.)
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/packet/ids.h"
#include "dataplane/packet/mac.h"
#include "dataplane/stage/neighbor_table.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// An Ethernet frame with an ARP request; with a VLAN tag it is four bytes longer.
struct ArpRequest {
  PortIdx port;
  uint16_t bytes = 0;
  std::array<uint8_t, 64> frame{};
};

class NeighborResolver {
 public:
  static constexpr int64_t kRetryNs = 1'000'000'000;
  static constexpr int64_t kRefreshNs = 30'000'000'000;
  static constexpr int64_t kForgetNs = 120'000'000'000;

  explicit NeighborResolver(NeighborTable& table) : table_(table) {}

  // After each publication: the sides of the running snapshot. A next hop that did not change keeps
  // its address.
  void SetSides(const Snapshot& snapshot);
  // What a worker saw: the configured next hop of `side` has this address.
  void Learn(InterfaceIdx side, const MacAddress& mac, int64_t now_ns);
  // The requests that are due; `now_ns` is monotonic.
  std::vector<ArpRequest> Tick(int64_t now_ns);

  struct Neighbor {
    InterfaceIdx side;
    uint32_t index = 0;  // into the NeighborTable
    PortIdx port;
    uint16_t vlan = 0;
    MacAddress router_mac;
    Ipv4Address address;
    Ipv4Address next_hop;
    bool resolved = false;
    MacAddress mac;
    int64_t learned_ns = 0;
    int64_t asked_ns = INT64_MIN;
  };
  const std::vector<Neighbor>& neighbors() const { return neighbors_; }

 private:
  NeighborTable& table_;
  std::vector<Neighbor> neighbors_;
};

}  // namespace sluice
