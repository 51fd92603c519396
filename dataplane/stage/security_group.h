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
#include "dataplane/table/snapshot.h"

namespace sluice {

void SgEgressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept;
void SgIngressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept;

}  // namespace sluice
