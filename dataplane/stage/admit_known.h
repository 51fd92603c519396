// Admits packets of known flows that have walked: refreshes, replaces or leaves their session.
// Worker threads.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/admit_steps.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

AdmitFate AdmitKnown(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                     uint32_t lane) noexcept;

}  // namespace sluice
