// Whether this machine has the memory a subcommand is about to ask for. Main thread.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

// What this process can take without being refused, or killed by the system.
uint64_t AvailableBytes();
// False, after one line on stderr with the need and the flag that lowers it.
bool MemoryFor(const std::string& command, uint64_t need_bytes, const std::string& flag);

}  // namespace sluice
