// The running configuration kept in a folder (--state), for inspection and for the next start:
//
//   FOLDER/running.json   what `sluice export` prints; `sluiced --config=FOLDER/running.json`
//                         starts with it
//
// Replaced in one step (written beside it, synced, renamed, the folder synced), so a reader or a
// power cut never meets a part of one, and what was saved stays. One thread at a time.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "control/intent/validated_intent.h"

namespace sluice {

// Makes the folder when missing. The error names the path and the cause.
absl::Status SaveConfiguration(const std::string& folder, const ValidatedIntent& intent);

}  // namespace sluice
