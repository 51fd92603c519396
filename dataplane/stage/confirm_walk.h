// Confirming a walk: after a change of policy the line of an established flow is stale, and mostly
// its packets go where they went before. Finding that out takes a short walk, not an admission: the
// line is stamped with what the walk says now, and the packet goes on by the short way.
//
// Worker thread.
#pragma once

#include "dataplane/stage/express.h"

namespace sluice {

// Of found lanes from the `from`-th on: walks those that only lack a walk of the present generation
// and stamps their lines. Sets their bits in found.walked. A lane that is not stamped must go the
// long way; so must one for which another thread is just stamping. `changed` as in ExpressTake.
void ConfirmWalks(const Snapshot& snapshot, WorkerContext& worker, ExpressLanes& found,
                  uint32_t from, bool changed) noexcept;

}  // namespace sluice
