// Express: the short way of an established flow. A packet takes it when its own session line says
// everything about it; it is then judged, counted and rewritten in one go, from its bytes to its
// bytes, with two cold cache lines touched (bucket and line) and no column in between.
//
// What may: TCP (ACK set, no SYN, FIN or RST) and UDP, whole, without IPv4 options, well-formed,
// addressed to the router by a known sender. What the long way would ask besides (source check,
// reserved and martian addresses, routes, ACLs, groups, NAT) was asked of this very key when the
// line was stamped, and the line's walk generation says that nothing of it has changed since. Stale
// lines, and packets that open a connection or move its state, are the turns' (turns.h). Every
// other packet is left as it was received: the pipeline walks it. Both ways give the same verdict,
// bytes, counts and state (tests/property/agreement_test.cc).
//
// Worker thread.
#pragma once

#include "dataplane/base/late_array.h"
#include "dataplane/packet/batch.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/departure.h"
#include "dataplane/stage/glance.h"
#include "dataplane/stage/short_walk.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// A flow that a lane is about to open (open_one.h).
struct Opening {
  ShortWalk walk;
  PairDemand demand;
  Departure leaves;
  SessionKey answer;         // of the session's other direction
  uint64_t answer_hash = 0;  // of `answer`
  PairIdx pair;              // set aside for it, or none
};

// Packets of a run of at most kFindBatch that may take the short way, with the lines that probably
// are theirs, densely and in rising order of lanes. Of the glance, its columns but `fits_bytes`.
struct ExpressLanes {
  Glance glance;
  Glance::Places<uint64_t> hash;
  Glance::Places<LineIdx> line;  // a candidate, until ExpressTake has confirmed it
  uint32_t count = 0;
  bool prepared = false;  // PrepareTurns has looked at those that are not taken as they are
  LaneBits walked = 0;    // bit i: the i-th had a stale line, whose walk was confirmed
  LaneBits opening = 0;   // bit i: the i-th opens a flow, as openings[i] says
  LaneBits reserved = 0;  // bit i: a pair has been set aside for that
  LaneBits settled = 0;   // bit i: the i-th is done, ahead of its turn (settle_group.h)
  LaneBits ended = 0;     // bit i: the i-th has ended its connection, which is not noted yet
  uint16_t window = 0;    // WindowOf the burst
  LateArray<Opening, kFindBatch> openings;
};

// Finds the sessions of lanes first .. first + count - 1, of which a read-only glance suffices.
// Reads the input columns and frames; writes no column. count <= kFindBatch.
void ExpressStage(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                  uint32_t first, uint32_t count, ExpressLanes& found) noexcept;

// Whether the short way would take the i-th as things stand: most that it refuses, such as the
// first and last segments of a connection, it refuses for their line's state. Confirms its line.
bool ExpressIsFor(const WorkerContext& worker, ExpressLanes& found, uint32_t i) noexcept;

// Judges, counts and rewrites found lanes from the `from`-th on, as long as they are neighbours and
// may be taken: forward, with every result column written. Returns the first that was not taken;
// if lanes are left at all, that one is untouched and must go the long way. `changed`: other
// packets have been committed since the lanes were found, so that a session may have left the
// table.
uint32_t ExpressTake(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                     ExpressLanes& found, uint32_t from, bool changed) noexcept;

}  // namespace sluice
