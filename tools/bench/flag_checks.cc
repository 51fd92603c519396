#include "tools/bench/flag_checks.h"

#include <fcntl.h>
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

bool StepsComeApart(const char* flag, uint32_t value, size_t steps, uint32_t burst) {
  const uint64_t least = uint64_t{steps - 1} * burst;
  if (value < least) {
    UsageError("--" + std::string(flag) + "=" + std::to_string(value) +
               " puts two packets of a connection into one burst; take --" + flag + "=" +
               std::to_string(least) + " or more, or a smaller --burst");
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

namespace {

// Opens the file as it would be written, without changing one that is there; what had to be made
// for it goes again. errno, or 0.
int TryToWrite(const std::filesystem::path& path) {
  std::error_code error;
  const bool is_there = std::filesystem::exists(path, error);
  // A pipe that nobody reads yet is no reason to wait, or to refuse.
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
  if (file < 0) {
    return errno == ENXIO ? 0 : errno;
  }
  close(file);
  if (!is_there) {
    std::filesystem::remove(std::filesystem::canonical(path, error), error);
  }
  return 0;
}

}  // namespace

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
  if (const int number = TryToWrite(path); number != 0) {
    UsageError("--benchmark_out=" + FLAGS_benchmark_out +
               " cannot be written: " + std::strerror(number) + "; name a file in a folder that " +
               "is there and yours to write");
    return false;
  }
  return true;
}

}  // namespace sluice
