// Accepting a packet of a session: counting it in its line and moving its direction's state. Worker
// threads.
#pragma once

#include "dataplane/session/session_state.h"
#include "dataplane/stage/worker_context.h"

namespace sluice {

// A segment of a known flow that is forwarded but neither counted in the line nor believed: an
// invalid RST (decision 8), flags no sane sender sets, a SYN on an established connection.
bool ChangesNothing(const SessionLine& line, const SessionLine& peer, bool forward,
                    const PacketFacts& facts) noexcept;

// Moves the state of the line of a packet that changes something. `gateway`: the NAT gateway that
// translates it, or none; it counts connections that are answered.
void AcceptInSession(WorkerContext& worker, LineIdx idx, const PacketFacts& facts,
                     NatGatewayIdx gateway) noexcept;

}  // namespace sluice
