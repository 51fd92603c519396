// The findings of `sluice check` and of a refused `apply`, as text or JSON. Control thread or an
// offline tool.
#pragma once

#include <string>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice {

// One line a finding, "error: PATH: OBJECT: WHAT (CODE)", then one line of counts.
std::string CheckReportText(const ValidationResult& result);

// [{"Severity", "Path", "ObjectId", "What", "Code"}] on one line; Path, ObjectId and Code are null
// where there is none.
std::string IssueListJson(const std::vector<IntentIssue>& issues);

// {"Valid": bool, "Errors": n, "Warnings": n, "Issues": such a list}.
std::string CheckReportJson(const ValidationResult& result);

}  // namespace sluice
