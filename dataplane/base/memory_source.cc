#include "dataplane/base/memory_source.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace sluice {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;

constexpr size_t RoundUp(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

class Heap final : public MemorySource {
 public:
  void* Allocate(const char*, size_t bytes, size_t alignment) override {
    const bool large = bytes >= kHugePageBytes;
    const size_t align =
        large ? kHugePageBytes : (alignment < sizeof(void*) ? sizeof(void*) : alignment);
    void* memory = std::aligned_alloc(align, RoundUp(bytes == 0 ? 1 : bytes, align));
    if (memory == nullptr) {
      return nullptr;
    }
    if (large) {
      (void)madvise(memory, RoundUp(bytes, align), MADV_HUGEPAGE);
    }
    std::memset(memory, 0, bytes);
    return memory;
  }

  void Free(void* memory, size_t) override { std::free(memory); }
};

}  // namespace

MemorySource& HeapMemory() {
  static Heap* heap = new Heap;
  return *heap;
}

}  // namespace sluice
