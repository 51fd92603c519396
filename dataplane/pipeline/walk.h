// The walk: leg by leg from the sender to where the packet leaves, asking every firewall on the way
// (D-WALK). At most sender -> NAT gateway -> internet gateway -> back in: kMaxLegs. Pure: nothing
// is committed.
//
// Worker thread.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

inline constexpr uint32_t kMaxLegs = 4;

// Lanes that reach a side join `arrived`, in rising order, with `out` set; lanes that a NAT gateway
// answers with RST join `resets`, undecided; the others are dropped with their reason.
void RunWalk(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
             LaneList& arrived, LaneList& resets) noexcept;

}  // namespace sluice
