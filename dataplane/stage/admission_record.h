// What a lane's walk means for the session record of its flow. Worker thread; pure.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// What the walk of a flow says of it.
struct FlowWalk {
  InterfaceIdx sender;
  InterfaceIdx out;
  InterfaceIdx first_eni;  // with groups, or none
  InterfaceIdx last_eni;
  uint8_t walk_flags;
  NatGatewayIdx nat;  // that was passed, or none
  uint32_t nat_private;
  uint16_t nat_l4_port;
};

// The cold record of a session whose initiator sent the packet, or (`reply`) whose responder did.
SessionCold ColdOf(const Snapshot& snapshot, const FlowWalk& walk, bool reply) noexcept;
// The same of a lane's packet.
SessionCold ColdOf(const Snapshot& snapshot, const Batch& batch, uint32_t lane,
                   bool reply) noexcept;

// How many sessions its interfaces may have. Inline: two halves that a call returns as one word
// would be read back before they have reached the cache.
inline SessionLimits LimitsOf(const Snapshot& snapshot, const SessionCold& cold) noexcept {
  const auto limit = [&](uint32_t interface_idx) {
    return interface_idx == kNoInterface ? 0 : snapshot.interfaces[interface_idx].session_limit;
  };
  return {limit(cold.initiator_interface_idx), limit(cold.responder_interface_idx), 0};
}

// A flow that goes on keeps its timers at the ends that it keeps, whatever their settings are now.
void KeepTimeouts(SessionCold& wanted, const SessionCold& current) noexcept;

// Whether `wanted` tracks or binds the flow somewhere `current` does not.
bool SaysMore(const SessionCold& wanted, const SessionCold& current) noexcept;

// The walk as the line keeps it. Deltas must have been computed.
WalkOutcome OutcomeOf(const Batch& batch, uint32_t lane) noexcept;

// Carries a flow's connection state over to the line of a new pair; what the pair decides (tracked,
// NAT) stays.
void CopyLineState(SessionLine& to, const SessionLine& from) noexcept;

}  // namespace sluice
