#include "tests/support/allocation_watch.h"

#include <cstdlib>
#include <new>

#include "dataplane/pipeline/pipeline.h"

namespace {

thread_local bool within = false;
sluice::testing::AllocationCounts counts;

void NoteAllocation() {
  counts.allocations += within ? 1 : 0;
}

void NoteFree() {
  counts.frees += within ? 1 : 0;
}

}  // namespace

namespace sluice::testing {

AllocationCounts AllocationsInPipeline() {
  return counts;
}

CountAsPipeline::CountAsPipeline() {
  ++counts.calls;
  within = true;
}

CountAsPipeline::~CountAsPipeline() {
  within = false;
}

}  // namespace sluice::testing

// The linker sends calls of NAME to __wrap_NAME, and of __real_NAME to NAME (ld(1), --wrap).
extern "C" {

void __real__ZN6sluice8RunBurstERKNS_8SnapshotERNS_13WorkerContextERNS_5BatchE(
    const sluice::Snapshot&, sluice::WorkerContext&, sluice::Batch&) noexcept;
void __real__ZN6sluice9RunTimersERNS_13WorkerContextEb(sluice::WorkerContext&, bool) noexcept;

void __wrap__ZN6sluice8RunBurstERKNS_8SnapshotERNS_13WorkerContextERNS_5BatchE(
    const sluice::Snapshot& snapshot, sluice::WorkerContext& worker,
    sluice::Batch& batch) noexcept {
  const sluice::testing::CountAsPipeline watch;
  __real__ZN6sluice8RunBurstERKNS_8SnapshotERNS_13WorkerContextERNS_5BatchE(snapshot, worker,
                                                                            batch);
}

void __wrap__ZN6sluice9RunTimersERNS_13WorkerContextEb(sluice::WorkerContext& worker,
                                                       bool drain) noexcept {
  const sluice::testing::CountAsPipeline watch;
  __real__ZN6sluice9RunTimersERNS_13WorkerContextEb(worker, drain);
}

void* __real_malloc(size_t);
void* __real_calloc(size_t, size_t);
void* __real_realloc(void*, size_t);
void* __real_aligned_alloc(size_t, size_t);
int __real_posix_memalign(void**, size_t, size_t);
void __real_free(void*);

void* __wrap_malloc(size_t bytes) {
  NoteAllocation();
  return __real_malloc(bytes);
}

void* __wrap_calloc(size_t count, size_t bytes) {
  NoteAllocation();
  return __real_calloc(count, bytes);
}

void* __wrap_realloc(void* memory, size_t bytes) {
  NoteAllocation();
  return __real_realloc(memory, bytes);
}

void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  NoteAllocation();
  return __real_aligned_alloc(alignment, bytes);
}

int __wrap_posix_memalign(void** memory, size_t alignment, size_t bytes) {
  NoteAllocation();
  return __real_posix_memalign(memory, alignment, bytes);
}

void __wrap_free(void* memory) {
  NoteFree();
  __real_free(memory);
}
}

// All forms: a sanitizer's runtime has its own of each, which do not end in these.
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return malloc(bytes == 0 ? 1 : bytes);
}

void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  const auto align = static_cast<size_t>(alignment);
  return aligned_alloc(align, (bytes + align - 1) / align * align);
}

void* operator new(size_t bytes) {
  if (void* memory = operator new(bytes, std::nothrow); memory != nullptr) {
    return memory;
  }
  throw std::bad_alloc();
}

void* operator new(size_t bytes, std::align_val_t alignment) {
  if (void* memory = operator new(bytes, alignment, std::nothrow); memory != nullptr) {
    return memory;
  }
  throw std::bad_alloc();
}

void* operator new[](size_t bytes) {
  return operator new(bytes);
}

void* operator new[](size_t bytes, std::align_val_t alignment) {
  return operator new(bytes, alignment);
}

void* operator new[](size_t bytes, const std::nothrow_t& nothrow) noexcept {
  return operator new(bytes, nothrow);
}

void* operator new[](size_t bytes, std::align_val_t alignment,
                     const std::nothrow_t& nothrow) noexcept {
  return operator new(bytes, alignment, nothrow);
}

void operator delete(void* memory) noexcept {
  free(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
  free(memory);
}

void operator delete(void* memory, size_t) noexcept {
  free(memory);
}

void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  free(memory);
}

void operator delete[](void* memory) noexcept {
  free(memory);
}

void operator delete[](void* memory, std::align_val_t) noexcept {
  free(memory);
}

void operator delete[](void* memory, size_t) noexcept {
  free(memory);
}

void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  free(memory);
}
