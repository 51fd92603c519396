// ARP, answered from configuration alone (D-ARP): nothing is learned from a tenant's packet.
//
// Worker thread. Reads: frame, frame bytes, rx_port, vlan, l2_bytes. Writes: sender, verdict,
// reason; replies go to worker.emits, the MAC of a configured next hop to worker.arp_learned.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Ends every lane: consume arp_reply, arp_ignored or arp_learned; drop source_check or
// unknown_interface when the sender's MAC is wrong (interface.h).
void ArpStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
              const LaneList& in) noexcept;

}  // namespace sluice
