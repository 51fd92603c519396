// Settling a packet: what the short way does with one whose walk its line remembers, but whose
// connection's state is not that of the line alone: the first packets of a flow, its FINs, its last
// ACK. It is accepted and rewritten by itself; the peer's line and the cold record are read.
//
// Worker thread.
#pragma once

#include "dataplane/stage/express.h"

namespace sluice {

// Settles the `i`-th found lane, whose line PrepareTurns has confirmed: forward, with every result
// column written. False: nothing has happened, and it must go the long way. All lanes before it are
// done.
bool SettleOne(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
               const ExpressLanes& found, uint32_t i) noexcept;

}  // namespace sluice
