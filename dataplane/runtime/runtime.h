// The dataplane as one object: DPDK started, ports open, workers polling. The daemon's only view of
// this room; no DPDK type appears here. Main thread, unless said otherwise.
//
//   Open -> (make tables with memory(), publish a snapshot) -> StartWorkers -> StopWorkers -> Close
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dataplane/publish/publisher.h"
#include "dataplane/runtime/devices.h"
#include "dataplane/runtime/eal.h"
#include "dataplane/runtime/mbuf_pool.h"
#include "dataplane/runtime/runtime_memory.h"
#include "dataplane/runtime/worker_loop.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

struct RuntimeOptions {
  std::vector<PortSpec> ports;  // by PortIdx; at least one
  uint32_t workers = 1;         // 1..kMaxWorkers
  PollMode poll = PollMode::kAdaptive;
  std::string eal_arguments;  // --eal
  bool show_dpdk_log = false;
};

// What Close found: every buffer is back where it came from, or not.
struct MbufAccount {
  uint32_t count = 0;
  uint32_t missing = 0;
};

class Runtime {
 public:
  // One line on failure: what, and where it is known the command that mends it. Nothing is left.
  static absl::StatusOr<std::unique_ptr<Runtime>> Open(const RuntimeOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  MemorySource& memory() { return memory_; }
  // Frames held by one worker's fragment cache must not exceed this: an eighth of the pool, shared.
  uint32_t max_held_frames() const;

  // For who polls ports himself (benches), before StartWorkers or instead: nothing is received
  // before. Idempotent.
  absl::Status StartPorts();
  const Device& device(PortIdx port) const { return *devices_[port.index()]; }
  rte_mempool* pool() const { return pool_->get(); }

  // `contexts` by worker, complete but for the clock; they outlive the workers, as do the others. A
  // snapshot has been published. Ports start here: nothing is received before.
  absl::Status StartWorkers(std::span<WorkerContext* const> contexts,
                            const Publisher<Snapshot>& publisher, Qsbr& qsbr);
  // Waits until all have drained and left. Idempotent.
  void StopWorkers();
  // Closes ports and counts buffers. After StopWorkers; once.
  MbufAccount Close();

  // Control thread, while workers run: sends one frame on a port. False: the port's ring or the
  // pool is exhausted, nothing was sent.
  bool SendFrame(PortIdx port, std::span<const uint8_t> frame);

  // Any one thread at a time.
  std::vector<PortStatistics> Statistics() const;
  const LoopCounters& loop_counters(uint32_t worker) const { return loops_[worker]->counters(); }
  uint32_t worker_count() const { return options_.workers; }
  // Those that have loop counters: all between StartWorkers and Close.
  uint32_t started_count() const { return static_cast<uint32_t>(loops_.size()); }
  // The same zero as WorkerContext::now_ms.
  uint32_t NowMs() const;
  // Rate of the time-stamp counter that LoopCounters and StageCounters count in.
  double ticks_per_ns() const;

  MemoryMode memory_mode() const { return plan_.memory; }
  bool shares_cpus() const { return plan_.shares_cpus; }
  const std::string& notice() const { return plan_.notice; }  // for the user, or empty
  uint16_t mtu_bytes(PortIdx port) const { return devices_[port.index()]->mtu_bytes(); }

 private:
  Runtime(RuntimeOptions options, EalPlan plan)
      : options_(std::move(options)),
        plan_(std::move(plan)),
        memory_(plan_.memory != MemoryMode::kNoHuge) {}
  absl::Status OpenPorts(const MbufPoolSize& size);

  const RuntimeOptions options_;
  const EalPlan plan_;
  RuntimeMemory memory_;
  std::unique_ptr<Eal> eal_;
  std::unique_ptr<MbufPool> pool_;
  std::vector<std::unique_ptr<Device>> devices_;    // by PortIdx
  std::vector<std::unique_ptr<WorkerLoop>> loops_;  // by worker
  std::vector<unsigned> lcores_;                    // launched
  WorkerClock clock_;
  bool ports_started_ = false;
};

}  // namespace sluice
