// Small steps that every stage takes with lanes. Worker threads.
#pragma once

#include "dataplane/packet/batch.h"

namespace sluice {

inline void DropLane(Batch& batch, uint32_t lane, DropReason reason) noexcept {
  batch.verdict[lane] = Verdict::kDrop;
  batch.reason[lane] = reason;
}

// Keeps the lanes for which `keep(lane)` is true, in order.
template <typename Keep>
void Retain(LaneList& lanes, Keep keep) noexcept {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < lanes.count; ++i) {
    const uint8_t lane = lanes.lanes[i];
    lanes.lanes[kept] = lane;
    kept += keep(lane) ? 1 : 0;
  }
  lanes.count = kept;
}

// What port ranges of rules are asked with where the packet is now: the destination port as
// translated so far, or the ICMP type and code.
inline uint16_t WalkRuleKey(const Batch& batch, uint32_t lane) noexcept {
  return (batch.traits[lane] & kTraitPorts) != 0 ? batch.walk_l4_dst[lane] : batch.rule_key[lane];
}

// Which end of the pair a question is put to: the one that sends this packet, or the other.
enum class PairEnd : uint8_t { kSender, kReceiver };

// Whether the pair of this lane remembers the flow at `eni`, its end, and need not ask its rules.
inline bool TrackedAt(const Batch& batch, uint32_t lane, PairEnd end, InterfaceIdx eni) noexcept {
  const uint8_t flags = batch.pair_flags[lane];
  const bool asks = (flags & kPairForward) != 0;
  if ((flags & kPairReopen) != 0 || ((flags & kPairAskReply) != 0 && !asks)) {
    return false;
  }
  return asks == (end == PairEnd::kSender)
             ? (flags & kPairTrackedInitiator) != 0 && batch.initiator[lane] == eni
             : (flags & kPairTrackedResponder) != 0 && batch.responder[lane] == eni;
}

}  // namespace sluice
