// One pointer through which workers see the current generation of something immutable (the
// Snapshot), and the bounded list of replaced generations that some worker may still hold.
//
// Threads. Load: any worker that is online; what it returns is good until the worker's next
// ReportQuiescent or Offline. Everything else: the control thread, that is, the holder of a lock;
// but AllReached and LaggardOf need only that nobody publishes meanwhile. Nothing blocks. The
// control thread destroys; a worker never does.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "dataplane/publish/qsbr.h"

namespace sluice {

inline constexpr uint32_t kMaxRetired = 16;      // replaced generations still waiting
inline constexpr uint32_t kPublishHistory = 64;  // generations whose arrival can still be asked for

template <typename T>
class Publisher {
 public:
  // `qsbr` outlives the publisher.
  explicit Publisher(Qsbr& qsbr) : qsbr_(qsbr) {}
  // All workers are offline or gone.
  ~Publisher() { SLUICE_CHECK(qsbr_.IsOver(qsbr_.Begin())); }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // --- workers ---

  // nullptr before the first Publish. Sequentially consistent (a plain move on x86): pairs with the
  // store of Publish, in one order with Online and IsOver.
  const T* Load() const noexcept { return current_.load(std::memory_order_seq_cst); }

  // --- control thread ---

  // Makes `next` what every later Load returns and retires its predecessor. `generation` is above
  // every earlier one. ResourceExhausted when kMaxRetired predecessors still wait for a worker:
  // nothing is published then, and the message names the worker.
  absl::Status Publish(std::shared_ptr<const T> next, uint64_t generation) {
    Reclaim();
    if (owner_ != nullptr && retired_count_ == kMaxRetired) {
      return absl::ResourceExhaustedError(
          "publish refused: " + std::to_string(kMaxRetired) +
          " replaced generations wait for worker " +
          std::to_string(qsbr_.Laggard(retired_[retired_first_].period)));
    }
    current_.store(next.get(), std::memory_order_seq_cst);
    const uint64_t period = qsbr_.Begin();
    if (owner_ != nullptr) {
      retired_[(retired_first_ + retired_count_++) % kMaxRetired] = {std::move(owner_), period};
    }
    owner_ = std::move(next);
    generation_ = generation;
    history_[published_++ % kPublishHistory] = {generation, period};
    return absl::OkStatus();
  }

  // Destroys the replaced generations that no worker can hold any more; how many are left.
  uint32_t Reclaim() {
    while (retired_count_ != 0 && qsbr_.IsOver(retired_[retired_first_].period)) {
      retired_[retired_first_].owner.reset();
      retired_first_ = (retired_first_ + 1) % kMaxRetired;
      --retired_count_;
    }
    return retired_count_;
  }

  // True when every online worker has finished what it did before `generation` was published: every
  // packet received later is judged by it or a newer one (decision 20). False for a generation that
  // was never published.
  bool AllReached(uint64_t generation) const { return LaggardOf(generation) == kNoWorker; }
  // The first worker that has not, or kNoWorker; worker 0 for a generation not published.
  uint32_t LaggardOf(uint64_t generation) const {
    if (generation > generation_ || published_ == 0) {
      return 0;
    }
    const uint64_t kept = published_ < kPublishHistory ? published_ : kPublishHistory;
    for (uint64_t i = 1; i <= kept; ++i) {
      const Published& p = history_[(published_ - i) % kPublishHistory];
      if (p.generation <= generation) {
        return p.generation == generation ? qsbr_.Laggard(p.period) : 0;
      }
    }
    return kNoWorker;  // so old that its successors have been reclaimed: kMaxRetired <
                       // kPublishHistory
  }

  const std::shared_ptr<const T>& current() const { return owner_; }
  uint64_t generation() const { return generation_; }
  uint32_t retired_count() const { return retired_count_; }

 private:
  static_assert(kMaxRetired < kPublishHistory);

  struct Retired {
    std::shared_ptr<const T> owner;
    uint64_t period = 0;
  };
  struct Published {
    uint64_t generation = 0;
    uint64_t period = 0;
  };

  alignas(kCacheLineBytes) std::atomic<const T*> current_{nullptr};
  alignas(kCacheLineBytes) Qsbr& qsbr_;
  std::shared_ptr<const T> owner_;
  uint64_t generation_ = 0;
  Retired retired_[kMaxRetired];
  uint32_t retired_first_ = 0;
  uint32_t retired_count_ = 0;
  Published history_[kPublishHistory];
  uint64_t published_ = 0;
};

}  // namespace sluice
