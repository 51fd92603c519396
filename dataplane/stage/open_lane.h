// A lane that opens a flow, as the long way would have left it before its admission: every column
// that admission, its answers and the rewrite read. Worker thread.
#pragma once

#include "dataplane/stage/express.h"
#include "dataplane/stage/short_walk.h"

namespace sluice {

// Writes the columns of the `i`-th found lane, a SYN whose fresh walk has arrived and which is
// carried where that leads.
void FillOpening(const Snapshot& snapshot, Batch& batch, const ExpressLanes& found, uint32_t i,
                 const ShortWalk& walk) noexcept;

}  // namespace sluice
