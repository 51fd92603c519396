// The client's side of the operator protocol: one question to the daemon behind --socket, its
// answer printed. Main thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

inline constexpr int kShowTimeoutMs = 30'000;
inline constexpr int kConfigTimeoutMs = 600'000;  // reading and compiling may take long

// The answer as it came; an error when no daemon answers (the message says how to start one) or
// what it says is no answer.
absl::StatusOr<nlohmann::ordered_json> Ask(const nlohmann::ordered_json& request, int timeout_ms);

// Asks, in text or with -j in JSON, and prints the result to stdout, or the error to stderr (with
// -j to stdout, as {"Ok": false, "Error", …}). Returns the exit code.
int AskAndPrint(nlohmann::ordered_json request, int timeout_ms);

// The same for a verb that takes a configuration. The daemon reads the paths itself, made absolute;
// where it cannot (another user, other mounts), this process reads them and sends the texts.
int AskAboutPaths(nlohmann::ordered_json request, const std::vector<std::string>& paths);

}  // namespace sluice
