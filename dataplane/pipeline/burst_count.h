// Counts the fates of a burst per receiving port: received = forwarded + consumed + dropped + held
// (decision 22). Worker thread, once a burst, after the last pass.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"

namespace sluice {

// A frame that the fragment cache gave back to be dropped (ReleasedFrame::dropped), received on
// `port`.
void CountReleasedDrop(WorkerContext& worker, PortIdx port, DropReason reason) noexcept;

void CountBurst(WorkerContext& worker, const Batch& batch) noexcept;

}  // namespace sluice
