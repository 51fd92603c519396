// Account: every packet is counted once for flow logs and sessions, in its session's line or, when
// no line may count it (rejected, ICMP errors, fragments, uncached), in the worker's FlowAccount
// (decision 23). A walk writes down which interfaces saw and passed it; the end of the pass turns
// that into ACCEPT and REJECT rows.
//
// Worker thread. Reads the walk's columns; writes no column.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/accounting.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// What the interfaces of each lane's walk saw, in order. Only kept where flow logs are on.
struct SightingLog {
  static constexpr uint32_t kMaxSightings = 4;  // ENI, NAT gateway twice, ENI
  std::array<uint8_t, kMaxBatch> count;
  std::array<std::array<FlowSighting, kMaxSightings>, kMaxBatch> rows;
};

inline BurstClock ClockOf(const WorkerContext& worker) noexcept {
  return {worker.now_ms, static_cast<uint64_t>(worker.now_ns / 1'000'000)};
}

// At the start of a walk; after the origin's firewalls have passed `lanes`; after the target's
// have.
void ForgetSightings(WorkerContext& worker, const LaneList& lanes) noexcept;
void SightEgress(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                 const LaneList& lanes) noexcept;
void SightIngress(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                  const LaneList& lanes) noexcept;

// An accepted packet of a session, in its line; before its last-seen time is stored.
// `window`: WindowOf the burst.
void CountInSession(const WorkerContext& worker, LineIdx line, uint16_t window, uint32_t ip_bytes,
                    uint8_t tcp_flags) noexcept;
inline void CountInSession(const WorkerContext& worker, LineIdx line, uint32_t ip_bytes,
                           uint8_t tcp_flags) noexcept {
  CountInSession(worker, line, WindowOf(ClockOf(worker)), ip_bytes, tcp_flags);
}
void CountAccepted(WorkerContext& worker, const Batch& batch, uint32_t lane, LineIdx line) noexcept;
// A forwarded packet that no line counts: ACCEPT where it was sighted.
void CountUnkept(WorkerContext& worker, const Batch& batch, uint32_t lane) noexcept;
// The interface at which a group or ACL refused a lane that has been walked; none: nowhere.
InterfaceIdx RefusedAt(const Batch& batch, uint32_t lane) noexcept;
// Dropped packets of `walked`: ACCEPT where they were sighted, REJECT where a group or ACL refused
// them.
void CountDropped(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                  const LaneList& walked) noexcept;

}  // namespace sluice
