#include "control/explain/fragment_cache.h"

#include <algorithm>

#include "dataplane/base/check.h"

namespace sluice {

bool WorldFragmentCache::Datagram::IsComplete() const {
  size_t covered = 0;
  for (const auto& [begin, range_end] : ranges) {
    covered += range_end - begin;  // ranges never overlap
  }
  return end.has_value() && covered == *end;
}

FragmentKey WorldFragmentCache::KeyOf(const std::string& side, const Packet& packet) {
  return {side, packet.header.source, packet.header.destination, packet.header.protocol,
          packet.identification};
}

std::vector<HeldFragment> WorldFragmentCache::TakeExpired(int64_t now_ns) {
  std::vector<HeldFragment> expired;
  for (auto it = datagrams_.begin(); it != datagrams_.end();) {
    Datagram& datagram = it->second;
    std::vector<HeldFragment> kept;
    for (HeldFragment& held : datagram.held) {
      if (now_ns - held.arrived_ns <= kFragmentHoldNs) {
        kept.push_back(std::move(held));
        continue;
      }
      expired.push_back(std::move(held));
    }
    datagram.held = std::move(kept);
    const bool forgotten =
        now_ns - datagram.first_seen_ns > kFragmentMemoryNs && datagram.held.empty();
    it = forgotten ? datagrams_.erase(it) : std::next(it);
  }
  std::sort(expired.begin(), expired.end(), [](const HeldFragment& a, const HeldFragment& b) {
    return a.arrival_number < b.arrival_number;
  });
  return expired;
}

std::vector<HeldFragment> WorldFragmentCache::TakeAll() {
  std::vector<HeldFragment> all;
  for (auto& [key, datagram] : datagrams_) {
    for (HeldFragment& held : datagram.held) {
      all.push_back(std::move(held));
    }
  }
  datagrams_.clear();
  std::sort(all.begin(), all.end(), [](const HeldFragment& a, const HeldFragment& b) {
    return a.arrival_number < b.arrival_number;
  });
  return all;
}

bool WorldFragmentCache::Datagram::Accept(const Packet& packet) {
  const size_t from = packet.fragment_offset_bytes;
  const size_t to = from + packet.PayloadBytes();
  bool fits = !end.has_value() || (to <= *end && packet.more_fragments);
  for (const auto& [other_from, other_to] : ranges) {
    const bool overlaps = from < other_to && other_from < to;
    fits = fits && !overlaps && (packet.more_fragments || other_to <= to);
  }
  if (!fits) {
    return false;
  }
  ranges.emplace_back(from, to);
  if (!packet.more_fragments) {
    end = to;
  }
  return true;
}

FragmentStep WorldFragmentCache::File(const FragmentKey& key, const Packet& packet,
                                      int64_t now_ns) {
  const bool first = !packet.IsLaterFragment();
  const auto known = datagrams_.find(key);
  if (known != datagrams_.end() && first && known->second.IsComplete()) {
    datagrams_.erase(known);
  }
  const auto [at, is_new] = datagrams_.try_emplace(key);
  Datagram& datagram = at->second;
  if (is_new) {
    datagram.first_seen_ns = now_ns;
  }
  if (!first && !datagram.fate.has_value()) {
    return FragmentStep::kHold;
  }
  return datagram.Accept(packet) ? FragmentStep::kProceed : FragmentStep::kOverlap;
}

void WorldFragmentCache::Hold(const FragmentKey& key, HeldFragment fragment) {
  datagrams_[key].held.push_back(std::move(fragment));
}

const FirstFragmentFate& WorldFragmentCache::FateOf(const FragmentKey& key) const {
  const auto found = datagrams_.find(key);
  SLUICE_CHECK(found != datagrams_.end() && found->second.fate.has_value());
  return *found->second.fate;
}

std::vector<HeldFragment> WorldFragmentCache::Settle(const FragmentKey& key,
                                                     const FirstFragmentFate& fate) {
  Datagram& datagram = datagrams_[key];
  datagram.fate = fate;
  return std::move(datagram.held);
}

}  // namespace sluice
