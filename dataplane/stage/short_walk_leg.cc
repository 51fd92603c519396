#include "dataplane/stage/short_walk_leg.h"

#include "dataplane/stage/route.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/table/fib.h"

namespace sluice {
namespace {

// Whether all walks of `which`, which is not empty, ask the same.
bool AskTheSame(const ShortWalks& walks, LaneBits which, const ShortWalks::Words& vpc,
                const ShortWalks::Words& address) noexcept {
  const auto first = static_cast<uint32_t>(std::countr_zero(which));
  const LaneBits same = WhereTrue(walks, [&](uint32_t at) {
    return And(Equal(EightOf(vpc, at), All(vpc[first])),
               Equal(EightOf(address, at), All(address[first])));
  });
  return (which & ~same) == 0;
}

void AskRoutes(const Snapshot& snapshot, LaneBits which, const ShortWalks& walks,
               ShortWalks::Words& next_hop) noexcept {
  ShortWalks::Words fib, address, answer;
  AskFor(
      which,
      [&](uint32_t first, uint32_t count) {
        snapshot.fibs->LookupBatch(&walks.from.fib[first], &walks.dst[first], &next_hop[first],
                                   count);
      },
      [&](uint32_t place, uint32_t i) {
        fib[i] = walks.from.fib[place];
        address[i] = walks.dst[place];
      },
      [&](uint32_t count) {
        snapshot.fibs->LookupBatch(fib.data(), address.data(), answer.data(), count);
      },
      [&](uint32_t i, uint32_t place) { next_hop[place] = answer[i]; });
}

// What the rows of eight next hops say.
struct NextHops {
  __m256i kind;
  __m256i index;
};
NextHops ReadNextHops(const Snapshot& snapshot, __m256i next_hops) noexcept {
  alignas(32) uint32_t number[kEight];
  Store(number, Within(next_hops, snapshot.next_hops.size()));
  const NextHopRow* rows = snapshot.next_hops.data();
  return {LoadWords([&](int i) { return static_cast<uint32_t>(rows[number[i]].kind); }),
          LoadWords([&](int i) { return rows[number[i]].index; })};
}

// Bit i: the address of walk i is in the subnet of its target, of those of `which`.
LaneBits InSubnetOfTarget(const Snapshot& snapshot, const ShortWalks& walks,
                          LaneBits which) noexcept {
  const SubnetRow* rows = snapshot.subnets.data();
  return which & WhereTrue(walks, [&](uint32_t at) {
           const __m256i subnet = EightOf(walks.to.subnet, at);
           const __m256i asks = Without(Places(which, at), Equal(subnet, All(~0u)));
           if (MaskOf(asks) == 0) {
             return asks;
           }
           alignas(32) uint32_t number[kEight];
           Store(number, Within(subnet, snapshot.subnets.size()));
           const __m256i mask = LoadWords([&](int i) { return rows[number[i]].mask; });
           const __m256i network = LoadWords([&](int i) { return rows[number[i]].network.value; });
           return And(asks, Equal(And(EightOf(walks.dst, at), mask), network));
         });
}

// What route answers lead to, by kind.
struct Led {
  LaneBits local = 0;
  LaneBits interface = 0;
  LaneBits on = 0;  // one of the kinds that are carried
};

Led Lead(const Snapshot& snapshot, ShortWalks& walks, LaneBits which,
         const ShortWalks::Words& next_hop) noexcept {
  Led led;
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i answer = EightOf(next_hop, at);
    const NextHops hops = ReadNextHops(snapshot, answer);
    const auto is = [&](NextHopKind kind) {
      return Equal(hops.kind, All(static_cast<uint32_t>(kind)));
    };
    const __m256i asked = Without(Places(which, at), Equal(answer, All(kFibMiss)));
    const __m256i internet = is(NextHopKind::kInternet);
    const __m256i gateway = is(NextHopKind::kNatGateway);
    const __m256i local = is(NextHopKind::kLocal);
    const __m256i interface = is(NextHopKind::kInterface);
    const __m256i on = And(asked, Or(Or(internet, gateway), Or(local, interface)));
    SetEightWhere(walks.target, at, on, Select(internet, All(snapshot.internet.value), hops.index));
    const __m256i flags = Or(Bits(gateway, kWalkToNat), Bits(local, kWalkPeer));
    SetEight(walks.flags, at, Or(EightOf(walks.flags, at), And(on, flags)));
    led.local |= MaskOf(And(on, local)) << at;
    led.interface |= MaskOf(And(on, interface)) << at;
    led.on |= MaskOf(on) << at;
  }
  return led;
}

// Local routes: to who has the address.
LaneBits LeadLocal(const Snapshot& snapshot, ShortWalks& walks, LaneBits local,
                   LaneBits owners) noexcept {
  if (local == 0) {
    return 0;
  }
  AskAddresses(*snapshot.addresses, local & ~owners, walks, walks.from.vpc, walks.dst,
               walks.dst_owner);
  LaneBits owned = 0;
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i owner = EightOf(walks.dst_owner, at);
    constexpr uint32_t kLast = kMaxInterfaces - 1;  // IsInterfaceAddress
    const __m256i is_interface = Equal(_mm256_max_epu32(owner, All(kLast)), All(kLast));
    const __m256i here = And(Places(local, at), is_interface);
    SetEightWhere(walks.target, at, here, owner);
    owned |= MaskOf(here) << at;
  }
  return owned;
}

