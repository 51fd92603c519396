// Short walks through a NAT gateway. Worker thread.
#pragma once

#include "dataplane/stage/short_walk.h"

namespace sluice {

// Open walks that have reached a NAT gateway are translated and led through their second leg, its
// ACLs too. Those that are not translated, or reach another gateway, are closed.
void PassNatGateways(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept;

}  // namespace sluice
