#include "dataplane/runtime/neighbor_resolver.h"

#include <algorithm>

#include "dataplane/packet/wire.h"

namespace sluice {
namespace {

constexpr uint16_t kEthertypeArp = 0x0806;
constexpr uint16_t kEthertypeVlan = 0x8100;
constexpr uint16_t kLeastFrameBytes = 60;  // without the checksum (IEEE 802.3)

// RFC 826: who has `next_hop`, tell `address`.
ArpRequest MakeRequest(const NeighborResolver::Neighbor& neighbor) {
  ArpRequest request;
  request.port = neighbor.port;
  uint8_t* at = request.frame.data();
  StoreMac(at, kBroadcastMac);
  StoreMac(at + 6, neighbor.router_mac);
  at += 12;
  if (neighbor.vlan != 0) {
    StoreBe16(at, kEthertypeVlan);
    StoreBe16(at + 2, neighbor.vlan);
    at += 4;
  }
  StoreBe16(at, kEthertypeArp);
  StoreBe16(at + 2, 1);       // Ethernet
  StoreBe16(at + 4, 0x0800);  // IPv4
  at[6] = 6;
  at[7] = 4;
  StoreBe16(at + 8, 1);  // request
  StoreMac(at + 10, neighbor.router_mac);
  StoreBe32(at + 16, neighbor.address.value);
  StoreBe32(at + 26, neighbor.next_hop.value);  // the target's MAC before it is zero
  request.bytes = static_cast<uint16_t>(kLeastFrameBytes + (neighbor.vlan != 0 ? 4 : 0));
  return request;
}

}  // namespace

void NeighborResolver::SetSides(const Snapshot& snapshot) {
  std::vector<Neighbor> next;
  for (const SideRow& side : snapshot.sides.span()) {
    const AdjacencyRow& adjacency = snapshot.adjacency[side.interface.index()];
    if (!side.port.has_value() || adjacency.neighbor >= NeighborTable::kCapacity) {
      continue;
    }
    Neighbor neighbor;
    neighbor.side = side.interface;
    neighbor.index = adjacency.neighbor;
    neighbor.port = side.port;
    neighbor.vlan = side.vlan;
    neighbor.router_mac = snapshot.router_mac;
    neighbor.address = side.address;
    neighbor.next_hop = side.next_hop;
    const auto same = std::find_if(neighbors_.begin(), neighbors_.end(), [&](const Neighbor& old) {
      return old.index == neighbor.index && old.port == neighbor.port &&
             old.vlan == neighbor.vlan && old.next_hop == neighbor.next_hop;
    });
    if (same != neighbors_.end()) {
      neighbor.resolved = same->resolved;
      neighbor.mac = same->mac;
      neighbor.learned_ns = same->learned_ns;
      neighbor.asked_ns = same->asked_ns;
    } else {
      table_.Forget(neighbor.index);
    }
    next.push_back(neighbor);
  }
  for (const Neighbor& old : neighbors_) {
    if (std::none_of(next.begin(), next.end(),
                     [&](const Neighbor& n) { return n.index == old.index; })) {
      table_.Forget(old.index);
    }
  }
  neighbors_ = std::move(next);
}

void NeighborResolver::Learn(InterfaceIdx side, const MacAddress& mac, int64_t now_ns) {
  for (Neighbor& neighbor : neighbors_) {
    if (neighbor.side == side) {
      neighbor.resolved = true;
      neighbor.mac = mac;
      neighbor.learned_ns = now_ns;
      table_.Resolve(neighbor.index, mac);
    }
  }
}

std::vector<ArpRequest> NeighborResolver::Tick(int64_t now_ns) {
  std::vector<ArpRequest> requests;
  for (Neighbor& neighbor : neighbors_) {
    if (neighbor.resolved && now_ns - neighbor.learned_ns >= kForgetNs) {
      neighbor.resolved = false;
      table_.Forget(neighbor.index);
    }
    const bool fresh = neighbor.resolved && now_ns - neighbor.learned_ns < kRefreshNs;
    const bool asked_lately =
        neighbor.asked_ns != INT64_MIN && now_ns - neighbor.asked_ns < kRetryNs;
    if (!fresh && !asked_lately) {
      neighbor.asked_ns = now_ns;
      requests.push_back(MakeRequest(neighbor));
    }
  }
  return requests;
}

}  // namespace sluice
