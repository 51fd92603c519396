// The firewalls on a short walk: network ACLs and, for new flows, security groups. Each asks for
// all walks together and closes those it refuses. Worker thread.
#pragma once

#include "dataplane/stage/short_walk.h"

namespace sluice {

// Of the open walks of `which`, those that leave or enter a subnet in this leg; one that stays in
// its subnet meets no ACL (AWS-NACL-01).
void PassAcls(const Snapshot& snapshot, ShortWalks& walks, LaneBits which) noexcept;

// Of open walks of new flows: the groups of the ENI that sends, and of the ENI that receives. Sets
// kWalkTrackedFirst and kWalkTrackedLast.
void PassEgressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept;
void PassIngressGroups(const Snapshot& snapshot, ShortWalks& walks) noexcept;

}  // namespace sluice
