#include "dataplane/stage/short_walk_firewall.h"

#include "dataplane/stage/security_group.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/group_rule_map.h"

namespace sluice {
namespace {

// Questions to lists of rules, of one direction: most ask the same list, which is the quickest.
struct Questions {
  uint32_t list[kFindBatch];
  uint32_t remote[kFindBatch];
  uint8_t protocol[kFindBatch];
  uint16_t l4_port[kFindBatch];
  uint32_t answer[kFindBatch];
  uint32_t asker[kFindBatch];  // place of the walk
  uint32_t count = 0;

  void Put(const ShortWalks& walks, uint32_t place, uint32_t classifier,
           uint32_t remote_address) noexcept {
    list[count] = classifier;
    remote[count] = remote_address;
    protocol[count] = walks.protocol[place];
    l4_port[count] = walks.dst_l4_port[place];
    asker[count++] = place;
  }
  void Answer(const Snapshot& snapshot) noexcept {
    snapshot.classifiers->LookupBatch(list, remote, protocol, l4_port, answer, count);
  }
};

// Asks the ACLs `list` for the walks of `which`, and closes those that they refuse.
void AskAcls(const Snapshot& snapshot, LaneBits which, const ShortWalks::Words& list,
             const ShortWalks::Words& remote, ShortWalks& walks) noexcept {
  ShortWalks::Words answer;
  Questions packed;
  AskFor(
      which,
      [&](uint32_t first, uint32_t count) {
        snapshot.classifiers->LookupBatch(&list[first], &remote[first], &walks.protocol[first],
                                          &walks.dst_l4_port[first], &answer[first], count);
      },
      [&](uint32_t place, uint32_t) { packed.Put(walks, place, list[place], remote[place]); },
      [&](uint32_t) { packed.Answer(snapshot); },
      [&](uint32_t i, uint32_t place) { answer[place] = packed.answer[i]; });
  // NaclAllows
  walks.open &= ~which | WhereTrue(walks, [&](uint32_t at) {
    const __m256i answers = EightOf(answer, at);
    return Without(HasBit<0>(answers), Equal(answers, All(kNoMatch)));
  });
}

// To address rules, and to the rules that name groups.
struct GroupQuestions {
  Questions rules;
  uint32_t policy[kFindBatch];
  uint32_t group_set[kFindBatch];  // of the other side, or kNoTable
  uint32_t answer[kFindBatch];

  void Put(const ShortWalks& walks, uint32_t place, uint32_t classifier, uint32_t remote_address,
           uint32_t group_policy, uint32_t remote_set) noexcept {
    policy[rules.count] = group_policy;
    group_set[rules.count] = remote_set;
    rules.Put(walks, place, classifier, remote_address);
  }
  void Answer(const Snapshot& snapshot) noexcept {
    rules.Answer(snapshot);
    snapshot.group_rules->LookupBatch(policy, group_set, rules.protocol, rules.l4_port, answer,
                                      rules.count);
  }
};

// Closes walks that are refused; of the others `flag` says whether they are tracked, which is
// spared them where a rule allows any address and `open_back(walk)`.
template <typename OpenBack>
void Apply(const Snapshot& snapshot, GroupQuestions& asked, uint8_t flag, OpenBack open_back,
           ShortWalks& walks) noexcept {
  if (asked.rules.count == 0) {
    return;
  }
  asked.Answer(snapshot);
  for (uint32_t i = 0; i < asked.rules.count; ++i) {
    const uint32_t place = asked.rules.asker[i];
    const uint32_t answer = asked.rules.answer[i];
    const bool allowed = answer != kNoMatch || asked.answer[i] != kNoMatch;
    walks.open &= ~(allowed ? 0 : BitOf(place));
    const bool untracked = answer == kSgAllowAnyAddress && open_back(WalkAt(walks, place));
    walks.flags[place] |= untracked ? 0 : flag;
  }
}

}  // namespace

void PassAcls(const Snapshot& snapshot, ShortWalks& walks, LaneBits which) noexcept {
  ShortWalks::Words egress, ingress;
  LaneBits leaving = 0;
  LaneBits entering = 0;
  const SubnetRow* subnets = snapshot.subnets.data();
  for (uint32_t at = 0; at < walks.count; at += kEight) {
    const __m256i from = EightOf(walks.from.subnet, at);
    const __m256i to = EightOf(walks.to.subnet, at);
    const __m256i asks = Without(Places(which & walks.open, at), Equal(from, to));
    const __m256i nowhere = All(SubnetIdx::kNoneValue);
    const LaneBits leaves = MaskOf(Without(asks, Equal(from, nowhere)));
    const LaneBits enters = MaskOf(Without(asks, Equal(to, nowhere)));
    if ((leaves | enters) != 0) {
      alignas(32) uint32_t number[2][kEight];
      Store(number[0], Within(from, snapshot.subnets.size()));
      Store(number[1], Within(to, snapshot.subnets.size()));
      SetEight(egress, at, LoadWords([&](int i) { return subnets[number[0][i]].nacl_egress; }));
      SetEight(ingress, at, LoadWords([&](int i) { return subnets[number[1][i]].nacl_ingress; }));
    }
    leaving |= leaves << at;
    entering |= enters << at;
  }
  AskAcls(snapshot, leaving, egress, walks.dst, walks);
  AskAcls(snapshot, entering, ingress, walks.src, walks);
}

void PassEgressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  GroupQuestions asked;
  ForBits(walks.open & walks.fresh, [&](uint32_t place) {
    const ShortWalk walk = WalkAt(walks, place);
    const InterfaceRow& row = RowOf(snapshot, walk.sender);
    if (HasGroups(row)) {
      const bool peer = (walk.flags & kWalkPeer) != 0;
      asked.Put(walks, place, row.sg_egress, walk.dst, row.group_egress,
                peer ? RowOf(snapshot, walk.target).group_set : kNoTable);
    }
  });
  const auto open_back = [&](const ShortWalk& walk) {
    return IngressIsOpen(RowOf(snapshot, walk.sender), walk.protocol);
  };
  Apply(snapshot, asked, kWalkTrackedFirst, open_back, walks);
}

void PassIngressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  GroupQuestions asked;
  ForBits(walks.open & walks.fresh, [&](uint32_t place) {
    const ShortWalk walk = WalkAt(walks, place);
    const InterfaceRow& row = RowOf(snapshot, walk.target);
    if (HasGroups(row)) {
      // D-GROUPPEER: straight from an ENI, from one of its own addresses.
      const InterfaceRow& origin = RowOf(snapshot, walk.origin);
      const bool own = origin.kind == InterfaceRowKind::kEni && walk.src_owner == walk.origin.value;
      asked.Put(walks, place, row.sg_ingress, walk.src, row.group_ingress,
                own ? origin.group_set : kNoTable);
    }
  });
  const auto open_back = [&](const ShortWalk& walk) {
    return EgressIsOpen(RowOf(snapshot, walk.target), walk.protocol);
  };
  Apply(snapshot, asked, kWalkTrackedLast, open_back, walks);
}

}  // namespace sluice
