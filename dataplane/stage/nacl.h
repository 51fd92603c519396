// Network ACLs: stateless, first match wins, asked whenever a packet crosses a subnet's border
// (AWS-NACL-02, 05, 06, D-NACLBORDER). Egress: the origin's subnet, if the target lies elsewhere;
// ingress: the target's subnet, likewise.
//
// Worker thread. Reads: origin, target_subnet, walk_src, walk_dst, walk_l4_dst, protocol, rule_key.
// Drops with nacl_egress or nacl_ingress and writes rule and rule_subnet.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

void NaclEgressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept;
void NaclIngressStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes) noexcept;

}  // namespace sluice
