#include "dataplane/table/link_row.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

LinkRow MakeLinkRow(const AdjacencyRow& adjacency, const MacAddress& router_mac,
                    const LinkLimits& limits) {
  const bool resolved_later = adjacency.neighbor != kNoTable;
  const bool tagged = adjacency.vlan != 0;
  uint8_t header[kEthernetBytes + kVlanTagBytes] = {};
  StoreMac(header, resolved_later ? MacAddress{} : adjacency.mac);
  StoreMac(header + 6, router_mac);
  StoreBe16(header + 12, tagged ? kEtherTypeVlan : kEtherTypeIpv4);
  StoreBe16(header + 14, adjacency.vlan);
  StoreBe16(header + 16, kEtherTypeIpv4);
  LinkRow row;
  row.bytes = tagged ? kEthernetBytes + kVlanTagBytes : kEthernetBytes;
  std::memcpy(&row.first, header, sizeof(row.first));
  std::memcpy(&row.middle, header + 8, sizeof(row.middle));
  std::memcpy(&row.last, header + row.bytes - sizeof(row.last), sizeof(row.last));
  row.neighbor = static_cast<uint16_t>(resolved_later ? std::min(adjacency.neighbor, kNoNeighbor)
                                                      : kNoNeighbor);
  if (adjacency.port.has_value()) {
    row.mtu_bytes = std::min(adjacency.mtu_bytes, limits.receiver_mtu_bytes);
    row.edge_mtu_bytes = std::min(row.mtu_bytes, limits.edge_mtu_bytes);
  }
  return row;
}

}  // namespace sluice
