#include "control/compile/passes.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

uint16_t PortMtu(const SnapshotDraft& draft, const std::string& port, bool side,
                 const std::map<std::string, uint16_t>& device_mtu_bytes) {
  for (const HostPort& p : draft.intent.host().ports) {
    if (p.name == port && p.mtu) {
      return *p.mtu;
    }
  }
  if (side) {
    return kInternetMtuBytes;
  }
  const auto device = device_mtu_bytes.find(port);
  return device == device_mtu_bytes.end() ? kVpcMtuBytes : device->second;
}

void CompileSide(SnapshotDraft& draft, const HostSide& side, InterfaceIdx idx, uint32_t neighbor,
                 const std::map<std::string, uint16_t>& device_mtu_bytes) {
  AdjacencyRow& row = draft.adjacency[idx.index()];
  row.port = draft.port_idx.at(side.port);
  row.vlan = side.vlan;
  row.mtu_bytes = PortMtu(draft, side.port, true, device_mtu_bytes);
  row.neighbor = neighbor;
  draft.interfaces[idx.index()].primary = side.address.address;
  draft.sides.push_back({idx, row.port, side.vlan, side.address.address, side.next_hop});
  draft.senders.push_back({row.port, side.vlan, kMacOfSides, idx});
  if (side.vlan == 0) {
    draft.ports[row.port.index()].side = idx;
    draft.ports[row.port.index()].mac_mask = 0;
  }
}

void CompileSessionLimits(SnapshotDraft& draft) {
  const Host& host = draft.intent.host();
  for (const auto& [id, idx] : draft.interface_idx) {
    draft.interfaces[idx.index()].session_limit = host.max_sessions_per_interface;
  }
  for (const HostAttachment& attachment : host.attachments) {
    if (attachment.max_sessions != 0) {
      draft.interfaces[draft.interface_idx.at(attachment.network_interface_id).index()]
          .session_limit = attachment.max_sessions;
    }
  }
}

// After every adjacency is known.
void CompileLinks(SnapshotDraft& draft) {
  LinkLimits limits;
  limits.edge_mtu_bytes =
      std::min(draft.adjacency[draft.internet.index()].mtu_bytes, kInternetMtuBytes);
  for (size_t i = 0; i < draft.adjacency.size(); ++i) {
    const bool endpoint = (draft.interfaces[i].flags & kInterfaceForceTrack) != 0;
    limits.receiver_mtu_bytes = i == draft.internet.index() ? limits.edge_mtu_bytes
                                : endpoint                  ? kEndpointMtuBytes
                                                            : uint16_t{0xffff};
    draft.links.push_back(MakeLinkRow(draft.adjacency[i], draft.intent.host().router_mac, limits));
  }
}

}  // namespace

void CompileHost(SnapshotDraft& draft, const std::map<std::string, uint16_t>& device_mtu_bytes) {
  const Host& host = draft.intent.host();
  draft.interfaces[draft.internet.index()].kind = InterfaceRowKind::kInternet;
  CompileSessionLimits(draft);
  if (host.uplink) {
    CompileSide(draft, *host.uplink, draft.internet, 0, device_mtu_bytes);
  }
  for (size_t i = 0; i < host.services.size(); ++i) {
    const InterfaceIdx idx = draft.services[i];
    draft.interfaces[idx.index()].kind = InterfaceRowKind::kServices;
    CompileSide(draft, host.services[i], idx, static_cast<uint32_t>(1 + i), device_mtu_bytes);
    for (const std::string& endpoint : host.services[i].endpoint_ids) {
      draft.endpoint_side[endpoint] = idx;
    }
    if (host.services[i].endpoint_ids.empty() && !draft.default_services.has_value()) {
      draft.default_services = idx;
    }
  }
  for (const HostAttachment& attachment : host.attachments) {
    const InterfaceIdx idx = draft.interface_idx.at(attachment.network_interface_id);
    const NetworkInterface& eni =
        *draft.intent.FindNetworkInterface(attachment.network_interface_id);
    AdjacencyRow& row = draft.adjacency[idx.index()];
    row.mac = *eni.mac;
    row.port = draft.port_idx.at(attachment.port);
    row.vlan = attachment.vlan;
    row.mtu_bytes = PortMtu(draft, attachment.port, false, device_mtu_bytes);
    draft.senders.push_back({row.port, row.vlan, row.mac, idx});
  }
  CompileLinks(draft);
}

}  // namespace sluice
