#include "tools/bench/memory_check.h"

#include <cstdio>

#include "tools/sluice/machine_facts.h"

namespace sluice {

uint64_t AvailableBytes() {
  return ReadMachine(RealMachine()).usable_kib * 1024;
}

bool MemoryFor(const std::string& command, uint64_t need_bytes, const std::string& flag) {
  const uint64_t available_bytes = AvailableBytes();
  if (need_bytes <= available_bytes) {
    return true;
  }
  std::fprintf(
      stderr,
      "sluice-bench: `%s` needs %llu MB of memory and this process can have %llu MB; lower "
      "%s\n",
      command.c_str(), static_cast<unsigned long long>(need_bytes >> 20),
      static_cast<unsigned long long>(available_bytes >> 20), flag.c_str());
  return false;
}

}  // namespace sluice
