#include "dataplane/runtime/runtime_memory.h"

#include <rte_config.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#include <algorithm>

#include "dataplane/base/cache_line.h"

namespace sluice {

void* RuntimeMemory::Allocate(const char* name, size_t bytes, size_t alignment) {
  if (huge_) {
    void* memory = rte_zmalloc(name, bytes, std::max(alignment, kCacheLineBytes));
    if (memory != nullptr) {
      huge_bytes_.fetch_add(bytes, std::memory_order_relaxed);
      return memory;
    }
  }
  void* memory = HeapMemory().Allocate(name, bytes, alignment);
  if (memory != nullptr) {
    heap_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  return memory;
}

void RuntimeMemory::Free(void* memory, size_t bytes) {
  if (huge_ && rte_mem_virt2memseg_list(memory) != nullptr) {
    rte_free(memory);
    huge_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return;
  }
  HeapMemory().Free(memory, bytes);
  heap_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace sluice
