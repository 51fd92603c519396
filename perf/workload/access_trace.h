// Which cache lines of watched memory a piece of code reads and writes: exact, one packet at a
// time. Watched pages are taken away; an access faults, is noted, and is let through by a single
// step of the processor, after which the page is gone again. What faults is what the code really
// reads or writes, hits of every cache included; prefetches do not fault and do not count. An
// access that spans lines is noted by its first byte.
//
// x86-64 Linux. One thread, one trace at a time in a process, not under a debugger: it takes
// SIGSEGV and SIGTRAP while code runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/memory_source.h"

namespace sluice {

// Memory in pages that hold nothing else, so that they can be watched. Lives longer than what is
// made from it.
class WatchedMemory final : public MemorySource {
 public:
  struct Region {
    std::string name;
    uintptr_t begin = 0;
    size_t bytes = 0;

    bool Holds(uintptr_t address) const { return address - begin < bytes; }
  };

  ~WatchedMemory() override;
  void* Allocate(const char* name, size_t bytes, size_t alignment) override;
  void Free(void* memory, size_t bytes) override;

  const std::vector<Region>& regions() const { return regions_; }

 private:
  std::vector<Region> regions_;  // whole pages
};

struct MemoryAccess {
  uintptr_t address = 0;
  bool write = false;

  uintptr_t line() const { return address / 64; }
};

// Watches from construction to destruction; meanwhile every access is slow.
class AccessTrace {
 public:
  // Of accesses noted in one piece of code; more abort.
  static constexpr size_t kMaxAccesses = 65536;

  explicit AccessTrace(const WatchedMemory& memory);
  ~AccessTrace();
  AccessTrace(const AccessTrace&) = delete;
  AccessTrace& operator=(const AccessTrace&) = delete;

  // Accesses to the memory's regions while `code` runs, in order.
  template <typename Code>
  std::vector<MemoryAccess> Of(Code&& code) const {
    Take();
    code();
    return Take();
  }

 private:
  // What was noted since it was last taken.
  static std::vector<MemoryAccess> Take();

  const WatchedMemory& memory_;
};

}  // namespace sluice
