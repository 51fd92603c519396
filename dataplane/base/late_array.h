// An array of values of which few are made, and those late: no constructor runs for the others. For
// scratch that lies on the stack of every burst and is used in few of them. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

namespace sluice {

template <typename T, size_t kCount>
class LateArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // Makes the `i`-th, which nobody has read yet.
  T& Make(size_t i) noexcept { return *std::construct_at(&At(i)); }
  // The same with what `make()` returns, which is made in its place and not copied.
  template <typename Make>
  T& MakeFrom(size_t i, Make make) noexcept {
    return *::new (static_cast<void*>(&At(i))) T(make());
  }
  // Those that were made.
  T& operator[](size_t i) noexcept { return At(i); }
  const T& operator[](size_t i) const noexcept {
    return *reinterpret_cast<const T*>(bytes_ + i * sizeof(T));
  }

 private:
  T& At(size_t i) noexcept { return *reinterpret_cast<T*>(bytes_ + i * sizeof(T)); }

  alignas(T) std::byte bytes_[kCount * sizeof(T)];
};

}  // namespace sluice
