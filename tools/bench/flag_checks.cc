#include "tools/bench/flag_checks.h"

namespace sluice {

bool InRange(const char* flag, uint64_t value, uint64_t least, uint64_t most) {
  if (value < least || value > most) {
    UsageError("--" + std::string(flag) + "=" + std::to_string(value) + " is not in " +
               std::to_string(least) + ".." + std::to_string(most));
    return false;
  }
  return true;
}

bool FlagsOnly(const char* command, const Arguments& arguments) {
  if (!arguments.words.empty()) {
    UsageError("`sluice-bench " + std::string(command) + "` takes flags only, not \"" +
               arguments.words[0] + "\"");
  }
  return arguments.words.empty();
}

}  // namespace sluice
