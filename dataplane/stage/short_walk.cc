#include "dataplane/stage/short_walk.h"

#include "dataplane/stage/interface.h"
#include "dataplane/stage/rewrite.h"
#include "dataplane/stage/short_walk_firewall.h"
#include "dataplane/stage/short_walk_leg.h"
#include "dataplane/stage/short_walk_nat.h"
#include "dataplane/stage/short_walk_steps.h"

namespace sluice {
namespace {

constexpr ShortWalks::Words kNobodys = {};  // VPC 0, in which public addresses are looked up

// --- the sender ---

// IsMartian.
__m256i AreMartian(__m256i src, __m256i dst) noexcept {
  const __m256i s = _mm256_srli_epi32(src, 24);
  const __m256i d = _mm256_srli_epi32(dst, 24);
  const auto odd = [](__m256i net) { return Or(Equal(net, All(0)), Equal(net, All(127))); };
  return Or(Or(Or(odd(s), odd(d)), Equal(src, dst)),
            Or(_mm256_cmpgt_epi32(s, All(223)), _mm256_cmpgt_epi32(d, All(239))));
}

// JudgeAddresses, of eight packets from ENIs.
__m256i MaySend(const ShortWalks& walks, uint32_t at) noexcept {
  const __m256i dst = EightOf(walks.dst, at);
  const __m256i owner = EightOf(walks.dst_owner, at);
  const __m256i foreign = Without(HasAny(EightOf(walks.from.flags, at), kInterfaceSourceDestCheck),
                                  Equal(EightOf(walks.src_owner, at), EightOf(walks.sender, at)));
  const __m256i link_local = Or(Equal(_mm256_srli_epi32(dst, 16), All(kLinkLocalPrefix)),
                                Equal(owner, All(kAddressResolver)));
  const __m256i no = Or(Or(AreMartian(EightOf(walks.src, at), dst), foreign),
                        Or(link_local, Equal(owner, All(kAddressReserved))));
  return Without(Equal(HasAny(EightOf(walks.from.flags, at), kInterfaceForceTrack), All(0)), no);
}

// Asks who has the addresses of packets from ENIs, and closes those that may not be sent.
void EnterFromEnis(const Snapshot& snapshot, ShortWalks& walks, LaneBits enis) noexcept {
  if (enis == 0) {
    return;
  }
  AskAddresses(*snapshot.addresses, enis, walks, walks.from.vpc, walks.dst, walks.dst_owner);
  // Nearly all send from their primary address, and nobody else has that.
  LaneBits others = 0;
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i sender = EightOf(walks.sender, at);
    alignas(32) uint32_t number[kEight];
    Store(number, Within(sender, snapshot.interfaces.size()));
    const __m256i primary =
        LoadWords([&](int i) { return snapshot.interfaces[number[i]].primary.value; });
    others |= MaskOf(Without(Places(enis, at), Equal(EightOf(walks.src, at), primary))) << at;
    SetEightWhere(walks.src_owner, at, Places(enis, at), sender);
  }
  AskAddresses(*snapshot.addresses, others, walks, walks.from.vpc, walks.src, walks.src_owner);
  walks.open &= ~enis | WhereTrue(walks, [&](uint32_t at) { return MaySend(walks, at); });
}

bool EnterFromInternet(const Snapshot& snapshot, ShortWalks& walks, uint32_t place,
                       uint32_t published) noexcept {
  if (published == kNoAddress || IsMartian(walks.src[place], walks.dst[place])) {
    return false;
  }
  const PublicAddressRow& row = snapshot.public_addresses[published];
  walks.dst[place] = row.private_ip.value;
  walks.target[place] = row.interface.value;
  walks.flags[place] |= kWalkPeer | kWalkGateway;
  return snapshot.vpcs[row.vpc.index()].gateway_fib == kNoTable;
}

void EnterFromInternet(const Snapshot& snapshot, ShortWalks& walks, LaneBits internet) noexcept {
  ShortWalks::Words published;
  AskAddresses(*snapshot.public_map, internet, walks, kNobodys, walks.dst, published);
  ForBits(internet, [&](uint32_t place) {
    walks.open &=
        EnterFromInternet(snapshot, walks, place, published[place]) ? ~LaneBits{0} : ~BitOf(place);
  });
}

// Puts walks at their senders and checks what is asked there; returns those that begin at ENIs.
LaneBits Enter(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i sender = EightOf(walks.sender, at);
    SetEight(walks.origin, at, sender);
    SetEight(walks.target, at, sender);
    SetEight(walks.flags, at, All(0));
    SetEight(walks.gateway, at, All(NatGatewayIdx::kNoneValue));
    ReadSide(snapshot, sender, at, walks.from);
  }
  const auto of_kind = [&](InterfaceRowKind kind) {
    return WhereTrue(walks, [&](uint32_t at) { return IsKind(walks.from, at, kind); });
  };
  const LaneBits enis = of_kind(InterfaceRowKind::kEni);
  const LaneBits internet = of_kind(InterfaceRowKind::kInternet);
  walks.open = enis | internet;
  EnterFromEnis(snapshot, walks, enis);
  EnterFromInternet(snapshot, walks, internet);
  return enis;
}

// --- the receiver ---

