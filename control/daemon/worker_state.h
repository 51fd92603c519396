// What the workers write and share: made before they start, destroyed after they have left. The
// control thread owns it; a worker sees its own WorkerContext only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "control/daemon/secrets.h"
#include "dataplane/base/memory_source.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/fragment_cache.h"
#include "dataplane/session/nat_ip_id.h"
#include "dataplane/session/nat_port.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/account.h"
#include "dataplane/stage/arp_learned.h"
#include "dataplane/stage/counters.h"
#include "dataplane/stage/emit_list.h"
#include "dataplane/stage/icmp_limiter.h"
#include "dataplane/stage/neighbor_table.h"
#include "dataplane/stage/worker_context.h"

namespace sluice {

struct WorkerStateOptions {
  uint32_t workers = 1;
  size_t port_count = 0;
  uint64_t max_sessions = 0;
  uint32_t max_held_frames = 0;  // of one worker's fragment cache
  bool session_cache = true;
  bool time_stages = false;
};

class WorkerStates {
 public:
  // ResourceExhausted where MaxSessions does not fit in memory. `memory` outlives the result.
  static absl::StatusOr<std::unique_ptr<WorkerStates>> Make(MemorySource& memory,
                                                            const WorkerStateOptions& options,
                                                            const Secrets& secrets);

  uint32_t worker_count() const { return static_cast<uint32_t>(workers_.size()); }
  SessionTable& sessions() { return *sessions_; }
  NeighborTable& neighbors() { return neighbors_; }
  FlowAccount& account(uint32_t worker) { return *workers_[worker]->account; }
  ArpLearnedRing& arp_learned(uint32_t worker) { return workers_[worker]->arp_learned; }
  const WorkerCounters& counters(uint32_t worker) const { return workers_[worker]->counters; }
  const std::vector<WorkerContext*>& contexts() { return contexts_; }

 private:
  // Everything of one worker, on memory of its own.
  struct Worker {
    Worker(size_t port_count, uint32_t side_count) : counters(port_count), limiter(side_count) {}
    WorkerContext context;
    WorkerCounters counters;
    EmitList emits;
    IcmpLimiter limiter;
    ArpLearnedRing arp_learned;
    SightingLog sightings;
    std::unique_ptr<FragmentCache> fragments;
    std::unique_ptr<FlowAccount> account;
  };

  explicit WorkerStates(uint64_t random_stream) : nat_streams_(random_stream) {}
  bool AddWorker(MemorySource& memory, const WorkerStateOptions& options, const Secrets& secrets);

  NatStreams nat_streams_;
  NatIpIds nat_ip_ids_{nat_streams_};
  NeighborTable neighbors_;
  std::unique_ptr<SessionTable> sessions_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<WorkerContext*> contexts_;
};

}  // namespace sluice
