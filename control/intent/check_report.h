// The findings of `sluice check` and of a refused `apply`, as text or JSON. Control thread or an
// offline tool.
#pragma once

#include <string>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice {

// One line a finding, "error: PATH: OBJECT: WHAT (CODE)", then one line of counts.
std::string CheckReportText(const ValidationResult& result);

// {"Valid": bool, "Errors": n, "Warnings": n, "Issues": [{"Severity", "Path", "ObjectId", "What",
// "Code"}]}; ObjectId and Code are null where there is none.
std::string CheckReportJson(const ValidationResult& result);

}  // namespace sluice
