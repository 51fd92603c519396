#include "control/daemon/worker_state.h"

#include <algorithm>
#include <string>

namespace sluice {
namespace {

// Interfaces, VPCs and sides with limits and counts of their own; later ones share the last.
constexpr uint32_t kInterfaceSlots = 1u << 16;

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerStates>> WorkerStates::Make(MemorySource& memory,
                                                                 const WorkerStateOptions& options,
                                                                 const Secrets& secrets) {
  std::unique_ptr<WorkerStates> states(new WorkerStates(secrets.random_stream));
  const auto capacity =
      static_cast<uint32_t>(std::min<uint64_t>(options.max_sessions, kMaxSessionPairs));
  states->sessions_ = SessionTable::Make(
      memory, {capacity, kInterfaceSlots, kInterfaceSlots, kCountedNatGateways}, secrets.sessions);
  bool ok = states->sessions_ != nullptr;
  for (uint32_t w = 0; ok && w < options.workers; ++w) {
    ok = states->AddWorker(memory, options, secrets);
  }
  if (!ok) {
    return absl::ResourceExhaustedError(
        "not enough memory for Host.MaxSessions = " + std::to_string(options.max_sessions) +
        " and " + std::to_string(options.workers) +
        " workers; lower them, or give the machine more memory");
  }
  return states;
}

bool WorkerStates::AddWorker(MemorySource& memory, const WorkerStateOptions& options,
                             const Secrets& secrets) {
  auto worker = std::make_unique<Worker>(options.port_count, kInterfaceSlots);
  FragmentCacheSizes fragment_sizes;
  fragment_sizes.held_frames = std::min(fragment_sizes.held_frames, options.max_held_frames);
  fragment_sizes.side_count = kInterfaceSlots;
  worker->fragments = FragmentCache::Make(memory, fragment_sizes, secrets.sessions);
  FlowAccountSizes account_sizes;
  account_sizes.interface_count = kInterfaceSlots;
  worker->account = FlowAccount::Make(memory, account_sizes, secrets.sessions);
  if (worker->fragments == nullptr || worker->account == nullptr) {
    return false;
  }
  WorkerContext& context = worker->context;
  context.worker = worker_count();
  context.time_stages = options.time_stages;
  context.session_cache = options.session_cache;
  context.nat_streams = &nat_streams_;
  context.nat_ip_ids = &nat_ip_ids_;
  context.sessions = sessions_.get();
  context.fragments = worker->fragments.get();
  context.account = worker->account.get();
  context.sightings = &worker->sightings;
  context.neighbors = &neighbors_;
  context.icmp_limiter = &worker->limiter;
  context.arp_learned = &worker->arp_learned;
  context.emits = &worker->emits;
  context.counters = &worker->counters;
  // One for all: which address a NAT gateway gives a host must not depend on who polls the packet.
  context.seed = secrets.random_stream;
  contexts_.push_back(&context);
  workers_.push_back(std::move(worker));
  return true;
}

}  // namespace sluice
