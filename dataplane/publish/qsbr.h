// Quiescent-state-based reclamation: which workers may still hold what the control thread has
// replaced.
//
// Theory: McKenney and Slingwine, "Read-copy update" (1998); Hart et al., "Performance of memory
// reclamation for lockless synchronization" (2007). A global token counts grace periods. After each
// burst, holding nothing, a worker copies the token into a cache line of its own. A period is over
// when every online worker's copy has reached its token.
//
// Threads. Online, Offline, ReportQuiescent: the worker named by the index, which is its own.
// Everything else: the control thread. Nothing here blocks.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/base/check.h"
#include "dataplane/base/grace_period.h"

namespace sluice {

inline constexpr uint32_t kMaxWorkers = 64;
inline constexpr uint32_t kNoWorker = 0xffffffff;

class Qsbr final : public GracePeriods {
 public:
  // Workers 0 .. worker_count-1, all offline. At most kMaxWorkers.
  explicit Qsbr(uint32_t worker_count) : worker_count_(worker_count) {
    SLUICE_CHECK(worker_count <= kMaxWorkers);
  }

  uint32_t worker_count() const { return worker_count_; }

  // --- workers ---

  // Before the first Load, and after every Offline. An exchange, because it must be seen before the
  // worker's next load of a published pointer; pairs with the loads of IsOver.
  void Online(uint32_t worker) noexcept {
    workers_[worker].seen.exchange(token_.load(std::memory_order_seq_cst),
                                   std::memory_order_seq_cst);
  }
  // Before any sleep, and at the end. The worker holds nothing.
  void Offline(uint32_t worker) noexcept {
    workers_[worker].seen.store(kOffline, std::memory_order_release);
  }
  // After each burst: the worker holds nothing it got before. One load of a shared line, one store
  // to its own.
  void ReportQuiescent(uint32_t worker) noexcept {
    // Acquire: pairs with Begin, so the worker's next Load sees what was published before. Release:
    // pairs with IsOver.
    const uint64_t token = token_.load(std::memory_order_acquire);
    workers_[worker].seen.store(token, std::memory_order_release);
  }

  // --- control thread ---

  uint64_t Begin() override { return token_.fetch_add(1, std::memory_order_seq_cst) + 1; }
  bool IsOver(uint64_t period) const override { return Laggard(period) == kNoWorker; }
  // The first worker that has not passed the period yet, or kNoWorker.
  uint32_t Laggard(uint64_t period) const {
    for (uint32_t w = 0; w < worker_count_; ++w) {
      const uint64_t seen = workers_[w].seen.load(std::memory_order_seq_cst);
      if (seen != kOffline && seen < period) {
        return w;
      }
    }
    return kNoWorker;
  }

 private:
  static constexpr uint64_t kOffline = 0;

  struct alignas(kCacheLineBytes) WorkerLine {
    std::atomic<uint64_t> seen{kOffline};
  };

  alignas(kCacheLineBytes) std::atomic<uint64_t> token_{1};
  uint32_t worker_count_;
  WorkerLine workers_[kMaxWorkers];
};

}  // namespace sluice
