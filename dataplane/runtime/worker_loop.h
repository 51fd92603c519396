// What a worker does, again and again: receive, judge, send, report quiescence. The one place where
// packets enter and leave; frames are allocated and freed here and nowhere else.
//
// Made by the main thread; Run belongs to the worker's lcore; Stop may come from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/packet/batch.h"
#include "dataplane/publish/publisher.h"
#include "dataplane/runtime/devices.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

struct rte_mbuf;
struct rte_mempool;

namespace sluice {

enum class PollMode : uint8_t {
  kBusy,      // never sleeps
  kAdaptive,  // after kIdlePolls empty polls sleeps kIdleSleepUs at a time
};

// How a worker spends its time; read by the control thread at any time.
struct alignas(kCacheLineBytes) LoopCounters {
  OwnedCounter polls;
  OwnedCounter idle_polls;
  OwnedCounter busy_ticks;   // of the time-stamp counter, in polls that found something
  OwnedCounter total_ticks;  // since the worker started
  OwnedCounter sleeps;
};

// The session clock and the wall clock, so that time is an argument.
struct WorkerClock {
  int64_t start_monotonic_ns = 0;  // session time zero, the same for all workers
};

struct WorkerLoopOptions {
  uint32_t worker = 0;
  PollMode poll = PollMode::kAdaptive;
  WorkerClock clock;
  rte_mempool* pool = nullptr;
  std::vector<Device*> devices;                    // by PortIdx
  WorkerContext* context = nullptr;                // counters, emits and all
  const Publisher<Snapshot>* publisher = nullptr;  // something is published before Run
  Qsbr* qsbr = nullptr;
};

class WorkerLoop {
 public:
  static constexpr uint32_t kBurst = 64;      // frames asked of one queue at a time
  static constexpr uint32_t kMaxLanes = 192;  // of one pass: below kNoLane
  static constexpr uint32_t kIdlePolls = 1000;
  static constexpr uint32_t kIdleSleepUs = 50;
  static constexpr uint32_t kReentryFrames = 4096;  // released frames that wait for their pass

  explicit WorkerLoop(WorkerLoopOptions options);

  // Until Stop; then gives back every held and waiting frame.
  void Run() noexcept;
  // One round: what Run does between two looks at the stop flag. For tests.
  void Round() noexcept;
  void Drain() noexcept;
  // Pairs with the relaxed load in Run; nothing is ordered by it.
  void Stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  const LoopCounters& counters() const { return counters_; }

 private:
  struct RxQueue {
    uint16_t port_id;
    uint16_t queue;
    PortIdx port;
    bool completes_checksums;
  };
  struct TxPath {
    uint16_t port_id = 0;
    uint16_t queue = 0;  // kNoQueue: through the ring
    rte_ring* handoff = nullptr;
    bool drains = false;  // this worker empties the ring
    uint32_t count = 0;
    std::array<rte_mbuf*, 256> frames;
  };

  void ReadClock() noexcept;
  uint32_t SendHandedOver() noexcept;
  void TakeReentries() noexcept;
  void Receive() noexcept;
  void Admit(rte_mbuf* mbuf, const RxQueue& queue) noexcept;
  void FinishLanes(const Snapshot& snapshot) noexcept;
  void FinishEmits(const Snapshot* snapshot) noexcept;
  void SendEmitted(const Snapshot& snapshot) noexcept;
  void TakeReleased() noexcept;
  void Queue(PortIdx port, rte_mbuf* mbuf) noexcept;
  void Flush(PortIdx port, TxPath& path) noexcept;
  void FlushAll() noexcept;
  void Transmit(PortIdx port, TxPath& path, rte_mbuf** frames, uint32_t count) noexcept;
  void Idle() noexcept;
  PortCounters& Port(PortIdx port) noexcept { return context_.counters->ports[port.index()]; }

  const WorkerLoopOptions options_;
  WorkerContext& context_;
  std::vector<RxQueue> rx_queues_;
  std::vector<TxPath> tx_paths_;  // by PortIdx
  size_t next_rx_queue_ = 0;
  Batch batch_;
  uint32_t timers_ms_ = 0;  // when RunTimers ran last
  uint32_t empty_polls_ = 0;
  std::array<rte_mbuf*, kReentryFrames> reentries_;  // a ring
  uint32_t reentry_first_ = 0;
  uint32_t reentry_count_ = 0;
  LoopCounters counters_;
  std::atomic<bool> stop_{false};
};

}  // namespace sluice
