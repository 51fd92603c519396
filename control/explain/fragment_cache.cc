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
      const size_t begin = held.packet.fragment_offset_bytes;
      std::erase_if(datagram.ranges, [&](const auto& range) { return range.first == begin; });
      if (!held.packet.more_fragments) {
        datagram.end.reset();
      }
      expired.push_back(std::move(held));
    }
    datagram.held = std::move(kept);
    const bool forgotten = now_ns - datagram.first_seen_ns > kFragmentMemoryNs ||
                           (datagram.ranges.empty() && !datagram.fate.has_value());
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

FragmentStep WorldFragmentCache::File(const FragmentKey& key, const Packet& packet,
                                      int64_t now_ns) {
  const bool first = !packet.IsLaterFragment();
  const auto known = datagrams_.find(key);
  if (known != datagrams_.end() && first && known->second.IsComplete() &&
      known->second.held.empty()) {
    datagrams_.erase(known);
  }
  Datagram& datagram = datagrams_[key];
  if (datagram.ranges.empty() && !datagram.fate.has_value()) {
    datagram.first_seen_ns = now_ns;
  }
  const size_t begin = packet.fragment_offset_bytes;
  const size_t end = begin + packet.PayloadBytes();
  for (const auto& [other_begin, other_end] : datagram.ranges) {
    if (begin < other_end && other_begin < end) {
      return FragmentStep::kOverlap;
    }
  }
  datagram.ranges.emplace_back(begin, end);
  if (!packet.more_fragments) {
    datagram.end = end;
  }
  return first || datagram.fate.has_value() ? FragmentStep::kProceed : FragmentStep::kHold;
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
