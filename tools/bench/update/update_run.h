// What a change of policy costs those whose packets are on the way: T10 (until it is in force, and
// what forwarding loses meanwhile), T11 (every session has to walk again), T12 (flow logs), and the
// time to compile. Main thread; RunEffect has a worker thread beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/compile/compiler.h"
#include "tools/bench/byte_check.h"
#include "tools/bench/fates.h"
#include "tools/bench/samples.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct EffectOptions {
  uint32_t windows = 0;  // of each kind: with changes, without
  uint32_t window_ms = 0;
  uint32_t changes_per_second = 0;  // within a window with changes; 0: as fast as they compile
  uint32_t sampled = 0;             // packets compared before, and as many after
};

struct EffectResult {
  uint64_t changes = 0;
  std::vector<double> wall_ns;     // each: publication until every packet is judged by it
  std::vector<double> running_ns;  // of them, where nobody took the CPU from the worker
  uint64_t interrupted = 0;
  double busy_rate = 0;  // packets a second of the worker's CPU, medians over windows
  double quiet_rate = 0;
  Spread dip;           // of pairs of windows: 1 - busy / quiet
  double apply_ns = 0;  // median: compile, publish, until the worker has reported
  Fates fates;
  uint64_t given = 0;
  uint64_t sent = 0;
  // Of the same flows in the same tables: before the worker thread began, and when it had ended,
  // with the last snapshot that it had.
  ByteCheck before;
  ByteCheck after;
};

// `intents`: two versions that differ where no flow of the bench can feel it, turn about; the bench
// runs the first.
absl::StatusOr<EffectResult> RunEffect(
    Workbench& bench, const std::vector<Stamp>& stamps,
    const std::vector<std::shared_ptr<const ValidatedIntent>>& intents, uint64_t seed,
    const EffectOptions& options);

struct StaleResult {
  Spread usual_ns;       // a packet, all sessions current
  double first_ns = 0;   // a packet, while nearly all are stale
  double mean_ns = 0;    // until 99 of 100 packets find theirs current
  uint64_t packets = 0;  // in that time
  uint64_t hits = 0;     // of them, that found their session current
  uint64_t walked = 0;
  uint64_t lines = 0;  // directions of flows that had packets
  Fates fates;
  uint64_t given = 0;
  ByteCheck walking;  // of stale lines, at most a hundredth of them; `walked` has them too
  ByteCheck after;

  double RateShare() const { return usual_ns.median / mean_ns; }  // of the rate before the change
};

// One change. `edited` differs where every flow can feel it. `sampled` packets are compared
// afterwards.
absl::StatusOr<StaleResult> RunStale(Workbench& bench, const std::vector<Stamp>& stamps,
                                     std::shared_ptr<const ValidatedIntent> edited,
                                     uint32_t round_packets, uint32_t sampled);

// Of several changes, at least one, that which stands in the middle by its share of the rate.
const StaleResult& MiddleOf(const std::vector<StaleResult>& changes);

struct FlowLogResult {
  Spread usual_ns;      // a packet within a window
  double ended_ns = 0;  // a packet that ends its line's window, more than that
  uint64_t records = 0;
  uint64_t packets = 0;
  double hit_rate = 0;
};

// `bench` keeps flow accounts; `stamps` has each line once.
FlowLogResult RunFlowLogs(Workbench& bench, const std::vector<Stamp>& stamps, uint32_t rounds);

// Medians, ns: of a first compilation, and of one after a change of one rule.
struct CompileCost {
  double first_ns = 0;
  double change_ns = 0;
};
absl::StatusOr<CompileCost> MeasureCompile(
    const std::vector<std::shared_ptr<const ValidatedIntent>>& intents, uint32_t repetitions);

}  // namespace sluice
