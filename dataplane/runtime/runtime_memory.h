// Memory of tables and sessions from DPDK's hugepages; where there are none, or not enough, from
// the heap. Control thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/memory_source.h"

namespace sluice {

class RuntimeMemory final : public MemorySource {
 public:
  // `huge`: DPDK runs on hugepages. Without, everything comes from the heap source, which asks the
  // kernel for transparent huge pages where large.
  explicit RuntimeMemory(bool huge) : huge_(huge) {}

  void* Allocate(const char* name, size_t bytes, size_t alignment) override;
  void Free(void* memory, size_t bytes) override;

  uint64_t huge_bytes() const { return huge_bytes_.load(std::memory_order_relaxed); }
  uint64_t heap_bytes() const { return heap_bytes_.load(std::memory_order_relaxed); }

 private:
  const bool huge_;
  // Sums for reports; nothing is ordered by them.
  std::atomic<uint64_t> huge_bytes_{0};
  std::atomic<uint64_t> heap_bytes_{0};
};

}  // namespace sluice
