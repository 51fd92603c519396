// Opening a flow on the short way: a SYN of no session, whose short walk has arrived, gets its
// pair, is accepted and rewritten by itself. What is shared by workers, and what memory has to
// bring, is dealt with for all that open of a run together; the session is made when the lane's
// turn comes.
//
// Worker thread.
#pragma once

#include "dataplane/stage/express.h"

namespace sluice {

// Prepares the `i`-th found lane, whose walk is the one at `place`: makes found.openings[i]. False:
// the packet is not carried where the walk leads, and must go the long way; nothing was made.
bool PrepareOpening(const Snapshot& snapshot, const WorkerContext& worker, ExpressLanes& found,
                    uint32_t i, const ShortWalks& walks, uint32_t place) noexcept;

// Sets pairs aside for lanes `which` (bits by place among the found), which are prepared, if there
// is room enough for them and more; else they stay without. `leaving` as LookAhead has
// made it. Asks for the buckets of the answers' keys.
void ReserveOpenings(const WorkerContext& worker, ExpressLanes& found, LaneBits which,
                     const LeavingPairs& leaving) noexcept;

// Opens the flow of the `i`-th: forward, with every result column written. All lanes before it are
// done. False: no pair was set aside, or a key was taken; it has none any more and the flow must
// be admitted as on the long way. `changed` is set where a session may have left the table.
bool OpenOne(const Snapshot& snapshot, WorkerContext& worker, Batch& batch, ExpressLanes& found,
             uint32_t i, bool& changed) noexcept;

// Gives back what was set aside for lanes that went another way.
void GiveBackOpenings(const WorkerContext& worker, ExpressLanes& found) noexcept;

}  // namespace sluice
