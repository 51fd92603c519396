// Settling up to eight packets at once: what settle_one.h does with each of them, for those whose
// connection goes its ordinary way. Packets that open flows may stand between them.
//
// Worker thread.
#pragma once

#include "dataplane/stage/express.h"

namespace sluice {

// Settles the `i`-th found lane and those of its group of eight behind it that can be settled ahead
// of their turn: neighbouring lanes of TCP, each of a session of its own, with nothing between them
// but lanes that open flows and have their room set aside (found.reserved). They forward, with
// every result column written, and have their bit in found.settled. All lanes before the `i`-th are
// done. False: nothing has happened, the `i`-th is not one of these. `changed` as in ExpressTake.
bool SettleGroup(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
                 uint32_t i, bool changed) noexcept;

}  // namespace sluice
