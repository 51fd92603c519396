#include "dataplane/stage/short_walk.h"

#include "dataplane/stage/interface.h"
#include "dataplane/stage/nat_mapping.h"
#include "dataplane/stage/parse.h"
#include "dataplane/stage/rewrite.h"
#include "dataplane/stage/route.h"
#include "dataplane/stage/short_walk_firewall.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/fib.h"

namespace sluice {
namespace {

constexpr uint32_t kMost = kFindBatch;

// Questions to an address map, answered in the order they were put.
struct AddressQuestions {
  uint32_t vpc[2 * kMost];
  uint32_t address[2 * kMost];
  uint32_t answer[2 * kMost];
  uint32_t count = 0;
  uint32_t taken = 0;

  void Put(uint32_t in_vpc, uint32_t asked) noexcept {
    vpc[count] = in_vpc;
    address[count++] = asked;
  }
  void Answer(const AddressMap& map) noexcept { map.LookupBatch(vpc, address, answer, count); }
  uint32_t Take() noexcept { return answer[taken++]; }
};

// --- the sender ---

bool EnterFromEni(const Snapshot& snapshot, ShortWalk& walk) noexcept {
  const InterfaceRow& row = RowOf(snapshot, walk.sender);
  return (row.flags & kInterfaceForceTrack) == 0 &&
         JudgeAddresses(row, walk.sender, walk.src, walk.dst, walk.src_owner, walk.dst_owner) ==
             DropReason::kNone;
}

bool EnterFromInternet(const Snapshot& snapshot, ShortWalk& walk, uint32_t published) noexcept {
  if (published == kNoAddress || IsMartian(walk.src, walk.dst)) {
    return false;
  }
  const PublicAddressRow& row = snapshot.public_addresses[published];
  walk.dst = row.private_ip.value;
  walk.target = row.interface;
  walk.flags |= kWalkPeer | kWalkGateway;
  return (RowOf(snapshot, walk.target).flags & kInterfaceForceTrack) == 0 &&
         snapshot.vpcs[row.vpc.index()].gateway_fib == kNoTable;
}

// Splits walks by where they begin and checks what is asked there.
struct ByOrigin {
  uint32_t eni = 0;
  uint32_t internet = 0;
};
ByOrigin Enter(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  AddressQuestions owners, published;
  ByOrigin by;
  for (uint32_t i = 0; i < walks.count; ++i) {
    const ShortWalk& walk = walks.walk[i];
    const InterfaceRow& row = RowOf(snapshot, walk.sender);
    if (row.kind == InterfaceRowKind::kEni) {
      owners.Put(row.vpc.value, walk.dst);
      if (walk.src != row.primary.value) {
        owners.Put(row.vpc.value, walk.src);
      }
      by.eni |= 1u << i;
    } else if (row.kind == InterfaceRowKind::kInternet) {
      published.Put(0, walk.dst);
      by.internet |= 1u << i;
    }
  }
  owners.Answer(*snapshot.addresses);
  published.Answer(*snapshot.public_map);
  walks.open = by.eni | by.internet;
  by.eni = ForEach(walks, by.eni, [&](ShortWalk& walk) {
    // Nearly all send from their primary address, and nobody else has that.
    const bool primary = walk.src == RowOf(snapshot, walk.sender).primary.value;
    walk.dst_owner = owners.Take();
    walk.src_owner = primary ? walk.sender.value : owners.Take();
    return EnterFromEni(snapshot, walk);
  });
  by.internet = ForEach(walks, by.internet, [&](ShortWalk& walk) {
    return EnterFromInternet(snapshot, walk, published.Take());
  });
  return by;
}

// --- routes ---

// `owner`: tells who has the address, for a local route.
template <typename Owner>
bool Lead(const Snapshot& snapshot, ShortWalk& walk, uint32_t next_hop, Owner owner) noexcept {
  if (next_hop == kFibMiss) {
    return false;
  }
  const NextHopRow& row = snapshot.next_hops[next_hop];
  switch (row.kind) {
    case NextHopKind::kLocal: {
      const uint32_t target = owner(walk);
      walk.target = InterfaceIdx(target);
      walk.flags |= kWalkPeer;
      return IsInterfaceAddress(target);
    }
    case NextHopKind::kInterface:
      walk.target = InterfaceIdx(row.index);
      walk.flags |= Owns(snapshot, row.index, walk.dst) ? kWalkPeer : 0;
      return true;
    case NextHopKind::kNatGateway:
      walk.target = InterfaceIdx(row.index);
      walk.flags |= kWalkToNat;
      return true;
    case NextHopKind::kInternet:
      walk.target = snapshot.internet;
      return true;
    default:
      return false;
  }
}

// Those of `which`, which stand at an interface with a route table, to their next target.
template <typename Owner>
uint32_t Route(const Snapshot& snapshot, ShortWalks& walks, uint32_t which, Owner owner) noexcept {
  uint32_t fib[kMost], destination[kMost], next_hop[kMost];
  uint32_t count = 0;
  ForEach(walks, which, [&](const ShortWalk& walk) {
    fib[count] = RowOf(snapshot, walk.origin).fib;
    destination[count++] = walk.dst;
    return true;
  });
  snapshot.fibs->LookupBatch(fib, destination, next_hop, count);
  uint32_t taken = 0;
  return ForEach(walks, which, [&](ShortWalk& walk) {
    return Lead(snapshot, walk, next_hop[taken++], owner) &&
           (RowOf(snapshot, walk.target).flags & kInterfaceForceTrack) == 0;
  });
}

// --- NAT gateways ---

uint32_t AtNatGateways(const Snapshot& snapshot, const ShortWalks& walks) noexcept {
  uint32_t at = 0;
  ForBits(walks.open, [&](uint32_t place) {
    const InterfaceRow& row = RowOf(snapshot, walks.walk[place].target);
    at |= row.kind == InterfaceRowKind::kNatGateway ? 1u << place : 0;
  });
  return at;
}

void GoOn(ShortWalk& walk, NatGatewayIdx gateway) noexcept {
  walk.flags &= static_cast<uint8_t>(~(kWalkToNat | kWalkPeer));
  walk.flags |= kWalkForceTrack;  // AWS-SG-11, in either direction
  walk.gateway = gateway;
  walk.origin = walk.target;
}

// A new flow, which gets its mapping when it is admitted.
bool TranslateFresh(const Snapshot& snapshot, uint64_t seed, ShortWalk& walk) noexcept {
  if ((walk.flags & kWalkToNat) == 0) {
    return false;
  }
  const NatGatewayIdx gateway = RowOf(snapshot, walk.target).nat;
  const NatGatewayRow& row = snapshot.nat_gateways[gateway.index()];
  walk.gateway_choice = PairedAddress(row, gateway, walk.src, seed);
  walk.src = row.addresses[walk.gateway_choice].private_ip.value;
  GoOn(walk, gateway);
  return true;
}

// Through the gateway by the mapping that the session has.
bool TranslateKnown(const Snapshot& snapshot, ShortWalk& walk) noexcept {
  const NatGatewayIdx gateway = RowOf(snapshot, walk.target).nat;
  const FlowMemory& memory = walk.memory;
  const bool outward = (walk.flags & kWalkToNat) != 0;
  if (memory.gateway != gateway || outward != memory.forward) {
    return false;
  }
  if (outward) {
    if (!HasAddress(snapshot.nat_gateways[gateway.index()], memory.gateway_address)) {
      return false;
    }
    walk.src = memory.gateway_address;
    walk.src_l4_port = memory.gateway_l4_port;
  } else {
    if (walk.dst != memory.gateway_address) {
      return false;
    }
    walk.dst = memory.answer.src();
    walk.dst_l4_port = memory.answer.src_l4_port();
  }
  GoOn(walk, gateway);
  return true;
}

void PassNatGateways(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept {
  uint32_t which = AtNatGateways(snapshot, walks);
  if (which == 0) {
    return;
  }
  const uint32_t fresh = ForEach(walks, which & walks.fresh, [&](ShortWalk& walk) {
    return TranslateFresh(snapshot, seed, walk);
  });
  const uint32_t known = ForEach(walks, which & ~walks.fresh,
                                 [&](ShortWalk& walk) { return TranslateKnown(snapshot, walk); });
  which = Route(snapshot, walks, fresh | known, [&](const ShortWalk& walk) {
    return snapshot.addresses->Lookup(RowOf(snapshot, walk.origin).vpc.value, walk.dst);
  });
  PassAcls(snapshot, walks, which);
  walks.open &= ~AtNatGateways(snapshot, walks);  // one NAT gateway a walk (decision 12)
}

// --- the receiver ---

// As the internet gateway translates the source; not back into a VPC of this host, and not with the
// address of a NAT gateway that did not translate it (docs/semantics_choices.md).
bool LeaveToInternet(const Snapshot& snapshot, ShortWalk& walk, uint32_t public_ip,
                     uint32_t published) noexcept {
  const bool borrowed = !walk.gateway.has_value() && IsInterfaceAddress(walk.src_owner) &&
                        walk.src_owner != walk.origin.value &&
                        snapshot.interfaces[walk.src_owner].kind == InterfaceRowKind::kNatGateway;
  if (public_ip == kNoAddress || published != kNoAddress || borrowed) {
    return false;
  }
  walk.src = public_ip;
  walk.flags |= kWalkGateway;
  return true;
}

void LeaveToInternet(const Snapshot& snapshot, ShortWalks& walks, uint32_t which) noexcept {
  AddressQuestions publics, published;
  ForEach(walks, which, [&](const ShortWalk& walk) {
    publics.Put(RowOf(snapshot, walk.origin).vpc.value, walk.src);
    published.Put(0, walk.dst);
    return true;
  });
  publics.Answer(*snapshot.public_of);
  published.Answer(*snapshot.public_map);
  ForEach(walks, which, [&](ShortWalk& walk) {
    return LeaveToInternet(snapshot, walk, publics.Take(), published.Take());
  });
}

// Of a known flow: whether groups need not be asked at its ends.
bool SenderRemembers(const Snapshot& snapshot, const ShortWalk& walk) noexcept {
  return !HasGroups(RowOf(snapshot, walk.sender)) || walk.memory.tracked_at_sender == walk.sender;
}
bool ReceiverRemembers(const Snapshot& snapshot, const ShortWalk& walk) noexcept {
  return !HasGroups(RowOf(snapshot, walk.target)) || walk.memory.tracked_at_receiver == walk.target;
}

bool ArriveAtEni(const Snapshot& snapshot, const ShortWalk& walk) noexcept {
  const InterfaceRow& row = RowOf(snapshot, walk.target);
  return row.kind == InterfaceRowKind::kEni &&
         ((row.flags & kInterfaceSourceDestCheck) == 0 || (walk.flags & kWalkPeer) != 0);
}

// Whether the receiver would answer with the session's other key.
bool IsAnsweredAsKnown(const ShortWalk& walk) noexcept {
  const SessionKey seen = MakeSessionKey(walk.target.value, walk.src, walk.dst, walk.src_l4_port,
                                         walk.dst_l4_port, walk.protocol);
  return AnswerKey(seen, walk.target.value) == walk.memory.answer;
}

// Whether the new flow is more than a cached decision (decision 7). One that comes back to its own
// sender may be no flow at all.
bool WillBeCounted(const Snapshot& snapshot, const ShortWalk& walk) noexcept {
  const bool forced = (walk.flags & kWalkForceTrack) != 0;
  const bool first =
      (forced || (walk.flags & kWalkTrackedFirst) != 0) && HasGroups(RowOf(snapshot, walk.sender));
  const bool last =
      (forced || (walk.flags & kWalkTrackedLast) != 0) && HasGroups(RowOf(snapshot, walk.target));
  return (first || last || walk.gateway.has_value()) && walk.target != walk.sender;
}

void Arrive(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  uint32_t internet = 0;
  for (uint32_t i = 0; i < walks.count; ++i) {
    internet |= walks.walk[i].target == snapshot.internet ? 1u << i : 0;
  }
  LeaveToInternet(snapshot, walks, internet & walks.open);
  ForEach(walks, ~internet, [&](const ShortWalk& walk) { return ArriveAtEni(snapshot, walk); });
  PassIngressGroups(snapshot, walks);
  ForEach(walks, walks.fresh, [&](const ShortWalk& walk) { return WillBeCounted(snapshot, walk); });
  ForEach(walks, ~walks.fresh, [&](const ShortWalk& walk) {
    return ReceiverRemembers(snapshot, walk) && IsAnsweredAsKnown(walk) &&
           walk.gateway == walk.memory.gateway;
  });
}

}  // namespace

void AddShortWalk(const SessionKey& key, bool fresh, ShortWalks& walks) noexcept {
  walks.fresh |= (fresh ? 1u : 0u) << walks.count;
  ShortWalk& walk = walks.walk[walks.count++];
  walk.sender = walk.origin = InterfaceIdx(key.scope());
  walk.src = key.src();
  walk.dst = key.dst();
  walk.src_l4_port = key.src_l4_port();
  walk.dst_l4_port = key.dst_l4_port();
  walk.protocol = key.protocol();
  walk.flags = 0;
  walk.gateway = NatGatewayIdx::None();
}

void BeginShortWalks(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  const ByOrigin by = Enter(snapshot, walks);
  Route(snapshot, walks, by.eni, [](const ShortWalk& walk) { return walk.dst_owner; });
}

void EndShortWalks(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept {
  ForEach(walks, ~walks.fresh,
          [&](const ShortWalk& walk) { return SenderRemembers(snapshot, walk); });
  PassEgressGroups(snapshot, walks);
  PassAcls(snapshot, walks, ~0u);
  PassNatGateways(snapshot, seed, walks);
  Arrive(snapshot, walks);
}

WalkOutcome OutcomeOf(const ShortWalk& walk, const SessionKey& key) noexcept {
  const WalkDeltas deltas = DeltasOf({key.src(), key.dst(), key.src_l4_port(), key.dst_l4_port()},
                                     {walk.src, walk.dst, walk.src_l4_port, walk.dst_l4_port});
  return {walk.src,  walk.dst,  walk.src_l4_port, walk.dst_l4_port,
          deltas.l3, deltas.l4, NextHopOf(walk)};
}

}  // namespace sluice
