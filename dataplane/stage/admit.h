// Admit: the only stage that commits flow state, after the last check of the walk has passed
// (D-STATE). New flows get a pair (claim forward, claim reverse with its NAT port, publish both, or
// leave no trace); known ones are refreshed and their walk is stamped; a flow whose translation or
// tracking has changed gets a new pair that keeps what must survive (decisions 1, 13).
//
// Worker thread. Reads everything the walk wrote; `out` is set. Writes walk_l4_src (NAT ports),
// deltas, the session table. Drops with conntrack_full, nat_ports_exhausted, endpoint_unavailable.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Before the stage, for lanes that will open a session: fetches what the claim of the answer's key
// will touch. Changes nothing. Reads the key and walk columns.
void PrepareAdmission(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                      uint32_t lane) noexcept;

// `lanes` in rising order: hits, or a lane that has passed its walk. Those that go on are in
// `forward`. One whose key has meanwhile been inserted by an earlier lane, or by another worker,
// goes to `again`: it has to walk once more.
void AdmitStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                const LaneList& lanes, LaneList& forward, LaneList& again) noexcept;

}  // namespace sluice
