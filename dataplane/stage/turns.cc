#include "dataplane/stage/turns.h"

#include "dataplane/session/session_state.h"
#include "dataplane/stage/admit.h"
#include "dataplane/stage/open_lane.h"
#include "dataplane/stage/short_walk.h"
#include "dataplane/stage/short_walk_steps.h"
#include "dataplane/stage/walk_generation.h"

namespace sluice {
namespace {

InterfaceIdx TrackedAt(bool tracked, uint32_t interface_idx) {
  return tracked ? InterfaceIdx(interface_idx) : InterfaceIdx::None();
}

FlowMemory Remembered(const SessionCold& cold, bool forward, const SessionKey& answer) {
  const InterfaceIdx initiator =
      TrackedAt((cold.flags & kPairTrackedByInitiator) != 0, cold.initiator_interface_idx);
  const InterfaceIdx responder =
      TrackedAt((cold.flags & kPairTrackedByResponder) != 0, cold.responder_interface_idx);
  FlowMemory memory;
  memory.tracked_at_sender = forward ? initiator : responder;
  memory.tracked_at_receiver = forward ? responder : initiator;
  memory.gateway = cold.nat() ? NatGatewayIdx(cold.nat_gateway_idx) : NatGatewayIdx::None();
  memory.gateway_address = cold.nat_address;
  memory.gateway_l4_port = cold.nat_port;
  memory.forward = forward;
  memory.answer = answer;
  return memory;
}

bool IsStale(const Snapshot& snapshot, const SessionLine& line, InterfaceIdx sender) {
  const InterfaceIdx leads = SideOf(line.next_hop.load(std::memory_order_relaxed));
  const uint32_t stamped = line.generation.load(std::memory_order_relaxed);
  return stamped != WalkGenerationOf(snapshot, sender, leads) && stamped != kGenerationBusy;
}

// Whose short walk goes where: the place among the found, by walk.
struct Walking {
  ShortWalks walks;
  uint32_t place[kFindBatch];

  void Add(const ExpressLanes& found, uint32_t i, bool fresh) {
    place[walks.count] = i;
    AddShortWalk(found.glance.key[i], fresh, walks);
  }
};

// Starts the walks of lanes from the `from`-th on that need one.
void FindWalks(const Snapshot& snapshot, const WorkerContext& worker, ExpressLanes& found,
               uint32_t from, Walking& walking) {
  const SessionTable& sessions = *worker.sessions;
  for (uint32_t i = from; i < found.count; ++i) {
    const SessionKey& key = found.glance.key[i];
    const LineIdx idx = sessions.Confirm(key, found.hash[i], found.line[i]);
    const bool turning = (found.glance.turning >> i & 1) != 0;
    const bool opens = turning && IsPureSyn(found.glance.ip[i]);
    found.line[i] = idx;
    if (!idx.has_value()) {
      if (opens) {
        walking.Add(found, i, true);
      }
      continue;
    }
    const SessionLine& line = sessions.Line(idx);
    const bool stale = !opens && IsStale(snapshot, line, InterfaceIdx(key.scope()));
    if (stale) {
      walking.Add(found, i, false);
    }
    if (stale || turning ||
        !HitsOwnLine(ViewOf(line), IsForward(idx), key.protocol(), worker.now_ms)) {
      sessions.PrefetchPeer(idx);
    }
  }
}

// False: the flow is not one whose walk decides nothing but where its packets go. That takes that
// all that remembers it does so still, and that nobody's rules have to be asked for replies.
bool Remember(const WorkerContext& worker, LineIdx idx, const SessionKey& key, bool changed,
              FlowMemory& memory) {
  const SessionTable& sessions = *worker.sessions;
  const PairIdx pair = PairOf(idx);
  const SessionCold cold = sessions.LoadCold(pair);
  const Expiry expiry =
      JudgeExpiry(ViewOf(sessions.Line(ForwardLine(pair))),
                  ViewOf(sessions.Line(ReverseLine(pair))), cold, key.protocol(), worker.now_ms);
  memory = Remembered(cold, IsForward(idx), KeyOf(sessions.Line(PeerOf(idx))));
  return cold.tracked() && (cold.flags & kPairMidstream) == 0 && !expiry.any_lapsed &&
         !(changed && !sessions.IsLive(pair));
}

void GiveMemory(const WorkerContext& worker, const ExpressLanes& found, bool changed,
                Walking& walking) {
  ShortWalks& walks = walking.walks;
  ForBits(walks.open & ~walks.fresh, [&](uint32_t at) {
    const uint32_t i = walking.place[at];
    if (!Remember(worker, found.line[i], found.glance.key[i], changed, walks.walk[at].memory)) {
      walks.open ^= 1u << at;
    }
  });
}

void StampConfirmed(const Snapshot& snapshot, WorkerContext& worker, const Walking& walking,
                    ExpressLanes& found) {
  const ShortWalks& walks = walking.walks;
  ForBits(walks.open & ~walks.fresh, [&](uint32_t at) {
    const ShortWalk& walk = walks.walk[at];
    const uint32_t i = walking.place[at];
    const bool stamped =
        StampWalk(worker.sessions->Line(found.line[i]), OutcomeOf(walk, found.glance.key[i]),
                  WalkGenerationOf(snapshot, walk.sender, walk.target));
    found.walked |= stamped ? 1u << i : 0;
  });
}

// Columns of the lanes that open a flow, and what their admissions will touch.
void FillOpenings(const Snapshot& snapshot, const WorkerContext& worker, Batch& batch,
                  const Walking& walking, ExpressLanes& found) {
  const ShortWalks& walks = walking.walks;
  uint32_t opening = 0;
  ForBits(walks.open & walks.fresh, [&](uint32_t at) {
    const uint32_t i = walking.place[at];
    if (FillOpening(snapshot, worker, batch, found, i, walks.walk[at])) {
      PrepareAdmission(snapshot, worker, batch, found.glance.lane[i]);
      found.opening |= 1u << i;
      ++opening;
    }
  });
  if (opening != 0) {
    worker.sessions->PrefetchAdmissions(opening);
  }
}

}  // namespace

void PrepareTurns(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                  ExpressLanes& found, uint32_t from, bool changed) noexcept {
  found.prepared = true;
  Walking walking;
  FindWalks(snapshot, worker, found, from, walking);
  if (walking.walks.count == 0) {
    return;
  }
  BeginShortWalks(snapshot, walking.walks);  // meanwhile memory answers PrefetchPeer
  GiveMemory(worker, found, changed, walking);
  EndShortWalks(snapshot, worker.seed, walking.walks);
  StampConfirmed(snapshot, worker, walking, found);
  FillOpenings(snapshot, worker, batch, walking, found);
}

}  // namespace sluice
