#include "dataplane/base/memory_source.h"

#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sluice {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kAskFirstBytes = size_t{64} << 20;

constexpr size_t RoundUp(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

// What the kernel has to give without swapping or killing (proc(5)); everything when it does not
// say.
uint64_t AvailableBytes() {
  uint64_t kib = UINT64_MAX / 1024;
  if (std::FILE* file = std::fopen("/proc/meminfo", "re"); file != nullptr) {
    char line[128];
    while (std::fgets(line, sizeof(line), file) != nullptr &&
           std::sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) != 1) {
    }
    std::fclose(file);
  }
  return kib * 1024;
}

class Heap final : public MemorySource {
 public:
  void* Allocate(const char*, size_t bytes, size_t alignment) override {
    // The kernel promises more than it has, and kills somebody when the pages are touched below.
    if (bytes >= kAskFirstBytes && bytes > AvailableBytes()) {
      return nullptr;
    }
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
