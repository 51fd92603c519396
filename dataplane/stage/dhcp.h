// DHCP (RFC 2131, 2132), answered from configuration by the router of the subnet: every ENI has its
// primary address for ever, so no lease is kept. DISCOVER gets an OFFER, REQUEST an ACK or, for
// another address, a NAK, INFORM an ACK without lease; other messages are taken without answer.
//
// Worker thread. Reads: frame, l2_bytes, l3_bytes, ip_bytes, segment_bytes, sender (an ENI).
// Writes: verdict, reason; replies go to worker.emits.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Ends every lane: consume dhcp_reply, or drop malformed_l4 when the request cannot be read.
void DhcpStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
               const LaneList& in) noexcept;

}  // namespace sluice
