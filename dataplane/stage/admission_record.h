// What a lane's walk means for the session record of its flow. Worker thread; pure.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_line.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// The cold record of a session whose initiator sent this lane's packet, or (`reply`) whose
// responder did.
SessionCold ColdOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane,
                   bool reply) noexcept;

// Whether `wanted` tracks or binds the flow somewhere `current` does not.
bool SaysMore(const SessionCold& wanted, const SessionCold& current) noexcept;

// The walk as the line keeps it. Deltas must have been computed.
WalkOutcome OutcomeOf(const Batch& batch, uint32_t lane) noexcept;

// Carries a flow's connection state over to the line of a new pair; what the pair decides (tracked,
// NAT) stays.
void CopyLineState(SessionLine& to, const SessionLine& from) noexcept;

}  // namespace sluice
