// ARP replies of configured next hops on their way from a worker to the control thread: a bounded
// ring with one producer (the worker) and one consumer (control). A full ring loses the newest:
// control asks again.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/mac.h"

namespace sluice {

struct ArpLearned {
  InterfaceIdx side;
  MacAddress mac;
};

class ArpLearnedRing {
 public:
  static constexpr uint32_t kCapacity = 64;

  // Worker only. False: full, nothing was written.
  bool Push(const ArpLearned& learned) noexcept {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    // Pairs with the release store of Pop: the slot has been read.
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) {
      return false;
    }
    slots_[tail % kCapacity] = learned;
    tail_.store(tail + 1, std::memory_order_release);  // pairs with the acquire load of Pop
    return true;
  }
  // Control thread only. False: empty, `learned` is left alone.
  bool Pop(ArpLearned& learned) noexcept {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    // Pairs with the release store of Push: the slot has been written.
    if (head == tail_.load(std::memory_order_acquire)) {
      return false;
    }
    learned = slots_[head % kCapacity];
    head_.store(head + 1, std::memory_order_release);  // pairs with the acquire load of Push
    return true;
  }

 private:
  alignas(kCacheLineBytes) std::atomic<uint32_t> tail_{0};
  alignas(kCacheLineBytes) std::atomic<uint32_t> head_{0};
  std::array<ArpLearned, kCapacity> slots_;
};

}  // namespace sluice
