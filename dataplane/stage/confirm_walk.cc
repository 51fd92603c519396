#include "dataplane/stage/confirm_walk.h"

#include <bit>

#include "dataplane/session/session_state.h"
#include "dataplane/stage/short_walk.h"
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

// Bits of the lanes whose state is that of a hit but whose walk is of another generation.
uint32_t FindStale(const Snapshot& snapshot, const WorkerContext& worker, ExpressLanes& found,
                   uint32_t from) {
  const SessionTable& sessions = *worker.sessions;
  uint32_t stale = 0;
  for (uint32_t i = from; i < found.count; ++i) {
    const SessionKey& key = found.glance.key[i];
    const LineIdx idx = sessions.Confirm(key, found.hash[i], found.line[i]);
    found.line[i] = idx;
    if (!idx.has_value()) {
      continue;
    }
    const SessionLine& line = sessions.Line(idx);
    if (IsStale(snapshot, line, InterfaceIdx(key.scope())) &&
        HitsOwnLine(ViewOf(line), IsForward(idx), key.protocol(), worker.now_ms)) {
      sessions.PrefetchPeer(idx);
      stale |= 1u << i;
    }
  }
  return stale;
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

}  // namespace

void ConfirmWalks(const Snapshot& snapshot, WorkerContext& worker, ExpressLanes& found,
                  uint32_t from, bool changed) noexcept {
  ShortWalks walks;
  uint32_t place[kFindBatch];
  for (uint32_t left = FindStale(snapshot, worker, found, from); left != 0; left &= left - 1) {
    const auto i = static_cast<uint32_t>(std::countr_zero(left));
    place[walks.count] = i;
    AddShortWalk(found.glance.key[i], walks);
  }
  BeginShortWalks(snapshot, walks);  // meanwhile memory answers PrefetchPeer
  for (uint32_t left = walks.open; left != 0; left &= left - 1) {
    const auto at = static_cast<uint32_t>(std::countr_zero(left));
    const uint32_t i = place[at];
    if (!Remember(worker, found.line[i], found.glance.key[i], changed, walks.walk[at].memory)) {
      walks.open ^= 1u << at;
    }
  }
  EndShortWalks(snapshot, walks);
  SessionTable& sessions = *worker.sessions;
  for (uint32_t left = walks.open; left != 0; left &= left - 1) {
    const auto at = static_cast<uint32_t>(std::countr_zero(left));
    const ShortWalk& walk = walks.walk[at];
    const uint32_t i = place[at];
    const bool stamped =
        StampWalk(sessions.Line(found.line[i]), OutcomeOf(walk, found.glance.key[i]),
                  WalkGenerationOf(snapshot, walk.sender, walk.target));
    found.walked |= stamped ? 1u << i : 0;
  }
}

}  // namespace sluice
