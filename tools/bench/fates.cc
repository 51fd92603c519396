#include "tools/bench/fates.h"

#include <algorithm>

namespace sluice {

std::string Fates::FirstDrop() const {
  const auto most = std::max_element(reasons.begin(), reasons.end());
  return *most == 0 ? std::string()
                    : std::string(DropReasonName(static_cast<DropReason>(most - reasons.begin())));
}

double HitRate(const Fates& fates) {
  return fates.received == 0
             ? 0
             : static_cast<double>(fates.hits) / static_cast<double>(fates.received);
}

Fates CountFates(const WorkerCounters& counters) {
  Fates all;
  for (const PortCounters& port : counters.ports) {
    all.received += port.received.Read();
    all.forwarded += port.forwarded.Read();
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      all.consumed += port.consumed[reason].Read();
      all.dropped += port.dropped[reason].Read();
      all.reasons[reason] += port.dropped[reason].Read();
    }
  }
  all.hits = counters.session_hits.Read();
  all.misses = counters.session_misses.Read();
  all.walks = counters.session_walks.Read();
  return all;
}

Fates operator-(const Fates& after, const Fates& before) {
  Fates difference;
  difference.received = after.received - before.received;
  difference.forwarded = after.forwarded - before.forwarded;
  difference.consumed = after.consumed - before.consumed;
  difference.dropped = after.dropped - before.dropped;
  difference.hits = after.hits - before.hits;
  difference.misses = after.misses - before.misses;
  difference.walks = after.walks - before.walks;
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    difference.reasons[reason] = after.reasons[reason] - before.reasons[reason];
  }
  return difference;
}

}  // namespace sluice
