// One leg of short walks: who has an address, and where a route leads. Worker thread.
#pragma once

#include "dataplane/stage/short_walk.h"

namespace sluice {

// answer[i] = the value of (vpc[i], address[i]) for the walks i of `which`; other places stay.
void AskAddresses(const AddressMap& map, LaneBits which, const ShortWalks& walks,
                  const ShortWalks::Words& vpc, const ShortWalks::Words& address,
                  ShortWalks::Words& answer) noexcept;

// Leads the open walks of `which`, which stand at interfaces with a route table, to their next
// target. `owners`: those whose destination's owner is in dst_owner already; of others it is asked
// where a local route wants it. Then sets `to` of all walks, and closes those whose target forces
// tracking.
void Route(const Snapshot& snapshot, ShortWalks& walks, LaneBits which, LaneBits owners) noexcept;

}  // namespace sluice
