// The pipeline: the one call that judges and rewrites a burst. The order of the stages is the body
// of RunBurst in pipeline.cc and is drawn in docs/life-of-a-packet.md.
//
// Worker thread only. The caller fills the input columns of `batch` (count, frame, handle,
// segment_bytes, frame_bytes, rx_port), sets the clock of `worker`, and afterwards:
//   * verdict kForward: sends out_frame/out_bytes on snapshot.adjacency[out].port, unless `split`
//   is set;
//   * verdict kDrop or kConsume: frees the frame;
//   * verdict kHold: leaves the frame alone; its handle comes back through EmitList::released
//   later;
//   * sends every frame of worker.emits, then re-enters or frees what worker.emits released.
// Every input is counted by fate in worker.counters; sent counters are the caller's. Frames may be
// modified in place; bytes before `frame` (kFrameHeadroomBytes) may be written.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

void RunBurst(const Snapshot& snapshot, WorkerContext& worker, Batch& batch) noexcept;

// Lets time act when no packet comes: fragments held too long leave through worker.emits (cleared
// first), with lane kNoLane, and ended windows of worker.account go to its ring, a share of them a
// call. Cheap when nothing is due. `drain` gives back every fragment that is held.
void RunTimers(WorkerContext& worker, bool drain) noexcept;

}  // namespace sluice
