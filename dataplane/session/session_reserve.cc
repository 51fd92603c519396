// Room for several admissions at once: what all workers write (counts, the list of free pairs, that
// of removed ones, the ring of finished ones) is written once for all of them.
#include <algorithm>
#include <bit>

#include "dataplane/session/session_state.h"
#include "dataplane/session/session_table.h"

namespace sluice {
namespace {

// Places that nobody reserves together: more than a burst's packets can take one by one meanwhile,
// so that it makes no difference which of them came first.
constexpr uint32_t kLastPlaces = 256;

}  // namespace

// What a few admissions and removals change counts by, one entry a count.
class SessionTable::CountChanges {
 public:
  // `limit` of the count, 0: none. `by` is 1 or, of one removed, -1.
  void Add(std::atomic<uint32_t>* count, uint32_t limit, uint32_t by) noexcept {
    if (count == nullptr) {
      return;
    }
    Change& change = Of(count);
    change.limit = limit == 0 ? change.limit : limit;
    change.by += by;
  }
  // Whether no count comes near its limit.
  bool HaveRoom() const noexcept {
    return std::all_of(changes_, changes_ + size_, [](const Change& change) {
      return change.limit == 0 ||
             uint64_t{change.count->load(std::memory_order_relaxed)} + kFindBatch + kLastPlaces <=
                 change.limit;
    });
  }
  // False: other workers have come between, and a count is beyond its limit.
  bool Apply() noexcept {
    bool within = true;
    for (uint32_t i = 0; i < size_; ++i) {
      const Change& change = changes_[i];
      if (change.by != 0) {
        const uint32_t before = change.count->fetch_add(change.by, std::memory_order_relaxed);
        within &= change.limit == 0 || static_cast<int32_t>(change.by) < 0 ||
                  before + change.by <= change.limit;
      }
    }
    return within;
  }

 private:
  struct Change {
    std::atomic<uint32_t>* count;
    uint32_t limit;
    uint32_t by;
  };
  static constexpr uint32_t kMost = 3 * 2 * kFindBatch;  // counts, of pairs that come and that go
  static constexpr uint32_t kSlots = 512;
  static_assert(kSlots > kMost && std::has_single_bit(kSlots));

  // The entry of a count, made if there is none. Counts lie side by side, so the low bits of their
  // addresses tell nearly all of them apart.
  Change& Of(std::atomic<uint32_t>* count) noexcept {
    auto slot = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(count) / sizeof(*count));
    while (true) {
      uint16_t& entry = entries_[slot++ % kSlots];
      if (entry == 0) {
        changes_[size_++] = {count, 0, 0};
        entry = static_cast<uint16_t>(size_);
        return changes_[size_ - 1];
      }
      if (changes_[entry - 1].count == count) {
        return changes_[entry - 1];
      }
    }
  }

  Change changes_[kMost];
  uint16_t entries_[kSlots] = {};  // by address: number of the entry, from 1; 0: none
  uint32_t size_ = 0;
};

void SessionTable::LookAhead(uint32_t count, LeavingPairs& leaving) const noexcept {
  leaving.count = 0;
  if (counted_.load(std::memory_order_relaxed) + count > capacity_) {
    leaving.first = closed_.Next();
    for (; leaving.count < count; ++leaving.count) {
      ClosedPair& closed = leaving.closed.Make(leaving.count);
      if (!closed_.PeekAt(leaving.first + leaving.count, closed)) {
        break;
      }
      PrefetchPair(closed.pair);
      PrefetchWrite(&links_[closed.pair]);
      PrefetchWrite(&buckets_[closed.forward_home]);
      PrefetchWrite(&buckets_[closed.reverse_home]);
    }
  }
  free_.Peek(links_, count, [this](PairIdx pair) { PrefetchPair(pair); });
}

void SessionTable::NoteCounts(const SessionCold& cold, const SessionLimits& limits, uint32_t by,
                              CountChanges& changes) noexcept {
  if ((cold.flags & kPairTrackedByInitiator) != 0) {
    changes.Add(InterfaceCount(cold.initiator_interface_idx), limits.initiator_interface, by);
  }
  if ((cold.flags & kPairTrackedByResponder) != 0) {
    changes.Add(InterfaceCount(cold.responder_interface_idx), limits.responder_interface, by);
  }
  changes.Add(VpcCount(cold.vpc_idx), limits.vpc, by);
}

// Returns how many counted ones have gone. Their counts are noted, all but that of the table.
uint32_t SessionTable::EvictTogether(const LeavingPairs& leaving, uint32_t count,
                                     CountChanges& changes) noexcept {
  if (leaving.count < count || !closed_.PopSeen(leaving.first, count)) {
    return 0;
  }
  PairIdx gone[kFindBatch];
  uint32_t removed = 0;
  uint32_t evicted = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const ClosedPair& closed = leaving.closed[i];
    const PairIdx pair = closed.pair;
    if (IsLive(pair) &&
        PairIsClosed(Line(ForwardLine(pair)).state.load(std::memory_order_relaxed),
                     Line(ReverseLine(pair)).state.load(std::memory_order_relaxed)) &&
        TakeForRemoval(pair)) {
      RemoveLine(ForwardLine(pair), closed.forward_home);
      RemoveLine(ReverseLine(pair), closed.reverse_home);
      gone[removed++] = pair;
      const SessionCold cold = LoadCold(pair);
      if (cold.counted()) {
        NoteCounts(cold, {}, ~0u, changes);
        ++evicted;
      } else {
        Count(cold, -1);
      }
    }
  }
  unlinked_.PushMany(links_, gone, removed);
  return evicted;
}

bool SessionTable::ReserveTogether(const PairDemand* const* demands, uint32_t count,
                                   const LeavingPairs& leaving, PairIdx* pairs) noexcept {
  const uint32_t spare = free_.count();
  if (spare < kFindBatch + kLastPlaces ||
      (spare <= spare_floor_ && cache_only_.load(std::memory_order_relaxed) != 0)) {
    return false;
  }
  CountChanges changes;
  for (uint32_t i = 0; i < count; ++i) {
    if (!demands[i]->cold.counted()) {
      return false;
    }
    NoteCounts(demands[i]->cold, demands[i]->limits, 1, changes);
  }
  if (!changes.HaveRoom()) {
    return false;
  }
  const uint32_t counted = counted_.fetch_add(count, std::memory_order_relaxed) + count;
  const uint32_t over = counted > capacity_ ? std::min(counted - capacity_, count) : 0;
  uint32_t evicted = 0;
  if (over != 0) {
    evicted = EvictTogether(leaving, over, changes);
    counted_.fetch_sub(evicted, std::memory_order_relaxed);
  }
  if (spare <= spare_floor_) {
    pressure_.store(true, std::memory_order_relaxed);
  }
  if (changes.Apply() && evicted == over && free_.PopMany(links_, count, pairs)) {
    return true;
  }
  for (uint32_t i = 0; i < count; ++i) {
    Count(demands[i]->cold, -1);
  }
  return false;
}

}  // namespace sluice
