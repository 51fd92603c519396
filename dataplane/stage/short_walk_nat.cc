#include "dataplane/stage/short_walk_nat.h"

#include "dataplane/stage/nat_mapping.h"
#include "dataplane/stage/short_walk_firewall.h"
#include "dataplane/stage/short_walk_leg.h"
#include "dataplane/stage/short_walk_steps.h"

namespace sluice {
namespace {

LaneBits AtNatGateways(const ShortWalks& walks) noexcept {
  return walks.open & WhereTrue(walks, [&](uint32_t at) {
           return IsKind(walks.to, at, InterfaceRowKind::kNatGateway);
         });
}

// A new flow, which gets its mapping when it is admitted.
bool TranslateFresh(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks,
                    uint32_t place) noexcept {
  if ((walks.flags[place] & kWalkToNat) == 0) {
    return false;
  }
  const NatGatewayIdx gateway(walks.to.nat[place]);
  const NatGatewayRow& row = snapshot.nat_gateways[gateway.index()];
  const uint32_t choice = PairedAddress(row, gateway, walks.src[place], seed);
  walks.gateway_choice[place] = choice;
  walks.src[place] = row.addresses[choice].private_ip.value;
  return true;
}

// Whether gateways have the addresses by which the sessions of `outward` were translated. Most of
// neighbouring places ask the same.
LaneBits HaveAddresses(const Snapshot& snapshot, const ShortWalks& walks,
                       LaneBits outward) noexcept {
  LaneBits have = 0;
  while (outward != 0) {
    const auto first = static_cast<uint32_t>(std::countr_zero(outward));
    const uint32_t gateway = walks.to.nat[first];
    const uint32_t address = walks.gateway_address[first];
    const LaneBits same = outward & WhereTrue(walks, [&](uint32_t at) {
                            return And(Equal(EightOf(walks.to.nat, at), All(gateway)),
                                       Equal(EightOf(walks.gateway_address, at), All(address)));
                          });
    have |= HasAddress(snapshot.nat_gateways[gateway], address) ? same : 0;
    outward &= ~same;
  }
  return have;
}

// Through gateways by the mappings that the sessions have; returns those that pass.
LaneBits TranslateKnown(const Snapshot& snapshot, ShortWalks& walks, LaneBits which) noexcept {
  LaneBits outward = 0;
  LaneBits inward = 0;
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i out = HasAny(EightOf(walks.flags, at), kWalkToNat);
    const __m256i own =
        And(Places(which, at), Equal(EightOf(walks.memory_gateway, at), EightOf(walks.to.nat, at)));
    const __m256i fits = And(own, Equal(out, Places(walks.forward, at)));
    const __m256i meant = Equal(EightOf(walks.dst, at), EightOf(walks.gateway_address, at));
    outward |= MaskOf(And(fits, out)) << at;
    inward |= MaskOf(Without(And(fits, meant), out)) << at;
  }
  outward = HaveAddresses(snapshot, walks, outward);
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i out = Places(outward, at);
    const __m256i in = Places(inward, at);
    SetEightWhere(walks.src, at, out, EightOf(walks.gateway_address, at));
    SetEightWhere(walks.dst, at, in, EightOf(walks.answer_src, at));
    SetEightHalves(
        walks.src_l4_port, at,
        Select(out, EightOf(walks.gateway_l4_port, at), EightHalves(walks.src_l4_port, at)));
    SetEightHalves(walks.dst_l4_port, at,
                   Select(in, _mm256_srli_epi32(EightOf(walks.answer_ports, at), 16),
                          EightHalves(walks.dst_l4_port, at)));
  }
  return outward | inward;
}

// The next leg of `which` begins at the gateway.
void GoOn(ShortWalks& walks, LaneBits which) noexcept {
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i goes = Places(which, at);
    const __m256i flags = Bits(EightOf(walks.flags, at), ~uint32_t{kWalkToNat | kWalkPeer});
    // AWS-SG-11, in either direction
    SetEightWhere(walks.flags, at, goes, Or(flags, All(kWalkForceTrack)));
    SetEightWhere(walks.gateway, at, goes, EightOf(walks.to.nat, at));
    SetEightWhere(walks.origin, at, goes, EightOf(walks.target, at));
    SetEightWhere(walks.from.kind, at, goes, EightOf(walks.to.kind, at));
    SetEightWhere(walks.from.vpc, at, goes, EightOf(walks.to.vpc, at));
    SetEightWhere(walks.from.subnet, at, goes, EightOf(walks.to.subnet, at));
    SetEightWhere(walks.from.fib, at, goes, EightOf(walks.to.fib, at));
    SetEightWhere(walks.from.group_set, at, goes, EightOf(walks.to.group_set, at));
  }
}

}  // namespace

void PassNatGateways(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept {
  const LaneBits which = AtNatGateways(walks);
  if (which == 0) {
    return;
  }
  LaneBits pass = TranslateKnown(snapshot, walks, which & ~walks.fresh);
  ForBits(which & walks.fresh, [&](uint32_t place) {
    pass |= TranslateFresh(snapshot, seed, walks, place) ? BitOf(place) : 0;
  });
  walks.open &= ~which | pass;
  GoOn(walks, pass);
  Route(snapshot, walks, pass, 0);
  PassAcls(snapshot, walks, pass);
  walks.open &= ~AtNatGateways(walks);  // one NAT gateway a walk (decision 12)
}

}  // namespace sluice
