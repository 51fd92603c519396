// What a worker counts: one struct a worker, written by it alone, read by the control thread at any
// time. Relaxed loads and stores only (no read-modify-write): a reader sees each counter whole, not
// all of one instant.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/base/cache_line.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

// A counter with one writer.
class OwnedCounter {
 public:
  // Owner only. Pairs with Read: relaxed, nothing is ordered by it.
  void Add(uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t Read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Fates of the packets received on one port: received = forwarded + consumed + dropped + held.
struct alignas(kCacheLineBytes) PortCounters {
  OwnedCounter received;
  OwnedCounter received_bytes;
  OwnedCounter forwarded;
  OwnedCounter consumed[kDropReasonCount];
  OwnedCounter dropped[kDropReasonCount];
  OwnedCounter held;      // taken by the fragment cache
  OwnedCounter released;  // given back by it; held - released are inside
  // Outputs: sent = forwarded there + extra fragments + originated - tx drops.
  OwnedCounter sent;
  OwnedCounter sent_bytes;
  OwnedCounter extra_fragments;
  OwnedCounter originated;
  OwnedCounter emit_drops;  // originated frames and pieces for which there was no buffer
  OwnedCounter tx_full;  // frames of any kind that the device, or the ring to its worker, refused
};

// One row of `show stages`.
struct StageCounters {
  OwnedCounter calls;
  OwnedCounter packets;
  OwnedCounter ticks;  // of the time-stamp counter; 0 where the stage is not timed
};

enum class StageId : uint8_t {
  kExpress,
  kParse,
  kInterface,
  kLocal,
  kFragment,
  kSession,
  kRoute,
  kSgEgress,
  kNaclEgress,
  kGateway,
  kNaclIngress,
  kSgIngress,
  kNat,
  kIcmpError,
  kMtuTtl,
  kAdmit,
  kRewrite,
  kAccount,
  kCount,
};
inline constexpr size_t kStageCount = static_cast<size_t>(StageId::kCount);

struct WorkerCounters {
  explicit WorkerCounters(size_t port_count) : ports(port_count) {}

  std::vector<PortCounters> ports;  // by PortIdx
  StageCounters stages[kStageCount];
  // Packets by what the session table said; a lane that is passed again counts again.
  OwnedCounter session_hits;    // the session's own walk was used
  OwnedCounter session_misses;  // no session
  OwnedCounter session_walks;   // of known sessions
};

}  // namespace sluice
