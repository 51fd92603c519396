// How pairs leave the session table, and come back to its free ones.
#include "dataplane/session/session_table.h"

namespace sluice {

// False: another thread has it, or it is gone. Acquire: pairs with Publish.
bool SessionTable::TakeForRemoval(PairIdx pair) noexcept {
  uint32_t expected = kLinkLive;
  return links_[pair].compare_exchange_strong(expected, kLinkUnlinking, std::memory_order_acq_rel,
                                              std::memory_order_relaxed);
}

bool SessionTable::Unlink(PairIdx pair) noexcept {
  if (!TakeForRemoval(pair)) {
    return false;
  }
  RemoveLine(ForwardLine(pair));
  RemoveLine(ReverseLine(pair));
  Count(LoadCold(pair), -1);
  unlinked_.Push(links_, pair);
  return true;
}

void SessionTable::CountIdleTimeout(PairIdx pair, const SessionCold& cold) noexcept {
  const SessionLine& forward = Line(ForwardLine(pair));
  const bool closed = PairIsClosed(forward.state.load(std::memory_order_relaxed),
                                   Line(ReverseLine(pair)).state.load(std::memory_order_relaxed));
  if (KeyOf(forward).protocol() == kProtocolTcp && !closed &&
      cold.nat_gateway_idx < nat_gateway_count_) {
    idle_timeouts_[cold.nat_gateway_idx >> 3].counts[cold.nat_gateway_idx & 7].fetch_add(
        1, std::memory_order_relaxed);
  }
}

bool SessionTable::ExpireNat(PairIdx pair) noexcept {
  if (!TakeForRemoval(pair)) {
    return false;
  }
  SessionCold cold = LoadCold(pair);
  const bool first = cold.nat() && (cold.flags & kPairNatExpired) == 0;
  if (first) {
    RemoveLine(ReverseLine(pair));
    cold.flags |= kPairNatExpired;
    StoreCold(pair, cold);
    CountIdleTimeout(pair, cold);
  }
  links_[pair].store(kLinkLive, std::memory_order_release);
  return first;
}

void SessionTable::NoteClosed(const LineIdx* lines, const uint64_t* hashes,
                              LaneBits which) noexcept {
  if (which == 0 || closed_.IsFull()) {
    return;
  }
  LateArray<SessionKey, kFindBatch> keys;
  uint64_t peers[kFindBatch];
  uint32_t count = 0;
  ForBits(which, [&](uint32_t i) { keys.Make(count++) = KeyOf(Line(PeerOf(lines[i]))); });
  hasher_.Hash(&keys[0], peers, count);
  LateArray<ClosedPair, kFindBatch> closed;
  count = 0;
  ForBits(which, [&](uint32_t i) {
    const uint32_t own = HomeOf(hashes[i], bucket_count_);
    const uint32_t peer = HomeOf(peers[count], bucket_count_);
    closed.Make(count++) = IsForward(lines[i]) ? ClosedPair{PairOf(lines[i]), own, peer}
                                               : ClosedPair{PairOf(lines[i]), peer, own};
  });
  closed_.Push(&closed[0], count);
}

PairIdx SessionTable::TakeUnlinked() noexcept {
  const uint32_t first = unlinked_.TakeAll();
  return first == kLinkEnd ? PairIdx::None() : PairIdx(first);
}

PairIdx SessionTable::NextUnlinked(PairIdx pair) const noexcept {
  const uint32_t next = links_[pair].load(std::memory_order_relaxed);
  return next == kLinkEnd ? PairIdx::None() : PairIdx(next);
}

void SessionTable::Free(PairIdx pair) noexcept {
  free_.Push(links_, pair);
}

}  // namespace sluice
