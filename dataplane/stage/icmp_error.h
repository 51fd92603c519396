// ICMP errors of the router about packets it cannot send on: time exceeded and fragmentation needed
// (RFC 792, 1191). They quote the packet as its sender sent it, at most 576 bytes in all (RFC 1812
// 4.3.2.3), and go straight back to the sending side; no group and no ACL is asked.
//
// Worker thread. Called before rewrite, while the frame is as it came.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

struct IcmpErrorKind {
  uint8_t type = 0;
  uint8_t code = 0;
  uint16_t mtu_bytes = 0;  // of fragmentation needed, else 0
};

// Whether an error about this packet is allowed at all: never about an ICMP error, a later fragment
// or a multicast destination (RFC 1812 4.3.2.7).
bool MayAnswerWithError(const Batch& batch, uint32_t lane) noexcept;

// Sends one from `source`. False: not allowed, over the limit of the side, no way back, or no room.
bool EmitIcmpError(const Snapshot& snapshot, WorkerContext& worker, const Batch& batch,
                   uint32_t lane, uint32_t source, const IcmpErrorKind& kind) noexcept;

}  // namespace sluice
