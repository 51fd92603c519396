// Admits what opens a session. Worker threads.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/admit_steps.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Ends an admission whose forward key is claimed.
AdmitFate Complete(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                   Admission& admission, bool new_binding) noexcept;

// A lane whose flow has no session.
AdmitFate AdmitNew(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   uint32_t lane) noexcept;

}  // namespace sluice
