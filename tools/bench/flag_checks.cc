#include "tools/bench/flag_checks.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tools/bench/flags.h"

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
  return arguments.words.empty() && OutputIsWritable();
}

bool OutputIsWritable() {
  if (FLAGS_benchmark_out.empty()) {
    return true;
  }
  const std::filesystem::path path = std::filesystem::absolute(FLAGS_benchmark_out);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    UsageError("--benchmark_out=" + FLAGS_benchmark_out + " is a folder; name a file");
    return false;
  }
  const bool is_there = std::filesystem::exists(path, error);
  if (access(is_there ? path.c_str() : path.parent_path().c_str(), W_OK) != 0) {
    UsageError("--benchmark_out=" + FLAGS_benchmark_out + " cannot be written: " +
               std::strerror(errno) + (is_there ? "" : " (" + path.parent_path().string() + ")"));
    return false;
  }
  return true;
}

}  // namespace sluice
