// Fragments (D-FRAG): a later fragment takes the ports and the verdict of its datagram's first one
// from the worker's FragmentCache, or is held until that comes.
//
// Worker thread. Reads: sender, src, dst, ip_id, protocol, traits, fragment_bytes, ip_bytes,
// l3_bytes, handle, and of first fragments nat, walk_flags, nat_ip_id. Writes: traits, l4_src,
// l4_dst, rule_key, icmp_type, icmp_code, nat_ip_id of later fragments, verdict and reason.
//
// A later fragment behind its first one needs its fate: ResolveFragments comes in between.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Whole packets and fragments that can be judged join `out`. The others end here: held (kHold), or
// fragment_overlap, fragment_tiny, fragment_cache_full, or the reason their first fragment was
// dropped for; where flow logs tell of that one they tell of them too.
void FragmentStage(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                   const LaneList& in, LaneList& out) noexcept;

// After the lanes of a FragmentStage's `out` have got their verdicts: tells the cache what became
// of first fragments, and releases the frames that waited for them (EmitList::Release).
void ResolveFragments(WorkerContext& worker, const Batch& batch, const LaneList& judged) noexcept;

// Gives back what was held too long, as fragment_orphan, or with `drain` everything that is held,
// as far as worker.emits has room; the next call goes on. True: nothing is due any more.
bool ReleaseOrphans(WorkerContext& worker, bool drain) noexcept;

}  // namespace sluice
