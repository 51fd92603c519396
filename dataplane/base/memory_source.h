// Where tables and sessions get their memory: hugepages in the daemon, plain heap in tests and
// tools. Control thread only; workers never allocate.
#pragma once

#include <cstddef>

namespace sluice {

class MemorySource {
 public:
  virtual ~MemorySource() = default;

  // Zeroed memory, or nullptr when there is not enough. `alignment` is a power of two, at least 1.
  // `name` is for reports only.
  virtual void* Allocate(const char* name, size_t bytes, size_t alignment) = 0;
  // `memory` came from Allocate of this source, with the same size.
  virtual void Free(void* memory, size_t bytes) = 0;
};

// Zeroed anonymous pages from the kernel, advised to be huge where large. Thread-safe; lives for
// ever.
MemorySource& HeapMemory();

}  // namespace sluice
