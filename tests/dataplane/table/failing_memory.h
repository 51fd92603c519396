// A memory source that serves `allowed` bytes and then nothing, and counts what is held.
#pragma once

#include <cstddef>

#include "dataplane/base/memory_source.h"

namespace sluice {

class FailingMemory final : public MemorySource {
 public:
  explicit FailingMemory(size_t allowed_bytes) : left_bytes_(allowed_bytes) {}

  void* Allocate(const char* name, size_t bytes, size_t alignment) override {
    if (bytes > left_bytes_) {
      return nullptr;
    }
    left_bytes_ -= bytes;
    held_bytes_ += bytes;
    return HeapMemory().Allocate(name, bytes, alignment);
  }
  void Free(void* memory, size_t bytes) override {
    held_bytes_ -= bytes;
    left_bytes_ += bytes;
    HeapMemory().Free(memory, bytes);
  }
  size_t held_bytes() const { return held_bytes_; }

 private:
  size_t left_bytes_;
  size_t held_bytes_ = 0;
};

}  // namespace sluice
