// Security groups: the union of an ENI's groups, allow only (AWS-SG-01, 03). A flow the ENI tracks
// passes without being asked; for others the rules of the packet's own direction decide, and
// whether the flow would be tracked (AWS-SG-11).
//
// Worker thread. Egress reads origin (the sender's ENI, first leg only), target; ingress reads
// target. Both read walk addresses and ports, pair_flags, initiator, responder; write walk_flags
// (tracked bits), first_eni and last_eni; drop with sg_egress or sg_ingress, and ingress with
// dest_check (AWS-ORD-02).
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Whether the ENI's rules let anything of the protocol come back from anywhere, so that a flow
// which a rule for any address allows need not be tracked (AWS-SG-11): one it sends, or one it
// receives.
inline bool IngressIsOpen(const InterfaceRow& row, uint8_t protocol) noexcept {
  return (protocol == kProtocolTcp && (row.flags & kInterfaceIngressOpenTcp) != 0) ||
         (protocol == kProtocolUdp && (row.flags & kInterfaceIngressOpenUdp) != 0);
}
inline bool EgressIsOpen(const InterfaceRow& row, uint8_t protocol) noexcept {
  return (protocol == kProtocolTcp && (row.flags & kInterfaceEgressOpenTcp) != 0) ||
         (protocol == kProtocolUdp && (row.flags & kInterfaceEgressOpenUdp) != 0);
}

void SgEgressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept;
void SgIngressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept;

}  // namespace sluice
