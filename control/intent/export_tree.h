// The export as a tree: for those in this room that compare or print it. Control thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "control/intent/validated_intent.h"

namespace sluice {

// What ExportIntentJson prints.
nlohmann::ordered_json ExportIntentTree(const ValidatedIntent& validated);

}  // namespace sluice
