// Who sent it: the sending side of every packet, the source and destination checks of the link, and
// the destinations that no table is asked about.
//
// Worker thread. Reads: frame, rx_port, vlan, l2_bytes, traits, src, dst. Writes: sender, traits
// (kTraitL2Direct), target (with kTraitL2Direct: the ENI addressed), reason of the lanes that end
// here.
//
// An uplink's or Services' port has one sender, that side; its MAC addresses are not checked. On an
// ENI's port, drops in this order: unknown_interface (nobody is attached to port and VLAN) or
// source_check (source MAC), unknown_mac, martian_address (RFC 1812 5.3.7), source_check
// (AWS-ADDR-14), link_local_range (169.254/16 and the VPC's resolver), reserved_address (the five
// of each subnet of its own VPC, AWS-ADDR-08). On a side's port only martian_address.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/parse.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// The uplink's or Services' side of a port and VLAN (0: untagged), or none.
inline InterfaceIdx FindSide(const Snapshot& snapshot, PortIdx port, uint16_t vlan) noexcept {
  if (vlan == 0) {
    return snapshot.ports[port.index()].side;
  }
  for (const SideRow& side : snapshot.sides.span()) {
    if (side.port == port && side.vlan == vlan) {
      return side.interface;
    }
  }
  return InterfaceIdx::None();
}

inline constexpr uint32_t kLinkLocalPrefix = 0xa9fe;  // 169.254/16

// Whether an ENI may send from `src` to `dst`: kNone or the reason of the drop. The owners are
// those of the two addresses in its VPC (Snapshot::addresses); that of the source is read where it
// is checked.
inline DropReason JudgeAddresses(const InterfaceRow& row, InterfaceIdx sender, uint32_t src,
                                 uint32_t dst, uint32_t src_owner, uint32_t dst_owner) noexcept {
  if (IsMartian(src, dst)) {
    return DropReason::kMartianAddress;
  }
  if ((row.flags & kInterfaceSourceDestCheck) != 0 && src_owner != sender.value) {
    return DropReason::kSourceCheck;
  }
  if (dst >> 16 == kLinkLocalPrefix) {
    return DropReason::kLinkLocalRange;
  }
  switch (dst_owner) {
    case kAddressReserved:
      return DropReason::kReservedAddress;
    case kAddressResolver:
      return DropReason::kLinkLocalRange;
    default:
      return DropReason::kNone;
  }
}

// Packets to be walked join `out`; DHCP requests to the router of the sender's subnet join `dhcp`.
void InterfaceStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                    const LaneList& in, LaneList& dhcp, LaneList& out) noexcept;

// Sets `sender` by port, VLAN and source MAC: a side, the ENI with that MAC, or the only ENI there
// whatever its MAC; none when there is no such. Returns kNone, source_check for a MAC that is not
// the ENI's, or unknown_interface.
DropReason NameSender(const Snapshot& snapshot, Batch& batch, uint32_t lane) noexcept;

}  // namespace sluice
