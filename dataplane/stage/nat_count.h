// NAT gateway counts: what CloudWatch reports of each gateway (AWS-NAT-15), counted once a packet
// when its fate is known. Drops after the gateway are "stayed" there too: nothing was committed, so
// nothing left it. A packet that leaves is one packet, however many fragments the internet side
// makes of it. What the gateway itself sends (RST, ICMP) did not come through it and is not
// counted.
//
// Worker thread. Reads the walk's columns, session, match, pair_flags, tcp_flags, ip_bytes. Packets
// of other flows pay one compare.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// A packet of `ip_bytes` that leaves through a gateway by what its session's line remembers, which
// tells the direction.
inline void CountNatHit(NatCounters& counters, LineIdx line, uint32_t ip_bytes) noexcept {
  NatWay& way = IsForward(line) ? counters.from_source : counters.from_destination;
  way.left_packets.Add(1);
  way.left_bytes.Add(ip_bytes);
}

// `forward`: lanes that leave by the long way.
void CountNatLeft(WorkerContext& worker, const Batch& batch, const LaneList& forward) noexcept;

// Those of `walked` that have ended and do not leave. Writes nat and walk_flags of them: the
// gateway they got to and from where.
void CountNatStayed(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                    const LaneList& walked) noexcept;

// A later fragment, dropped with the reason of its first one, which had got to `gateway` (or none).
void CountNatStayedAgain(WorkerContext& worker, const Batch& batch, uint32_t lane,
                         NatGatewayIdx gateway, bool from_source) noexcept;

}  // namespace sluice
