// The oldest finished connections of a session table: a bounded first-in first-out ring of pairs
// with the buckets of their keys, so that whoever removes one asks for its index entries without
// reading its lines first. Any thread may push and pop. A full ring drops the new entries: the
// sweep finds those pairs in its turn.
//
// Theory: Vyukov, bounded multi-producer multi-consumer queue: each cell carries a sequence number
// that says whose turn it is, so producers and consumers meet only at their own counter.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/base/aligned_array.h"
#include "dataplane/base/cache_line.h"
#include "dataplane/session/session_line.h"

namespace sluice {

struct ClosedPair {
  PairIdx pair;
  uint32_t forward_home = 0;  // buckets of the keys that its lines had when it was noted
  uint32_t reverse_home = 0;
};

class ClosedRing {
 public:
  // `cell_count` is a power of two, at least 16.
  bool Make(MemorySource& source, uint32_t cell_count) {
    cells_ = AlignedArray<Cell>::Make(source, "session_closed_ring", cell_count);
    if (!cells_.ok()) {
      return false;
    }
    mask_ = cell_count - 1;
    for (uint32_t i = 0; i < cell_count; ++i) {
      CellAt(i).Clear(i);
    }
    return true;
  }

  // Those that find room, in order.
  void Push(const ClosedPair* closed, uint32_t count) noexcept {
    uint32_t at = tail_.load(std::memory_order_relaxed);
    while (count != 0) {
      const int32_t turn = TurnAt(at, 0);
      if (turn < 0) {
        return;  // full
      }
      uint32_t taken = turn == 0 ? 1 : 0;
      while (taken != 0 && taken < count && TurnAt(at + taken, 0) == 0) {
        ++taken;
      }
      if (taken == 0) {
        at = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(at, at + taken, std::memory_order_relaxed)) {
        for (uint32_t i = 0; i < taken; ++i) {
          CellAt(at + i).Fill(at + i + 1, closed[i]);
        }
        closed += taken;
        count -= taken;
        at += taken;
      }
    }
  }

  // None when there is none.
  PairIdx Pop() noexcept {
    uint32_t at = head_.load(std::memory_order_relaxed);
    while (true) {
      ClosedPair closed;
      if (PeekAt(at, closed)) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          CellAt(at).Clear(at + mask_ + 1);
          return closed.pair;
        }
      } else if (TurnAt(at, 1) < 0) {
        return PairIdx::None();
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

  // The number of the entry that the next Pop will take.
  uint32_t Next() const noexcept { return head_.load(std::memory_order_relaxed); }
  // The entry of that number, or of one behind it; false when there is none. Only if nobody has
  // popped it meanwhile are its parts of one entry: PopSeen tells.
  bool PeekAt(uint32_t at, ClosedPair& closed) const noexcept {
    const Cell& cell = CellAt(at);
    const uint64_t seen = cell.turn.load(std::memory_order_acquire);  // pairs with Fill
    if (static_cast<uint32_t>(seen >> 32) != at + 1) {
      return false;
    }
    const uint64_t homes = cell.homes.load(std::memory_order_relaxed);
    closed = {PairIdx(static_cast<uint32_t>(seen)), static_cast<uint32_t>(homes >> 32),
              static_cast<uint32_t>(homes)};
    return true;
  }
  bool IsEmpty() const noexcept {
    ClosedPair closed;
    return !PeekAt(Next(), closed);
  }
  // Whether Push would find no room.
  bool IsFull() const noexcept { return TurnAt(tail_.load(std::memory_order_relaxed), 0) < 0; }
  // Takes the `count` entries from number `at` on, all of which PeekAt has seen. False, and none:
  // somebody has popped since `at` was Next.
  bool PopSeen(uint32_t at, uint32_t count) noexcept {
    uint32_t expected = at;
    if (!head_.compare_exchange_strong(expected, at + count, std::memory_order_relaxed)) {
      return false;
    }
    for (uint32_t i = at; i != at + count; ++i) {
      CellAt(i).Clear(i + mask_ + 1);
    }
    return true;
  }

  size_t bytes() const { return cells_.bytes(); }

 private:
  struct alignas(16) Cell {
    std::atomic<uint64_t> turn;   // sequence << 32 | pair
    std::atomic<uint64_t> homes;  // forward << 32 | reverse

    void Fill(uint32_t sequence, const ClosedPair& closed) noexcept {
      homes.store(uint64_t{closed.forward_home} << 32 | closed.reverse_home,
                  std::memory_order_relaxed);
      turn.store(uint64_t{sequence} << 32 | closed.pair.value,
                 std::memory_order_release);  // pairs with PeekAt
    }
    void Clear(uint32_t sequence) noexcept {
      turn.store(uint64_t{sequence} << 32, std::memory_order_release);  // pairs with TurnAt
    }
  };

  Cell& CellAt(uint32_t at) { return cells_[at & mask_]; }
  const Cell& CellAt(uint32_t at) const { return cells_[at & mask_]; }
  // How far the cell of number `at` is beyond being free (`filled` 0) or filled (1).
  int32_t TurnAt(uint32_t at, uint32_t filled) const noexcept {
    const uint64_t seen = CellAt(at).turn.load(std::memory_order_acquire);  // pairs with Clear
    return static_cast<int32_t>(static_cast<uint32_t>(seen >> 32) - (at + filled));
  }

  AlignedArray<Cell> cells_;
  uint32_t mask_ = 0;
  alignas(kCacheLineBytes) std::atomic<uint32_t> head_{0};
  alignas(kCacheLineBytes) std::atomic<uint32_t> tail_{0};
};

}  // namespace sluice