// Sets `to`, and closes walks to what forces tracking.
void ReachTargets(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  const LaneBits forced = WhereTrue(walks, [&](uint32_t at) {
    ReadSide(snapshot, EightOf(walks.target, at), at, walks.to);
    return HasAny(EightOf(walks.to.flags, at), kInterfaceForceTrack);
  });
  walks.open &= ~forced;
}

}  // namespace

void AskAddresses(const AddressMap& map, LaneBits which, const ShortWalks& walks,
                  const ShortWalks::Words& vpc, const ShortWalks::Words& address,
                  ShortWalks::Words& answer) noexcept {
  if (which != 0 && AskTheSame(walks, which, vpc, address)) {
    const auto first = static_cast<uint32_t>(std::countr_zero(which));
    const __m256i value = All(map.Lookup(vpc[first], address[first]));
    for (uint32_t at = 0; at < walks.count; at += kEight) {
      SetEightWhere(answer, at, Places(which, at), value);
    }
    return;
  }
  ShortWalks::Words packed_vpc, packed_address, packed_answer;
  AskFor(
      which,
      [&](uint32_t first, uint32_t count) {
        map.LookupBatch(&vpc[first], &address[first], &answer[first], count);
      },
      [&](uint32_t place, uint32_t i) {
        packed_vpc[i] = vpc[place];
        packed_address[i] = address[place];
      },
      [&](uint32_t count) {
        map.LookupBatch(packed_vpc.data(), packed_address.data(), packed_answer.data(), count);
      },
      [&](uint32_t i, uint32_t place) { answer[place] = packed_answer[i]; });
}

void Route(const Snapshot& snapshot, ShortWalks& walks, LaneBits which, LaneBits owners) noexcept {
  which &= walks.open;
  ShortWalks::Words next_hop;
  AskRoutes(snapshot, which, walks, next_hop);
  const Led led = Lead(snapshot, walks, which, next_hop);
  const LaneBits owned = LeadLocal(snapshot, walks, led.local, owners);
  walks.open &= ~which | (led.on & ~led.local) | owned;
  ReachTargets(snapshot, walks);
  // Of packets to an appliance few are for its own address.
  ForBits(InSubnetOfTarget(snapshot, walks, led.interface), [&](uint32_t place) {
    walks.flags[place] |= Owns(snapshot, walks.target[place], walks.dst[place]) ? kWalkPeer : 0;
  });
}

}  // namespace sluice
