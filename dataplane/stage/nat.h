// NAT gateways: source translation on the way out, its exact inverse on the way back
// (AWS-NAT-01..09, D-WALK). Only the change is described here; the source port of a new mapping is
// chosen when it is admitted (decision 13).
//
// Worker thread. Reads: target, walk_flags, pair_flags, bound_*, inside_*, traits, protocol,
// tcp_flags. Writes: walk addresses and ports, quoted ones, nat, nat_private, nat_public,
// ttl_spent, origin, legs.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// `lanes` have a NAT gateway's ENI as target. Those that stay go on from there with their next leg.
// Drops with nat_unsupported_protocol, nat_fragment, nat_unsolicited, conntrack_invalid,
// nat_idle_timeout; lanes of the last that are to be answered with RST (D-NATIDLE) go to `resets`,
// undecided.
void NatStage(const Snapshot& snapshot, const WorkerContext& worker, Batch& batch, LaneList& lanes,
              LaneList& resets) noexcept;

// Whether `lane` passes a NAT gateway that has, or will have, a mapping for it.
inline bool IsTranslated(const Batch& batch, uint32_t lane) noexcept {
  return batch.nat[lane].has_value();
}

}  // namespace sluice
