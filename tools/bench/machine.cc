#include "tools/bench/machine.h"

#include <unistd.h>
#include <x86intrin.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tools/bench/commit.h"

namespace sluice {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// "name   : value" of the first such line; empty when there is none.
std::string ValueOf(const std::string& text, const std::string& name) {
  const size_t line = text.find(name);
  const size_t colon = text.find(':', line);
  if (line == std::string::npos || colon == std::string::npos) {
    return "";
  }
  const size_t begin = text.find_first_not_of(" \t", colon + 1);
  return text.substr(begin, text.find('\n', begin) - begin);
}

double MeasureTscHz() {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const uint64_t start_ticks = __rdtsc();
  auto now = start;
  while (now - start < std::chrono::milliseconds(20)) {
    now = Clock::now();
  }
  const uint64_t ticks = __rdtsc() - start_ticks;
  return static_cast<double>(ticks) / std::chrono::duration<double>(now - start).count();
}

}  // namespace

double TscHz() {
  static const double hz = MeasureTscHz();
  return hz;
}

Machine DescribeMachine() {
  Machine machine;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  machine.host = host;
  machine.cpu = ValueOf(ReadAll("/proc/cpuinfo"), "model name");
  machine.cpu_count = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  machine.tsc_hz = TscHz();
  machine.load = std::strtod(ReadAll("/proc/loadavg").c_str(), nullptr);
  machine.compiler = "g++ " __VERSION__;
  machine.commit = kBuiltFromCommit;
  return machine;
}

std::string MemoryModeNow() {
  return MemoryModeOf(ReadAll("/proc/self/smaps_rollup"));
}

std::string MemoryModeOf(const std::string& smaps_rollup) {
  const auto kilobytes = [&](const char* name) {
    return std::strtoull(ValueOf(smaps_rollup, name).c_str(), nullptr, 10);
  };
  if (kilobytes("Private_Hugetlb") + kilobytes("Shared_Hugetlb") > 0) {
    return "2M hugepages";
  }
  return kilobytes("AnonHugePages") * 2 > kilobytes("Anonymous:") ? "2M transparent hugepages"
                                                                  : "no hugepages";
}

}  // namespace sluice
