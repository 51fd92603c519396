// One pass over the lanes of a burst: look up, walk what must walk, check; then, lane by lane in
// their order, commit and answer; last, rewrite. Worker thread.
//
// Theory (decision 15). A packet's fate depends on the order of packets, never on where bursts
// begin and end. Lookups and walks run for all lanes ahead of the first commit, so they may miss
// what an earlier lane is about to commit. When a lane's turn comes, that is checked: nothing has
// been committed but hits, or its session is untouched, or its key is still in no session. If not,
// the lane alone is judged again, now that all before it is done. Fragments are judged at their
// turn only, because they depend on the fate of their first one. Whatever an observer could order
// (commits, NAT ports, ICMP errors and their limiter, flow-log rows) happens in turns.
//
// Cost: none for a burst of hits; for others one bit test a lane, and one lookup for each that was
// refused without a session while sessions were made. A lane is judged twice at most, unless other
// workers make its session meanwhile.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// `lanes` in rising order.
void RunPass(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
             const LaneList& lanes) noexcept;

// The same for one lane that opens a flow and has its columns and its walk already (open_lane.h),
// when all lanes before it are done.
void RunOpening(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                uint32_t lane) noexcept;

}  // namespace sluice
