// Ids for security group rules that were written without one. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "control/intent/intent.h"

namespace sluice {

// A rule's meaning as text: two rules with one text are one rule.
std::string RuleText(const SecurityGroupRule& rule);

// "sgr-" and 17 hexadecimal digits from the group, the direction and the meaning, as AWS's look: a
// rule keeps its id when others come and go.
std::string MadeRuleId(std::string_view group_id, bool egress, std::string_view rule_text);

}  // namespace sluice
