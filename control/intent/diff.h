// What changed between two configurations, for `sluice diff` and `sluice apply`. Control thread or
// an offline tool.
#pragma once

#include <string>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice {

enum class ChangeKind : uint8_t { kAdded, kRemoved, kChanged };

struct IntentChange {
  ChangeKind kind = ChangeKind::kChanged;
  std::string list;       // "SecurityGroups"
  std::string object_id;  // "sg-web"; "Host" for the host
  std::string member;     // "IpPermissions[sgr-1]"; empty for added and removed objects
  std::string before;     // compact JSON; empty when there was nothing
  std::string after;
};

// In the order of the export: by list, then by id, then by member. Rows that have names of their
// own (rules by id or number, routes by destination) are compared row by row. Empty when nothing
// changed. What the implied Host does is left out: it follows from the interfaces.
std::vector<IntentChange> DiffIntents(const ValidatedIntent& before, const ValidatedIntent& after);

// "+ Subnets subnet-b", "~ SecurityGroups sg-web IpPermissions[sgr-1]: {…} -> {…}"; "no change"
// when empty.
std::string DiffText(const std::vector<IntentChange>& changes);

// {"Changes": [{"Kind": "added|removed|changed", "List", "ObjectId", "Member", "Before",
// "After"}]}; null where there is none.
std::string DiffJson(const std::vector<IntentChange>& changes);

}  // namespace sluice
