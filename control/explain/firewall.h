// Network ACLs and security groups, rule by rule, as written: AWS-NACL-02..05, AWS-SG-01..06, -10,
// -11, D-GROUPPEER. Stateless questions only; who asks them and with which state is the walk's
// affair. Any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "control/explain/packet_view.h"
#include "control/intent/validated_intent.h"

namespace sluice {

enum class Direction : uint8_t { kIngress, kEgress };

// The rule that decides: first match by number, or the final "*" (number 32767, deny).
NaclRule JudgeByNacl(const NetworkAcl& acl, Direction direction, const PacketHeader& header);

struct GroupMatch {
  const SecurityGroup* group = nullptr;
  const SecurityGroupRule* rule = nullptr;
};

struct GroupJudgement {
  std::optional<GroupMatch> match;  // the first rule that allows, in order of groups and rules
  std::vector<const SecurityGroup*> asked;  // in order, the matching one last
  bool any_match_is_everyone = false;       // some rule that allows has the peer 0.0.0.0/0
};

// Does the interface have groups that are asked (not a NAT gateway's or other requester-managed
// one)?
bool HasFirewall(const NetworkInterface& eni);

// `peer` is the interface at the other end if it sends or receives with an address of its own, else
// nullptr.
GroupJudgement JudgeByGroups(const ValidatedIntent& intent, const NetworkInterface& eni,
                             Direction direction, const PacketHeader& header,
                             const NetworkInterface* peer);

// Is there a rule for all ports of the protocol and 0.0.0.0/0 in this direction (AWS-SG-11)?
bool AllowsEveryone(const ValidatedIntent& intent, const NetworkInterface& eni, Direction direction,
                    uint8_t protocol);

}  // namespace sluice
