// Judging, counting and rewriting up to eight packets of known sessions at once. Part of the short
// way (express.h). Worker thread.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/express.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// The lines of eight packets; places without one hold any line.
using EightLines = SessionLine* [kEight];

// The found packets from .. from + count - 1, 1 <= count <= 8, of neighbouring lanes, whose lines
// are these: those before the first that may not take the short way are counted, rewritten and
// given their columns out_frame, out_bytes, out and sender. Returns how many. Several may be of one
// session.
uint32_t TakeGroup(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   const ExpressLanes& found, uint32_t from, uint32_t count,
                   const EightLines& lines) noexcept;

}  // namespace sluice
