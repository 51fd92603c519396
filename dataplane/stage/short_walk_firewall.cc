#include "dataplane/stage/short_walk_firewall.h"

#include <bit>

#include "dataplane/stage/security_group.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/table/classifier.h"
#include "dataplane/table/group_rule_map.h"

namespace sluice {
namespace {

// Questions to ACLs of one direction: most ask the same list, which is the quickest.
struct AclQuestions {
  uint32_t acl[kFindBatch];
  uint32_t remote[kFindBatch];
  uint8_t protocol[kFindBatch];
  uint16_t l4_port[kFindBatch];
  uint32_t answer[kFindBatch];
  uint32_t asker[kFindBatch];  // bit of the walk
  uint32_t count = 0;

  void Put(const ShortWalk& walk, uint32_t bit, uint32_t classifier,
           uint32_t remote_address) noexcept {
    acl[count] = classifier;
    remote[count] = remote_address;
    protocol[count] = walk.protocol;
    l4_port[count] = walk.dst_l4_port;
    asker[count++] = bit;
  }
  // Bits of the walks that are refused.
  uint32_t Refused(const ClassifierSet& classifiers) noexcept {
    classifiers.LookupBatch(acl, remote, protocol, l4_port, answer, count);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const bool allowed = answer[i] != kNoMatch && NaclAllows(answer[i]);
      refused |= allowed ? 0 : asker[i];
    }
    return refused;
  }
};

struct GroupQuestions {
  uint32_t policy[kFindBatch];
  uint32_t remote[kFindBatch];
  uint32_t group_policy[kFindBatch];
  uint32_t group_set[kFindBatch];  // of the other side, or kNoTable
  uint8_t protocol[kFindBatch];
  uint16_t l4_port[kFindBatch];
  uint32_t answer[kFindBatch];
  uint32_t group_answer[kFindBatch];
  uint32_t asker[kFindBatch];  // place of the walk
  uint32_t count = 0;

  void Put(const ShortWalk& walk, uint32_t place, uint32_t classifier, uint32_t remote_address,
           uint32_t group_classifier, uint32_t remote_set) noexcept {
    policy[count] = classifier;
    remote[count] = remote_address;
    group_policy[count] = group_classifier;
    group_set[count] = remote_set;
    protocol[count] = walk.protocol;
    l4_port[count] = walk.dst_l4_port;
    asker[count++] = place;
  }
  void Answer(const Snapshot& snapshot) noexcept {
    snapshot.classifiers->LookupBatch(policy, remote, protocol, l4_port, answer, count);
    snapshot.group_rules->LookupBatch(group_policy, group_set, protocol, l4_port, group_answer,
                                      count);
  }
};

// Closes walks that are refused; of the others `flag` says whether they are tracked, which is
// spared them where a rule allows any address and `open_back(walk)`.
template <typename OpenBack>
void Apply(const GroupQuestions& asked, uint8_t flag, OpenBack open_back,
           ShortWalks& walks) noexcept {
  for (uint32_t i = 0; i < asked.count; ++i) {
    ShortWalk& walk = walks.walk[asked.asker[i]];
    const bool allowed = asked.answer[i] != kNoMatch || asked.group_answer[i] != kNoMatch;
    walks.open &= ~(allowed ? 0 : 1u << asked.asker[i]);
    const bool untracked = asked.answer[i] == kSgAllowAnyAddress && open_back(walk);
    walk.flags |= untracked ? 0 : flag;
  }
}

// Calls put(place, walk) for open walks of new flows.
template <typename Put>
void ForFresh(const ShortWalks& walks, Put put) noexcept {
  for (uint32_t left = walks.open & walks.fresh; left != 0; left &= left - 1) {
    const auto place = static_cast<uint32_t>(std::countr_zero(left));
    put(place, walks.walk[place]);
  }
}

}  // namespace

void PassAcls(const Snapshot& snapshot, ShortWalks& walks, uint32_t which) noexcept {
  AclQuestions egress, ingress;
  for (uint32_t left = which & walks.open; left != 0; left &= left - 1) {
    const auto i = static_cast<uint32_t>(std::countr_zero(left));
    const ShortWalk& walk = walks.walk[i];
    const SubnetIdx from = RowOf(snapshot, walk.origin).subnet;
    const SubnetIdx to = RowOf(snapshot, walk.target).subnet;
    if (from == to) {
      continue;
    }
    if (from.has_value()) {
      egress.Put(walk, 1u << i, snapshot.subnets[from.index()].nacl_egress, walk.dst);
    }
    if (to.has_value()) {
      ingress.Put(walk, 1u << i, snapshot.subnets[to.index()].nacl_ingress, walk.src);
    }
  }
  walks.open &= ~egress.Refused(*snapshot.classifiers);
  walks.open &= ~ingress.Refused(*snapshot.classifiers);
}

void PassEgressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  GroupQuestions asked;
  ForFresh(walks, [&](uint32_t place, const ShortWalk& walk) {
    const InterfaceRow& row = RowOf(snapshot, walk.sender);
    if (HasGroups(row)) {
      const bool peer = (walk.flags & kWalkPeer) != 0;
      asked.Put(walk, place, row.sg_egress, walk.dst, row.group_egress,
                peer ? RowOf(snapshot, walk.target).group_set : kNoTable);
    }
  });
  if (asked.count != 0) {
    asked.Answer(snapshot);
    const auto open_back = [&](const ShortWalk& walk) {
      return IngressIsOpen(RowOf(snapshot, walk.sender), walk.protocol);
    };
    Apply(asked, kWalkTrackedFirst, open_back, walks);
  }
}

void PassIngressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept {
  GroupQuestions asked;
  ForFresh(walks, [&](uint32_t place, const ShortWalk& walk) {
    const InterfaceRow& row = RowOf(snapshot, walk.target);
    if (HasGroups(row)) {
      // D-GROUPPEER: straight from an ENI, from one of its own addresses.
      const InterfaceRow& origin = RowOf(snapshot, walk.origin);
      const bool own = origin.kind == InterfaceRowKind::kEni && walk.src_owner == walk.origin.value;
      asked.Put(walk, place, row.sg_ingress, walk.src, row.group_ingress,
                own ? origin.group_set : kNoTable);
    }
  });
  if (asked.count != 0) {
    asked.Answer(snapshot);
    const auto open_back = [&](const ShortWalk& walk) {
      return EgressIsOpen(RowOf(snapshot, walk.target), walk.protocol);
    };
    Apply(asked, kWalkTrackedLast, open_back, walks);
  }
}

}  // namespace sluice
