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

  void Put(const ShortWalk& walk, uint32_t place, uint32_t classifier,
           uint32_t remote_address) noexcept {
    list[count] = classifier;
    remote[count] = remote_address;
    protocol[count] = walk.protocol;
    l4_port[count] = walk.dst_l4_port;
    asker[count++] = place;
  }
  void Answer(const Snapshot& snapshot) noexcept {
    snapshot.classifiers->LookupBatch(list, remote, protocol, l4_port, answer, count);
  }
};

void CloseRefused(const Snapshot& snapshot, Questions& asked, ShortWalks& walks) noexcept {
  asked.Answer(snapshot);
  for (uint32_t i = 0; i < asked.count; ++i) {
    const bool allowed = asked.answer[i] != kNoMatch && NaclAllows(asked.answer[i]);
    walks.open &= ~(allowed ? 0 : 1u << asked.asker[i]);
  }
}

// To address rules, and to the rules that name groups.
struct GroupQuestions {
  Questions rules;
  uint32_t policy[kFindBatch];
  uint32_t group_set[kFindBatch];  // of the other side, or kNoTable
  uint32_t answer[kFindBatch];

  void Put(const ShortWalk& walk, uint32_t place, uint32_t classifier, uint32_t remote_address,
           uint32_t group_policy, uint32_t remote_set) noexcept {
    policy[rules.count] = group_policy;
    group_set[rules.count] = remote_set;
    rules.Put(walk, place, classifier, remote_address);
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
    ShortWalk& walk = walks.walk[place];
    const uint32_t answer = asked.rules.answer[i];
    const bool allowed = answer != kNoMatch || asked.answer[i] != kNoMatch;
    walks.open &= ~(allowed ? 0 : 1u << place);
    const bool untracked = answer == kSgAllowAnyAddress && open_back(walk);
    walk.flags |= untracked ? 0 : flag;
  }
}

}  // namespace

void PassAcls(const Snapshot& snapshot, ShortWalks& walks, uint32_t which) noexcept {
  Questions egress, ingress;
  ForBits(which & walks.open, [&](uint32_t place) {
    const ShortWalk& walk = walks.walk[place];
    const SubnetIdx from = RowOf(snapshot, walk.origin).subnet;
    const SubnetIdx to = RowOf(snapshot, walk.target).subnet;
    if (from.has_value() && from != to) {
      egress.Put(walk, place, snapshot.subnets[from.index()].nacl_egress, walk.dst);
    }
    if (to.has_value() && from != to) {
      ingress.Put(walk, place, snapshot.subnets[to.index()].nacl_ingress, walk.src);
    }
  });
  CloseRefused(snapshot, egress, walks);
  CloseRefused(snapshot, ingress, walks);
}

void PassEgressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  GroupQuestions asked;
  ForBits(walks.open & walks.fresh, [&](uint32_t place) {
    const ShortWalk& walk = walks.walk[place];
    const InterfaceRow& row = RowOf(snapshot, walk.sender);
    if (HasGroups(row)) {
      const bool peer = (walk.flags & kWalkPeer) != 0;
      asked.Put(walk, place, row.sg_egress, walk.dst, row.group_egress,
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
    const ShortWalk& walk = walks.walk[place];
    const InterfaceRow& row = RowOf(snapshot, walk.target);
    if (HasGroups(row)) {
      // D-GROUPPEER: straight from an ENI, from one of its own addresses.
      const InterfaceRow& origin = RowOf(snapshot, walk.origin);
      const bool own = origin.kind == InterfaceRowKind::kEni && walk.src_owner == walk.origin.value;
      asked.Put(walk, place, row.sg_ingress, walk.src, row.group_ingress,
                own ? origin.group_set : kNoTable);
    }
  });
  const auto open_back = [&](const ShortWalk& walk) {
    return EgressIsOpen(RowOf(snapshot, walk.target), walk.protocol);
  };
  Apply(snapshot, asked, kWalkTrackedLast, open_back, walks);
}

}  // namespace sluice
