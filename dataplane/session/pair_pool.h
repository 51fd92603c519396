// The free pairs of a session table: a lock-free stack threaded through one 32-bit link a pair,
// which also holds the pair's life state while it is in no list.
//
// Theory: Treiber, "Systems programming: coping with parallelism" (IBM RJ 5118, 1986). The head
// carries a 32-bit count against ABA. Push and Pop may be called from any thread. A popped index
// belongs to the caller.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/base/aligned_array.h"
#include "dataplane/session/session_line.h"

namespace sluice {

// What a link holds while the pair is in no list. Values below are the index of the next pair of
// the list.
inline constexpr uint32_t kLinkEnd = 0xffff'fff0;        // last of a list
inline constexpr uint32_t kLinkClaimed = 0xffff'fff1;    // one worker is admitting it
inline constexpr uint32_t kLinkLive = 0xffff'fff2;       // published
inline constexpr uint32_t kLinkUnlinking = 0xffff'fff3;  // one thread owns its removal or change

struct alignas(kCacheLineBytes) PairLinkLine {
  std::atomic<uint32_t> links[16];
};
static_assert(sizeof(PairLinkLine) == 64);

class PairLinks {
 public:
  bool Make(MemorySource& source, uint32_t pair_count) {
    lines_ = AlignedArray<PairLinkLine>::Make(source, "session_links", (pair_count + 15) / 16);
    return lines_.ok();
  }
  std::atomic<uint32_t>& operator[](PairIdx pair) {
    return lines_[pair.value >> 4].links[pair.value & 15];
  }
  const std::atomic<uint32_t>& operator[](PairIdx pair) const {
    return lines_[pair.value >> 4].links[pair.value & 15];
  }
  size_t bytes() const { return lines_.bytes(); }

 private:
  AlignedArray<PairLinkLine> lines_;
};

class PairStack {
 public:
  // A None index when empty. The link becomes kLinkClaimed.
  PairIdx Pop(PairLinks& links) noexcept {
    uint64_t head = head_.load(std::memory_order_acquire);  // pairs with the release of Push
    while (true) {
      const uint32_t idx = static_cast<uint32_t>(head);
      if (idx == kLinkEnd) {
        return PairIdx::None();
      }
      const uint32_t next = links[PairIdx(idx)].load(std::memory_order_relaxed);
      const uint64_t wanted = ((head >> 32) + 1) << 32 | next;
      if (head_.compare_exchange_weak(head, wanted, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        count_.fetch_sub(1, std::memory_order_relaxed);
        links[PairIdx(idx)].store(kLinkClaimed, std::memory_order_relaxed);
        return PairIdx(idx);
      }
    }
  }

  // All of `count` pairs at once; false, and none, when there are fewer.
  bool PopMany(PairLinks& links, uint32_t count, PairIdx* pairs) noexcept {
    uint64_t head = head_.load(std::memory_order_acquire);  // pairs with the release of Push
    while (true) {
      uint32_t idx = static_cast<uint32_t>(head);
      uint32_t seen = 0;
      for (; seen < count && idx < kLinkEnd; ++seen) {
        pairs[seen] = PairIdx(idx);
        idx = links[PairIdx(idx)].load(std::memory_order_relaxed);
      }
      // A link that somebody has taken meanwhile led astray: then the head is another, too.
      const uint64_t wanted = ((head >> 32) + 1) << 32 | idx;
      if (seen < count) {
        const uint64_t again = head_.load(std::memory_order_acquire);
        if (again == head) {
          return false;
        }
        head = again;
      } else if (head_.compare_exchange_weak(head, wanted, std::memory_order_acquire,
                                             std::memory_order_acquire)) {
        break;
      }
    }
    count_.fetch_sub(count, std::memory_order_relaxed);
    for (uint32_t i = 0; i < count; ++i) {
      links[pairs[i]].store(kLinkClaimed, std::memory_order_relaxed);
    }
    return true;
  }

  void Push(PairLinks& links, PairIdx pair) noexcept { PushMany(links, &pair, 1); }

  void PushMany(PairLinks& links, const PairIdx* pairs, uint32_t count) noexcept {
    if (count == 0) {
      return;
    }
    uint64_t head = head_.load(std::memory_order_relaxed);
    count_.fetch_add(count, std::memory_order_relaxed);
    for (uint32_t i = 1; i < count; ++i) {
      links[pairs[i - 1]].store(pairs[i].value, std::memory_order_relaxed);
    }
    while (true) {
      links[pairs[count - 1]].store(static_cast<uint32_t>(head), std::memory_order_relaxed);
      const uint64_t wanted = ((head >> 32) + 1) << 32 | pairs[0].value;
      // Release: whoever pops the pair sees everything done to it; pairs with Pop and TakeAll.
      if (head_.compare_exchange_weak(head, wanted, std::memory_order_release,
                                      std::memory_order_relaxed)) {
        return;
      }
    }
  }

  // The whole list at once: the index of its first pair, or kLinkEnd. Follow the links to kLinkEnd.
  uint32_t TakeAll() noexcept {
    uint64_t head = head_.load(std::memory_order_acquire);
    while (true) {
      const uint64_t wanted = ((head >> 32) + 1) << 32 | kLinkEnd;
      if (head_.compare_exchange_weak(head, wanted, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return static_cast<uint32_t>(head);
      }
    }
  }

  // Calls `see` with the pairs that the next `count` Pops will return if nobody else comes between.
  template <typename See>
  void Peek(const PairLinks& links, uint32_t count, See see) const noexcept {
    auto idx = static_cast<uint32_t>(head_.load(std::memory_order_acquire));
    for (uint32_t i = 0; i < count && idx < kLinkEnd; ++i) {
      see(PairIdx(idx));
      idx = links[PairIdx(idx)].load(std::memory_order_relaxed);
    }
  }

  // Exact at quiescence. Only meaningful for stacks emptied by Pop.
  uint32_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  alignas(kCacheLineBytes) std::atomic<uint64_t> head_{kLinkEnd};
  std::atomic<uint32_t> count_{0};
};

}  // namespace sluice
