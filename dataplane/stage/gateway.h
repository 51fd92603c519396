// The internet gateway: 1:1 translation between private and public addresses (AWS-IGW-02..05). A
// packet on its way out gets the public address of its source; one whose destination is a public
// address of this host comes straight back in (D-HAIRPIN): its next leg starts at the internet
// side. The way in is part of routing from the internet (route.h).
//
// Worker thread. Reads: target, origin, walk_src, walk_dst. Writes: walk_src, walk_quoted_dst,
// walk_flags, hairpins; for hairpins also origin and legs. Drops with igw_no_public_ip, and with
// blackhole_route at a second hairpin.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// `lanes` have the internet side as target. Those that stay in `lanes` leave by the uplink;
// hairpins go to `again`.
void GatewayStage(const Snapshot& snapshot, Batch& batch, LaneList& lanes,
                  LaneList& again) noexcept;

}  // namespace sluice
