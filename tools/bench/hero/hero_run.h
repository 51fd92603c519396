// The hero test: background flows, new connections and changes of policy at once, offered in real
// time, with nothing to be lost. After the SONiC-DASH hero test, at a hundredth of its 200G tier.
// Main thread; a worker and two control threads run beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/byte_check.h"
#include "tools/bench/fates.h"
#include "tools/bench/workbench.h"

namespace sluice {

struct HeroOptions {
  uint32_t seconds = 0;
  uint32_t connections_per_second = 0;
  uint32_t active = 0;              // connections open at a time
  uint32_t changes_per_second = 0;  // offered; how many there were is in the result
  double background_period_s = 0;   // a packet of each direction of each open flow
  uint32_t sampled = 0;             // packets compared, of flows and of connections, about
  uint32_t ring = 0;                // frames that a device keeps while the worker is away
};

struct HeroResult {
  double seconds = 0;        // until all that was due was done
  uint64_t connections = 0;  // begun
  uint64_t offered = 0;      // packets
  uint64_t sent = 0;
  uint64_t overrun = 0;  // of them, found waiting behind a full ring's worth of others
  Fates fates;
  uint64_t changes = 0;
  uint64_t felt_changes = 0;  // of them, such that every session walks again
  double apply_ms = 0;        // median
  double busy_share = 0;      // of the worker's running time
  double running_share = 0;   // of real time: the rest others had
  double control_share = 0;   // of a core: sweep and accounting
  double burst_ns[3] = {};    // through the pipeline: median, 99 %, longest
  double late_ns[3] = {};     // a burst's oldest packet, from its time to the worker's taking it
  uint64_t live_sessions = 0;
  uint64_t returned = 0;
  ByteCheck flow_bytes;        // background packets of the run
  ByteCheck connection_bytes;  // packets of connections, of the run and before it
};

// `versions`: felt by no session are changes between even ones, by every session those to and from
// odd ones.
absl::StatusOr<HeroResult> RunHero(
    Workbench& bench, const std::vector<std::shared_ptr<const ValidatedIntent>>& versions,
    uint64_t seed, const HeroOptions& options);

std::vector<std::string> BrokenHeroClaims(const HeroResult& result, const HeroOptions& options);

}  // namespace sluice