// As the internet gateway translates the source; not back into a VPC of this host, and not with the
// address of a NAT gateway that did not translate it (docs/semantics_choices.md).
void LeaveToInternet(const Snapshot& snapshot, ShortWalks& walks, LaneBits which) noexcept {
  if (which == 0) {
    return;
  }
  ShortWalks::Words public_ip, published;
  AskAddresses(*snapshot.public_of, which, walks, walks.from.vpc, walks.src, public_ip);
  AskAddresses(*snapshot.public_map, which, walks, kNobodys, walks.dst, published);
  LaneBits leaves = 0;
  LaneBits direct = 0;
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i none = All(kNoAddress);
    const __m256i has =
        Without(Equal(EightOf(published, at), none), Equal(EightOf(public_ip, at), none));
    const __m256i goes = And(Places(which, at), has);
    SetEightWhere(walks.src, at, goes, EightOf(public_ip, at));
    SetEight(walks.flags, at, Or(EightOf(walks.flags, at), Bits(goes, kWalkGateway)));
    leaves |= MaskOf(goes) << at;
    direct |= MaskOf(Equal(EightOf(walks.gateway, at), All(NatGatewayIdx::kNoneValue))) << at;
  }
  ForBits(leaves & direct, [&](uint32_t place) {
    const uint32_t owner = walks.src_owner[place];
    const bool borrowed = IsInterfaceAddress(owner) && owner != walks.origin[place] &&
                          snapshot.interfaces[owner].kind == InterfaceRowKind::kNatGateway;
    leaves &= borrowed ? ~BitOf(place) : ~LaneBits{0};
  });
  walks.open &= ~which | leaves;
}

// HasGroups.
__m256i HaveGroups(const ShortWalks::Side& side, uint32_t at) noexcept {
  return Without(IsKind(side, at, InterfaceRowKind::kEni),
                 Equal(EightOf(side.group_set, at), All(kNoTable)));
}
// Of known flows: whether groups at this end remember them.
__m256i AreRemembered(const ShortWalks::Side& side, const ShortWalks::Words& interface,
                      const ShortWalks::Words& tracked_at, uint32_t at) noexcept {
  const __m256i tracked = Equal(EightOf(interface, at), EightOf(tracked_at, at));
  return Without(All(~0u), Without(HaveGroups(side, at), tracked));
}

__m256i ArriveAtEnis(const ShortWalks& walks, uint32_t at) noexcept {
  const __m256i checks = HasAny(EightOf(walks.to.flags, at), kInterfaceSourceDestCheck);
  const __m256i peer = HasAny(EightOf(walks.flags, at), kWalkPeer);
  return Without(IsKind(walks.to, at, InterfaceRowKind::kEni), Without(checks, peer));
}

// Whether receivers would answer with the sessions' other keys (AnswerKey).
__m256i AreAnsweredAsKnown(const ShortWalks& walks, uint32_t at) noexcept {
  const __m256i protocol =
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(&walks.protocol[at])));
  const __m256i low =
      Or(_mm256_slli_epi32(protocol, 24), Bits(EightOf(walks.target, at), kMaxScope));
  const __m256i ports = Or(_mm256_slli_epi32(EightHalves(walks.dst_l4_port, at), 16),
                           EightHalves(walks.src_l4_port, at));
  return And(And(Equal(EightOf(walks.answer_src, at), EightOf(walks.dst, at)),
                 Equal(EightOf(walks.answer_dst, at), EightOf(walks.src, at))),
             And(Equal(EightOf(walks.answer_ports, at), ports),
                 Equal(EightOf(walks.answer_low, at), low)));
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
  const LaneBits internet = WhereTrue(walks, [&](uint32_t at) {
    return Equal(EightOf(walks.target, at), All(snapshot.internet.value));
  });
  LeaveToInternet(snapshot, walks, internet & walks.open);
  walks.open &= internet | WhereTrue(walks, [&](uint32_t at) { return ArriveAtEnis(walks, at); });
  PassIngressGroups(snapshot, walks);
  ForBits(walks.open & walks.fresh, [&](uint32_t place) {
    walks.open ^= WillBeCounted(snapshot, WalkAt(walks, place)) ? 0 : BitOf(place);
  });
  walks.open &=
      walks.fresh | WhereTrue(walks, [&](uint32_t at) {
        return And(And(AreRemembered(walks.to, walks.target, walks.tracked_at_receiver, at),
                       AreAnsweredAsKnown(walks, at)),
                   Equal(EightOf(walks.gateway, at), EightOf(walks.memory_gateway, at)));
      });
}

}  // namespace

void BeginShortWalks(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  const LaneBits enis = Enter(snapshot, walks);
  Route(snapshot, walks, enis, enis);
}

void PassFirstAcls(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  PassAcls(snapshot, walks, ~LaneBits{0});
}

void EndShortWalks(const Snapshot& snapshot, uint64_t seed, ShortWalks& walks) noexcept {
  walks.open &= walks.fresh | WhereTrue(walks, [&](uint32_t at) {
                  return AreRemembered(walks.from, walks.sender, walks.tracked_at_sender, at);
                });
  PassEgressGroups(snapshot, walks);
  PassNatGateways(snapshot, seed, walks);
  Arrive(snapshot, walks);
}

void SetDeltas(const SessionKey& key, WalkOutcome& outcome) noexcept {
  const WalkDeltas deltas = DeltasOf(
      {key.src(), key.dst(), key.src_l4_port(), key.dst_l4_port()},
      {outcome.new_src, outcome.new_dst, outcome.new_src_l4_port, outcome.new_dst_l4_port});
  outcome.l3_delta = deltas.l3;
  outcome.l4_delta = deltas.l4;
}

}  // namespace sluice
