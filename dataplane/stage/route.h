// Route: where a packet goes from where it is now. Pure: the answer is written down and applied
// later, after the firewalls of the origin were asked (AWS order), because a destination group is
// known only after routing.
//
// Worker thread. Reads: origin, walk_dst, traits, legs, pair_flags, initiator, target (layer-2
// direct lanes). Writes: target, target_subnet, route_verdict, walk_flags; from the internet also
// walk_dst and walk_quoted_src.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Whether `interface` of a VPC has the address. An ENI's addresses are all of its subnet
// (validation sees to it), so of most packets that a route leads to an appliance no table is asked.
bool Owns(const Snapshot& snapshot, uint32_t interface, uint32_t address) noexcept;

// Puts a lane at the start of its walk, at its sender.
inline void StartWalk(Batch& batch, uint32_t lane) noexcept {
  DropLane(batch, lane, DropReason::kUndecided);
  batch.origin[lane] = batch.sender[lane];
  batch.walk_src[lane] = batch.src[lane];
  batch.walk_dst[lane] = batch.dst[lane];
  batch.walk_l4_src[lane] = batch.l4_src[lane];
  batch.walk_l4_dst[lane] = batch.l4_dst[lane];
  const bool quotes = (batch.traits[lane] & kTraitIcmpError) != 0;
  batch.walk_quoted_src[lane] = quotes ? batch.quoted_src[lane] : 0;
  batch.walk_quoted_dst[lane] = quotes ? batch.quoted_dst[lane] : 0;
  batch.walk_quoted_l4_src[lane] = quotes ? batch.quoted_l4_src[lane] : 0;
  batch.walk_quoted_l4_dst[lane] = quotes ? batch.quoted_l4_dst[lane] : 0;
  batch.ttl_spent[lane] = 0;
  batch.legs[lane] = 0;
  batch.hairpins[lane] = 0;
  batch.walk_flags[lane] = 0;
  batch.first_eni[lane] = InterfaceIdx::None();
  batch.last_eni[lane] = InterfaceIdx::None();
  batch.nat[lane] = NatGatewayIdx::None();
  batch.nat_private[lane] = 0;
  batch.nat_public[lane] = 0;
}

void RouteStage(const Snapshot& snapshot, Batch& batch, const LaneList& lanes) noexcept;

// Drops lanes whose route leads nowhere, once the origin's firewalls have let them go. An address
// without owner is judged by the ACL of its subnet first: those lanes stay until DropUnowned.
void RouteVerdictStage(Batch& batch, LaneList& lanes) noexcept;
void DropUnowned(Batch& batch, LaneList& lanes) noexcept;

}  // namespace sluice
