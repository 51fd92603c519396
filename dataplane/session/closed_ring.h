// The oldest finished connections of a session table: a bounded first-in first-out ring of pair
// indices. Any thread may push and pop. A full ring drops the new entry: the sweep finds that pair
// in its turn.
//
// Theory: Vyukov, bounded multi-producer multi-consumer queue: each cell carries a sequence number
// that says whose turn it is, so producers and consumers meet only at their own counter.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/base/aligned_array.h"
#include "dataplane/base/cache_line.h"

namespace sluice {

class ClosedRing {
 public:
  static constexpr uint32_t kEmpty = 0xffffffff;

  // `cell_count` is a power of two, at least 16.
  bool Make(MemorySource& source, uint32_t cell_count) {
    lines_ = AlignedArray<CellLine>::Make(source, "session_closed_ring", cell_count / 8);
    if (!lines_.ok()) {
      return false;
    }
    mask_ = cell_count - 1;
    for (uint32_t i = 0; i < cell_count; ++i) {
      CellAt(i).store(uint64_t{i} << 32, std::memory_order_relaxed);
    }
    return true;
  }

  void Push(uint32_t value) noexcept {
    uint32_t at = tail_.load(std::memory_order_relaxed);
    while (true) {
      std::atomic<uint64_t>& cell = CellAt(at);
      const uint64_t seen = cell.load(std::memory_order_acquire);  // pairs with the release of Pop
      const int32_t turn = static_cast<int32_t>(static_cast<uint32_t>(seen >> 32) - at);
      if (turn < 0) {
        return;  // full
      }
      if (turn == 0 && tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        cell.store(uint64_t{at + 1} << 32 | value, std::memory_order_release);  // pairs with Pop
        return;
      }
      if (turn > 0) {
        at = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  // kEmpty when there is none.
  uint32_t Pop() noexcept {
    uint32_t at = head_.load(std::memory_order_relaxed);
    while (true) {
      std::atomic<uint64_t>& cell = CellAt(at);
      const uint64_t seen = cell.load(std::memory_order_acquire);  // pairs with the release of Push
      const int32_t turn = static_cast<int32_t>(static_cast<uint32_t>(seen >> 32) - (at + 1));
      if (turn < 0) {
        return kEmpty;
      }
      if (turn == 0 && head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        cell.store(uint64_t{at + mask_ + 1} << 32, std::memory_order_release);  // pairs with Push
        return static_cast<uint32_t>(seen);
      }
      if (turn > 0) {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

  // The number of the entry that the next Pop will take.
  uint32_t Next() const noexcept { return head_.load(std::memory_order_relaxed); }
  // The entry of that number, or of one behind it; kEmpty when there is none.
  uint32_t PeekAt(uint32_t at) const noexcept {
    const uint64_t seen =
        lines_[(at & mask_) >> 3].cells[at & 7].load(std::memory_order_acquire);  // pairs with Push
    return static_cast<uint32_t>(seen >> 32) == at + 1 ? static_cast<uint32_t>(seen) : kEmpty;
  }
  // What the Pop behind `ahead` others will return if nobody else pops; kEmpty when there is none.
  uint32_t Peek(uint32_t ahead) const noexcept { return PeekAt(Next() + ahead); }
  // Takes the `count` entries from number `at` on, all of which PeekAt has seen. False, and none:
  // somebody has popped since `at` was Next.
  bool PopSeen(uint32_t at, uint32_t count) noexcept {
    uint32_t expected = at;
    if (!head_.compare_exchange_strong(expected, at + count, std::memory_order_relaxed)) {
      return false;
    }
    for (uint32_t i = at; i != at + count; ++i) {
      CellAt(i).store(uint64_t{i + mask_ + 1} << 32, std::memory_order_release);  // pairs with Push
    }
    return true;
  }

  size_t bytes() const { return lines_.bytes(); }

 private:
  struct alignas(kCacheLineBytes) CellLine {
    std::atomic<uint64_t> cells[8];  // sequence << 32 | value
  };

  std::atomic<uint64_t>& CellAt(uint32_t at) { return lines_[(at & mask_) >> 3].cells[at & 7]; }

  AlignedArray<CellLine> lines_;
  uint32_t mask_ = 0;
  alignas(kCacheLineBytes) std::atomic<uint32_t> head_{0};
  alignas(kCacheLineBytes) std::atomic<uint32_t> tail_{0};
};

}  // namespace sluice
