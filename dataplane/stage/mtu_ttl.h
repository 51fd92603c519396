// The last checks of a walk, before admit: time to live at a NAT gateway (D-TTL) and the size the
// outgoing side carries (AWS-MTU-01, AWS-IGW-06, AWS-EP-06); and, behind rewrite, the cutting of
// packets that may be cut (RFC 791 3.2).
//
// Worker thread. MtuTtlStage reads ttl, ttl_spent, nat_private, ip_bytes, traits, sender, dst, out
// and walk_flags; writes split, verdict and reason.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Lanes that fit, or are marked `split`, join `out`; the others drop: ttl_expired or mtu_exceeded.
void MtuTtlStage(const Snapshot& snapshot, Batch& batch, const LaneList& in,
                 LaneList& out) noexcept;

// Answers a lane that MtuTtlStage has dropped, where an answer is due and the limit of its sender
// allows it: the lane is then consumed. Any other lane stays as it is. Errors go to worker.emits:
// from the NAT gateway's address, else from the router of the sender's subnet. Time exceeded to an
// internet sender comes from the gateway's public address; fragmentation needed is sent to ENIs
// only. The frame is quoted as it came: before rewrite.
void AnswerUnfit(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                 uint32_t lane) noexcept;

// Behind RewriteStage: lanes marked `split` leave as pieces through worker.emits, in order, offsets
// rising, the don't-fragment bit clear. Their payload must be contiguous; what is not, or does not
// find room in the list, drops as no_mbuf (a loss on the wire).
void SplitStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                const LaneList& in) noexcept;

// The largest IPv4 packet that `out` takes; `via_internet`: the way leads through the internet
// gateway (a hairpin included).
uint32_t PathMtuBytes(const Snapshot& snapshot, InterfaceIdx out, bool via_internet) noexcept;

}  // namespace sluice
