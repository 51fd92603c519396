// Configurations from the command line: paths in, a valid intent or every error out. Main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice {

// Values of --config and words: one that names nothing and has commas is several.
std::vector<std::string> SplitPaths(const std::vector<std::string>& values);

// nullptr when it is not valid: then every error was printed to stderr. Warnings are counted there.
std::shared_ptr<const ValidatedIntent> LoadOrReport(const std::vector<std::string>& paths);

}  // namespace sluice
