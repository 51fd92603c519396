// Rule lists as AWS prints them, for configurations of benches. Every rule allows, so that packets
// of a workload pass whichever rule they meet first. Any thread.
#pragma once

#include <string>

#include "perf/workload/rule_set.h"

namespace sluice {

// A network ACL holds so many rules beside the sample network's last one.
inline constexpr uint32_t kMostNaclRules = 31'999;

// Entries of one direction, numbered from 1, each with a comma behind it. `set` names no prefix
// lists.
std::string NaclEntriesJson(const RuleSet& set, bool egress);
// Permissions of a security group, one a rule, each with a comma behind it. A rule for a list of
// the set names it: pl-rules-0 ...
std::string GroupPermissionsJson(const RuleSet& set);
// These lists, with commas between them.
std::string PrefixListsJson(const RuleSet& set);

}  // namespace sluice
