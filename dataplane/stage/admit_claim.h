// Claims of the key of a new flow's answer, with a port of the NAT gateway where there is one.
// Worker threads.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Claims a port of the gateway's address the walk chose, else of its others (AWS-NAT-05).
ClaimOutcome ClaimNat(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, uint32_t lane,
                      Admission& admission) noexcept;

// Claims the key of the answer.
ClaimOutcome ClaimPlain(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                        uint32_t lane, Admission& admission) noexcept;

}  // namespace sluice
