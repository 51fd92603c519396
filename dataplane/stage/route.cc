#include "dataplane/stage/route.h"

#include "dataplane/stage/lane_ops.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/fib.h"

namespace sluice {
namespace {

void SetTarget(const Snapshot& snapshot, Batch& batch, uint32_t lane, InterfaceIdx target) {
  batch.target[lane] = target;
  batch.target_subnet[lane] = snapshot.interfaces[target.index()].subnet;
}

void SetNowhere(Batch& batch, uint32_t lane, DropReason verdict) {
  batch.target[lane] = InterfaceIdx::None();
  batch.target_subnet[lane] = SubnetIdx::None();
  batch.route_verdict[lane] = verdict;
}

// No route or a blackhole counts as outside the subnet, unless the address lies in the origin's
// own.
void SetUnrouted(const Snapshot& snapshot, Batch& batch, uint32_t lane, DropReason verdict) {
  SetNowhere(batch, lane, verdict);
  const SubnetIdx own = snapshot.interfaces[batch.origin[lane].index()].subnet;
  if (own.has_value() &&
      snapshot.subnets[own.index()].Contains(Ipv4Address(batch.walk_dst[lane]))) {
    batch.target_subnet[lane] = own;
  }
}

// The owner of the address in `vpc`; without one, the subnet it lies in still asks its ACL.
void ResolveAddress(const Snapshot& snapshot, Batch& batch, uint32_t lane, VpcIdx vpc,
                    DropReason outside) {
  const uint32_t dst = batch.walk_dst[lane];
  const uint32_t owner = snapshot.addresses->Lookup(vpc.value, dst);
  if (IsInterfaceAddress(owner)) {
    SetTarget(snapshot, batch, lane, InterfaceIdx(owner));
    batch.walk_flags[lane] |= kWalkPeer;
    return;
  }
  const uint32_t place = snapshot.fibs->Lookup(FibIdx(snapshot.vpcs[vpc.index()].places_fib), dst);
  if (place == kFibMiss) {
    SetUnrouted(snapshot, batch, lane, outside);
    return;
  }
  SetNowhere(batch, lane, DropReason::kUnknownDestination);
  if (place != kPlaceWithoutSubnet) {
    batch.target_subnet[lane] = SubnetIdx(place);
  }
}

// A peering carries only what its own VPC sends, not what an appliance passes on (AWS-PEER-01).
bool ComesFromOwnVpc(const Snapshot& snapshot, const Batch& batch, uint32_t lane) {
  const VpcIdx vpc = snapshot.interfaces[batch.origin[lane].index()].vpc;
  const FibIdx places(snapshot.vpcs[vpc.index()].places_fib);
  return snapshot.fibs->Lookup(places, batch.walk_src[lane]) != kFibMiss;
}

void ApplyNextHop(const Snapshot& snapshot, Batch& batch, uint32_t lane, uint32_t next_hop) {
  if (next_hop == kFibMiss) {
    SetUnrouted(snapshot, batch, lane, DropReason::kNoRoute);
    return;
  }
  const NextHopRow& row = snapshot.next_hops[next_hop];
  switch (row.kind) {
    case NextHopKind::kLocal:
      ResolveAddress(snapshot, batch, lane, snapshot.interfaces[batch.origin[lane].index()].vpc,
                     DropReason::kUnknownDestination);
      return;
    case NextHopKind::kPeering:
      if (!ComesFromOwnVpc(snapshot, batch, lane)) {
        SetUnrouted(snapshot, batch, lane, DropReason::kPeeringNotTransitive);
        return;
      }
      ResolveAddress(snapshot, batch, lane, VpcIdx(row.index), DropReason::kPeeringNotTransitive);
      return;
    case NextHopKind::kInterface:
      SetTarget(snapshot, batch, lane, InterfaceIdx(row.index));
      if (Owns(snapshot, row.index, batch.walk_dst[lane])) {
        batch.walk_flags[lane] |= kWalkPeer;
      }
      return;
    case NextHopKind::kNatGateway:
      SetTarget(snapshot, batch, lane, InterfaceIdx(row.index));
      batch.walk_flags[lane] |= kWalkToNat;
      return;
    case NextHopKind::kInternet:
      SetTarget(snapshot, batch, lane, snapshot.internet);
      return;
    case NextHopKind::kServices:
      SetTarget(snapshot, batch, lane, InterfaceIdx(row.index));
      return;
    case NextHopKind::kUnavailable:
      SetUnrouted(snapshot, batch, lane, DropReason::kEndpointUnavailable);
      return;
    case NextHopKind::kBlackhole:
      break;
  }
  SetUnrouted(snapshot, batch, lane, DropReason::kBlackholeRoute);
}

// From the internet: the public address becomes the private one before any rule is asked (D-ORDER,
// AWS-IGW-05), then the gateway route table may send the packet through an appliance (AWS-RT-11).
void RouteFromInternet(const Snapshot& snapshot, Batch& batch, uint32_t lane) {
  batch.walk_flags[lane] |= kWalkGateway;
  const uint32_t idx = snapshot.public_map->Lookup(0, batch.walk_dst[lane]);
  if (idx == kNoAddress) {
    SetNowhere(batch, lane, DropReason::kIgwUnknownPublicIp);
    return;
  }
  const PublicAddressRow& row = snapshot.public_addresses[idx];
  if (batch.walk_quoted_src[lane] == row.public_ip.value) {
    batch.walk_quoted_src[lane] = row.private_ip.value;
  }
  batch.walk_dst[lane] = row.private_ip.value;
  SetTarget(snapshot, batch, lane, row.interface);
  batch.walk_flags[lane] |= kWalkPeer;
  const uint32_t gateway_fib = snapshot.vpcs[row.vpc.index()].gateway_fib;
  if (gateway_fib == kNoTable) {
    return;
  }
  const uint32_t next_hop = snapshot.fibs->Lookup(FibIdx(gateway_fib), row.private_ip.value);
  if (next_hop == kFibMiss || snapshot.next_hops[next_hop].kind == NextHopKind::kLocal) {
    return;
  }
  batch.walk_flags[lane] &= static_cast<uint8_t>(~kWalkPeer);
  ApplyNextHop(snapshot, batch, lane, next_hop);
}

// A provider only answers: the session that asked says whose address it is (interface.md,
// Services).
void RouteFromServices(const Snapshot& snapshot, Batch& batch, uint32_t lane) {
  const InterfaceIdx asker = batch.initiator[lane];
  const bool answer =
      (batch.pair_flags[lane] & (kPairForward | kPairTrackedResponder)) == kPairTrackedResponder &&
      asker.has_value();
  if (!answer) {
    SetNowhere(batch, lane, DropReason::kEndpointUnavailable);
    return;
  }
  ResolveAddress(snapshot, batch, lane, snapshot.interfaces[asker.index()].vpc,
                 DropReason::kUnknownDestination);
}

// A layer-2 direct packet has its target from the interface stage; who owns the address decides
// about groups only.
void RouteDirect(const Snapshot& snapshot, Batch& batch, uint32_t lane) {
  const InterfaceIdx target = batch.target[lane];
  const InterfaceRow& row = snapshot.interfaces[target.index()];
  batch.target_subnet[lane] = row.subnet;
  if (snapshot.addresses->Lookup(row.vpc.value, batch.walk_dst[lane]) == target.value) {
    batch.walk_flags[lane] |= kWalkPeer;
  }
}

}  // namespace

bool Owns(const Snapshot& snapshot, uint32_t interface, uint32_t address) noexcept {
  const InterfaceRow& row = snapshot.interfaces[interface];
  return row.subnet.has_value() &&
         snapshot.subnets[row.subnet.index()].Contains(Ipv4Address(address)) &&
         snapshot.addresses->Lookup(row.vpc.value, address) == interface;
}

void RouteStage(const Snapshot& snapshot, Batch& batch, const LaneList& lanes) noexcept {
  LaneList by_table;
  uint32_t fib[kMaxBatch];
  uint32_t destination[kMaxBatch];
  for (const uint8_t lane : lanes) {
    batch.route_verdict[lane] = DropReason::kNone;
    batch.walk_flags[lane] &= static_cast<uint8_t>(~(kWalkToNat | kWalkPeer));
    const InterfaceRow& origin = snapshot.interfaces[batch.origin[lane].index()];
    if (origin.kind == InterfaceRowKind::kInternet) {
      RouteFromInternet(snapshot, batch, lane);
    } else if (origin.kind == InterfaceRowKind::kServices) {
      RouteFromServices(snapshot, batch, lane);
    } else if ((batch.traits[lane] & kTraitL2Direct) != 0 && batch.legs[lane] == 0) {
      RouteDirect(snapshot, batch, lane);
    } else {
      fib[by_table.count] = origin.fib;
      destination[by_table.count] = batch.walk_dst[lane];
      by_table.Add(lane);
    }
  }
  if (by_table.count == 0) return;
  uint32_t next_hop[kMaxBatch];
  snapshot.fibs->LookupBatch(fib, destination, next_hop, by_table.count);
  for (uint32_t i = 0; i < by_table.count; ++i) {
    ApplyNextHop(snapshot, batch, by_table.lanes[i], next_hop[i]);
  }
}

void RouteVerdictStage(Batch& batch, LaneList& lanes) noexcept {
  Retain(lanes, [&](uint32_t lane) {
    const DropReason verdict = batch.route_verdict[lane];
    if (verdict != DropReason::kNone && verdict != DropReason::kUnknownDestination) {
      DropLane(batch, lane, verdict);
      return false;
    }
    return true;
  });
}

void DropUnowned(Batch& batch, LaneList& lanes) noexcept {
  Retain(lanes, [&](uint32_t lane) {
    if (batch.route_verdict[lane] == DropReason::kUnknownDestination) {
      DropLane(batch, lane, DropReason::kUnknownDestination);
      return false;
    }
    return true;
  });
}

}  // namespace sluice
