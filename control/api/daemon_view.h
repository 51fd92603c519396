// What the operator verbs and the metrics see of a running daemon: references and functions that
// the daemon fills in once. No DPDK here, so that tests make one without EAL.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "control/apply/applier.h"
#include "control/telemetry/counters.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/counters.h"

namespace sluice {

// How one worker has spent its time since it started.
struct WorkerLoad {
  uint64_t polls = 0;
  uint64_t idle_polls = 0;
  uint64_t busy_ticks = 0;  // in polls that found something
  uint64_t total_ticks = 0;
  uint64_t sleeps = 0;
};

struct AcceptFailures {
  const char* server = "";  // "operators" or "metrics"
  uint64_t count = 0;
};

struct DaemonView {
  // The control lock: held by a verb while it uses what follows, and by the daemon's control thread
  // while it publishes, sweeps, frees. So what a verb reads is not freed under it.
  std::mutex& control;
  Applier& applier;  // without a running generation nothing but "stop" is answered
  const SessionTable& sessions;
  std::vector<const WorkerCounters*> workers;  // each with the same ports, by PortIdx

  // Called with the control lock held.
  std::function<uint32_t()> session_now_ms;               // WorkerContext::now_ms's clock
  std::function<int64_t()> monotonic_ns;                  // for rates
  std::function<std::vector<PortDevice>()> port_devices;  // by PortIdx
  std::function<std::vector<WorkerLoad>()> worker_loads;  // by worker
  // Of the servers of operators and of metrics: connections that had to wait for want of
  // descriptors.
  std::function<std::vector<AcceptFailures>()> accept_failures;
  double ticks_per_ns = 0;  // of the time-stamp counter; 0: unknown

  bool enforce_quotas = false;  // as for the first configuration, so for those of operators

  // Asks the daemon to drain and end; returns at once. Called without the control lock.
  std::function<void()> request_stop;
};

}  // namespace sluice
