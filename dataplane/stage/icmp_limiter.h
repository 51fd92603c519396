// How many ICMP errors the router sends back per second: a token bucket for each side they go to
// (RFC 1812 4.3.2.8), so that one tenant's noise never silences another's errors. One limiter a
// worker; time is an argument.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dataplane/packet/ids.h"

namespace sluice {

class IcmpLimiter {
 public:
  static constexpr uint32_t kPerSecond = 100;
  static constexpr uint32_t kBurst = 100;

  // `side_count` buckets, at least 1; sides beyond share them. Memory: 8 bytes each.
  explicit IcmpLimiter(uint32_t side_count = 65536) : buckets_(side_count == 0 ? 1 : side_count) {}

  // Takes one error's allowance. now_ms: of the session clock, wraps; differences are signed.
  bool Allow(InterfaceIdx side, uint32_t now_ms) noexcept {
    Bucket& bucket = buckets_[side.index() % buckets_.size()];
    const auto elapsed_ms = static_cast<int32_t>(now_ms - bucket.since_ms);
    if (bucket.since_ms == 0 && bucket.spent == 0) {
      bucket.since_ms = now_ms;
    } else if (elapsed_ms > 0) {
      // One error every 1000 / kPerSecond ms comes back; the rest of the time is kept for later.
      const uint32_t back = static_cast<uint32_t>(elapsed_ms) / kIntervalMs;
      bucket.spent -= std::min(bucket.spent, back);
      bucket.since_ms += back * kIntervalMs;
    }
    if (bucket.spent >= kBurst) {
      return false;
    }
    ++bucket.spent;
    return true;
  }

 private:
  static constexpr uint32_t kIntervalMs = 1000 / kPerSecond;
  struct Bucket {
    uint32_t since_ms = 0;  // up to when returns have been counted
    uint32_t spent = 0;     // 0..kBurst
  };

  std::vector<Bucket> buckets_;
};

}  // namespace sluice
