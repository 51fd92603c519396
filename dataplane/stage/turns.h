// Turns: what the short way does beside established flows as they are, in turn, a packet at a time.
//
// A packet whose line is stale after a change of policy is walked by the short walk; its line is
// stamped with what the walk says now, and the packet goes on like any other. One that moves its
// connection's state, or whose line leaves that to the peer's, is settled: accepted and rewritten
// by itself (settle_one.h). A SYN of no session is walked by the short walk too, and opens its flow
// by itself (open_one.h).
//
// Worker thread.
#pragma once

#include "dataplane/stage/express.h"

namespace sluice {

// Once for what was found: of lanes from the `from`-th on, walks those with a stale line and stamps
// it (found.walked), and those that open a flow, which are prepared (found.opening); asks for the
// memory that the others will touch. Which of them need it does not depend on lanes before them;
// whether it is still true when their turn comes is asked then. Lanes that get no bit and cannot be
// settled go the long way. `changed` as in ExpressTake.
void PrepareTurns(const Snapshot& snapshot, WorkerContext& worker, ExpressLanes& found,
                  uint32_t from, bool changed) noexcept;

}  // namespace sluice
