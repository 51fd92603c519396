// A key that the index still has although nothing remembers its session any more. A claim is a
// lookup, too: whether a key is taken does not depend on the sweep having come by (decision 3).
//
// Worker thread; another thread may take the pair out at the same time.
#pragma once

#include <cstdint>

#include "dataplane/session/session_table.h"

namespace sluice {

// Takes the key of `line`, just found by a claim, out of the index if its session has expired; of a
// reverse line, also if its NAT binding has. True: the key can be claimed again.
bool FreeExpiredKey(SessionTable& table, LineIdx line, uint32_t now_ms) noexcept;

}  // namespace sluice
