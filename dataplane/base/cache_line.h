// Cache-line constants and the software prefetch used by every batched lookup. Any thread.
#pragma once

#include <cstddef>

namespace sluice {

inline constexpr size_t kCacheLineBytes = 64;

// Starts loading the line that holds `address` into L1 for reading. Never faults, whatever the
// address.
inline void PrefetchRead(const void* address) noexcept {
  __builtin_prefetch(address, 0, 3);
}

// The same, in a state that lets the next store hit.
inline void PrefetchWrite(const void* address) noexcept {
  __builtin_prefetch(address, 1, 3);
}

}  // namespace sluice
