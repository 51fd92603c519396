#include "dataplane/stage/interface.h"

#include "dataplane/packet/wire.h"
#include "dataplane/stage/parse.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/mac_map.h"
#include "dataplane/table/sender_map.h"

namespace sluice {
namespace {

constexpr uint32_t kBroadcastAddress = 0xffffffff;

bool IsDhcpToRouter(const Snapshot& snapshot, const Batch& batch, uint32_t lane,
                    const InterfaceRow& row) noexcept {
  const uint32_t dst = batch.dst[lane];
  const uint32_t router = snapshot.subnets[row.subnet.index()].Router().value;
  const MacAddress mac = LoadMac(batch.frame[lane]);
  return (dst == kBroadcastAddress || dst == router) &&
         (mac == kBroadcastMac || mac == snapshot.router_mac);
}

// False: neither the router's MAC nor that of another ENI of the subnet.
bool AcceptDestinationMac(const Snapshot& snapshot, Batch& batch, uint32_t lane,
                          const InterfaceRow& row) noexcept {
  const MacAddress mac = LoadMac(batch.frame[lane]);
  if (mac == snapshot.router_mac) {
    return true;
  }
  const InterfaceIdx target = snapshot.macs->Find(row.subnet, mac);
  if (!target.has_value() || target == batch.sender[lane]) {
    return false;
  }
  batch.target[lane] = target;
  batch.traits[lane] |= kTraitL2Direct;
  return true;
}

DropReason JudgeEniPacket(const Snapshot& snapshot, Batch& batch, uint32_t lane) noexcept {
  const InterfaceIdx sender = batch.sender[lane];
  const InterfaceRow& row = snapshot.interfaces[sender.index()];
  const uint32_t src = batch.src[lane];
  const uint32_t dst = batch.dst[lane];
  if (!AcceptDestinationMac(snapshot, batch, lane, row)) {
    return DropReason::kUnknownMac;
  }
  const bool checks_source = (row.flags & kInterfaceSourceDestCheck) != 0;
  return JudgeAddresses(row, sender, src, dst,
                        checks_source ? snapshot.addresses->Lookup(row.vpc.value, src) : kNoAddress,
                        snapshot.addresses->Lookup(row.vpc.value, dst));
}

}  // namespace

DropReason NameSender(const Snapshot& snapshot, Batch& batch, uint32_t lane) noexcept {
  const PortIdx port = batch.rx_port[lane];
  const uint16_t vlan = batch.vlan[lane];
  batch.sender[lane] = FindSide(snapshot, port, vlan);
  if (batch.sender[lane].has_value()) {
    return DropReason::kNone;
  }
  batch.sender[lane] = snapshot.senders->Find(port, vlan, PackMac(batch.frame[lane] + 6));
  if (batch.sender[lane].has_value()) {
    return DropReason::kNone;
  }
  batch.sender[lane] = snapshot.senders->SoleOwner(port, vlan);
  return snapshot.senders->HasOwner(port, vlan) ? DropReason::kSourceCheck
                                                : DropReason::kUnknownInterface;
}

void InterfaceStage(const Snapshot& snapshot, WorkerContext&, Batch& batch, const LaneList& in,
                    LaneList& dhcp, LaneList& out) noexcept {
  for (const uint8_t lane : in) {
    batch.target[lane] = InterfaceIdx::None();
    DropReason reason = NameSender(snapshot, batch, lane);
    if (reason == DropReason::kNone) {
      const InterfaceRow& row = snapshot.interfaces[batch.sender[lane].index()];
      if (row.kind != InterfaceRowKind::kEni) {
        reason = IsMartian(batch.src[lane], batch.dst[lane]) ? DropReason::kMartianAddress
                                                             : DropReason::kNone;
      } else if ((batch.traits[lane] & kTraitDhcp) != 0 &&
                 IsDhcpToRouter(snapshot, batch, lane, row)) {
        dhcp.Add(lane);
        continue;
      } else {
        reason = JudgeEniPacket(snapshot, batch, lane);
      }
    }
    if (reason == DropReason::kNone) {
      out.Add(lane);
    } else {
      batch.reason[lane] = reason;
    }
  }
}

}  // namespace sluice
