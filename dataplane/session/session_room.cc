// What pairs are counted in, and how room is made for one more.
#include "dataplane/session/session_table.h"

namespace sluice {

std::atomic<uint32_t>* SessionTable::InterfaceCount(uint32_t interface_idx) noexcept {
  return interface_idx < interface_count_
             ? &interface_counts_[interface_idx >> 4].counts[interface_idx & 15]
             : nullptr;
}

std::atomic<uint32_t>* SessionTable::VpcCount(uint32_t vpc_idx) noexcept {
  return vpc_idx < vpc_count_ ? &vpc_counts_[vpc_idx >> 4].counts[vpc_idx & 15] : nullptr;
}

void SessionTable::Count(const SessionCold& cold, int32_t by) noexcept {
  const uint32_t step = static_cast<uint32_t>(by);
  if (!cold.counted()) {
    cache_only_.fetch_add(step, std::memory_order_relaxed);
    return;
  }
  counted_.fetch_add(step, std::memory_order_relaxed);
  std::atomic<uint32_t>* counts[3] = {
      (cold.flags & kPairTrackedByInitiator) != 0 ? InterfaceCount(cold.initiator_interface_idx)
                                                  : nullptr,
      (cold.flags & kPairTrackedByResponder) != 0 ? InterfaceCount(cold.responder_interface_idx)
                                                  : nullptr,
      VpcCount(cold.vpc_idx)};
  for (std::atomic<uint32_t>* count : counts) {
    if (count != nullptr) {
      count->fetch_add(step, std::memory_order_relaxed);
    }
  }
}

// Whether `more` pairs of this kind would be within the limits of its interfaces and VPC.
ClaimOutcome SessionTable::CheckLimits(const SessionCold& cold, const SessionLimits& limits,
                                       uint32_t more, Admission& admission) noexcept {
  const auto over = [more](const std::atomic<uint32_t>* count, uint32_t limit) {
    return limit != 0 && count != nullptr && count->load(std::memory_order_relaxed) + more > limit;
  };
  if ((cold.flags & kPairTrackedByInitiator) != 0 &&
      over(InterfaceCount(cold.initiator_interface_idx), limits.initiator_interface)) {
    admission.full_interface_idx = cold.initiator_interface_idx;
    return ClaimOutcome::kLimit;
  }
  if ((cold.flags & kPairTrackedByResponder) != 0 &&
      over(InterfaceCount(cold.responder_interface_idx), limits.responder_interface)) {
    admission.full_interface_idx = cold.responder_interface_idx;
    return ClaimOutcome::kLimit;
  }
  return over(VpcCount(cold.vpc_idx), limits.vpc) ? ClaimOutcome::kLimit : ClaimOutcome::kClaimed;
}

// Looks before it counts, so that a flood against a limit writes no shared line; counts before it
// looks again, so that two workers cannot both take the last place.
ClaimOutcome SessionTable::Reserve(const SessionCold& cold, const SessionLimits& limits,
                                   Admission& admission) noexcept {
  if (!cold.counted()) {
    Count(cold, 1);
    return ClaimOutcome::kClaimed;
  }
  if (CheckLimits(cold, limits, 1, admission) != ClaimOutcome::kClaimed) {
    return ClaimOutcome::kLimit;
  }
  Count(cold, 1);
  if (CheckLimits(cold, limits, 0, admission) != ClaimOutcome::kClaimed) {
    Count(cold, -1);
    return ClaimOutcome::kLimit;
  }
  if (counted_.load(std::memory_order_relaxed) > capacity_ && !EvictClosed()) {
    Count(cold, -1);
    pressure_.store(true, std::memory_order_relaxed);
    return ClaimOutcome::kFull;
  }
  return ClaimOutcome::kClaimed;
}

bool SessionTable::EvictClosed() noexcept {
  for (uint32_t step = 0; step < kEvictionSteps; ++step) {
    const PairIdx pair = closed_.Pop();
    if (!pair.has_value()) {
      return false;
    }
    if (IsLive(pair) &&
        PairIsClosed(Line(ForwardLine(pair)).state.load(std::memory_order_relaxed),
                     Line(ReverseLine(pair)).state.load(std::memory_order_relaxed)) &&
        Unlink(pair)) {
      return true;
    }
  }
  return false;
}

bool SessionTable::EvictCacheOnly() noexcept {
  if (cache_only_.load(std::memory_order_relaxed) == 0) {
    return false;
  }
  for (uint32_t step = 0; step < kEvictionSteps; ++step) {
    const PairIdx pair(evict_hand_.fetch_add(1, std::memory_order_relaxed) % pair_count_);
    if (IsLive(pair) && !LoadCold(pair).counted() && Unlink(pair)) {
      return true;
    }
  }
  return false;
}

PairIdx SessionTable::TakePair(bool counted) noexcept {
  if (free_.count() <= spare_floor_) {
    pressure_.store(true, std::memory_order_relaxed);
    if (!counted) {
      return PairIdx::None();
    }
    (void)EvictCacheOnly();  // its pair comes back after the grace period; this admission uses a
                             // spare one
  }
  return free_.Pop(links_);
}

}  // namespace sluice
