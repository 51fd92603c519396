// One pass over lanes of a burst: look up, walk what must walk, check, commit, rewrite. Worker
// thread.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// `lanes` and `again` in rising order. Lanes in `again` depend on what an earlier lane has
// committed in this pass and are to be passed once more; never the first of `lanes`.
void RunPass(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, const LaneList& lanes,
             LaneList& again) noexcept;

}  // namespace sluice
