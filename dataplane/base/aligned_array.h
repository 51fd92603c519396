// A fixed-size array of trivial elements from a MemorySource: the storage of every table a worker
// reads. Movable, not copyable. The control thread makes and destroys it; any thread may read the
// elements.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "dataplane/base/cache_line.h"
#include "dataplane/base/memory_source.h"

namespace sluice {

template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_destructible_v<T>);
  static_assert(std::is_trivially_copyable_v<T> || sizeof(T) % kCacheLineBytes == 0);

 public:
  AlignedArray() = default;
  ~AlignedArray() { Release(); }
  AlignedArray(AlignedArray&& other) noexcept { Swap(other); }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    AlignedArray taken(std::move(other));
    Swap(taken);
    return *this;
  }

  // `count` zero-filled elements, aligned to a cache line at least; nullopt-like empty array (ok()
  // false) when memory is short.
  static AlignedArray Make(MemorySource& source, const char* name, size_t count) {
    AlignedArray array;
    constexpr size_t kAlign = alignof(T) > kCacheLineBytes ? alignof(T) : kCacheLineBytes;
    array.source_ = &source;
    array.count_ = count;
    array.data_ = static_cast<T*>(source.Allocate(name, count * sizeof(T), kAlign));
    return array;
  }

  bool ok() const { return data_ != nullptr; }
  size_t size() const { return data_ == nullptr ? 0 : count_; }
  size_t bytes() const { return size() * sizeof(T); }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size()}; }
  std::span<const T> span() const { return {data_, size()}; }

 private:
  void Release() {
    if (data_ != nullptr) {
      source_->Free(data_, count_ * sizeof(T));
      data_ = nullptr;
    }
  }
  void Swap(AlignedArray& other) noexcept {
    std::swap(source_, other.source_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  MemorySource* source_ = nullptr;
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace sluice
