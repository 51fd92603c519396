// What a walk wrote down on its way: one hop for every component that was asked, in the order asked
// (interface.md §5). Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/explain/packet_view.h"
#include "control/intent/intent.h"

namespace sluice {

struct TracedNaclRule {
  NaclRule rule;  // number 32767 for the final "*"
  bool egress = false;
};

struct TracedGroupRule {
  std::string group_id;
  SecurityGroupRule rule;
  bool egress = false;
};

struct Hop {
  std::string component_id;  // "eni-web", "acl-1", "internet"
  std::string asked;         // "network ACL, outbound: may tcp … leave subnet-a?"
  std::string matched;       // "rule 100 allows", "no rule matches", "route 0.0.0.0/0 -> igw-1"
  std::optional<TracedNaclRule> nacl_rule;
  std::optional<TracedGroupRule> group_rule;
  std::optional<Route> route;
  std::optional<Route> next_best_route;
  PacketHeader inbound;   // as the component received it
  PacketHeader outbound;  // as it handed it on; equal to inbound but at translations and drops
};

struct Trace {
  std::vector<Hop> hops;
};

}  // namespace sluice
