// Builders shared by the tests of the session room.
#pragma once

#include <memory>

#include "dataplane/session/session_table.h"

namespace sluice {

inline SessionCold TrackedCold() {
  SessionCold cold;
  cold.initiator_interface_idx = 1;
  cold.responder_interface_idx = 2;
  cold.vpc_idx = 0;
  cold.flags = kPairTrackedByInitiator | kPairTrackedByResponder;
  return cold;
}

// Keys that differ in address and port; sent by interface 1.
inline SessionKey KeyNumber(uint32_t n, uint8_t protocol = kProtocolTcp) {
  return MakeSessionKey(1, 0x0a000000 + n, 0x0a010001, static_cast<uint16_t>(1024 + n % 60000), 80,
                        protocol);
}

// Inserts the pair of `key` and its plain answer from interface 2; its forward line, or None.
inline LineIdx InsertPair(SessionTable& table, const SessionKey& key,
                          const SessionCold& cold = TrackedCold(), ClaimOutcome* outcome = nullptr,
                          LineIdx* existing_out = nullptr) {
  Admission admission;
  LineIdx existing;
  LineIdx line;
  ClaimOutcome result =
      table.BeginPair(key, table.hasher().HashOne(key), cold, {}, &admission, &existing);
  if (result == ClaimOutcome::kClaimed) {
    result = table.ClaimReverse(admission, AnswerKey(key, 2), &existing);
    if (result == ClaimOutcome::kClaimed) {
      line = ForwardLine(admission.pair);
      table.Publish(admission);
    } else {
      table.Abandon(admission);
    }
  }
  if (outcome != nullptr) {
    *outcome = result;
  }
  if (existing_out != nullptr) {
    *existing_out = existing;
  }
  return line;
}

// As if a first packet had been accepted. Before Publish.
inline void MarkSeen(SessionLine& line, uint32_t now_ms) {
  line.last_seen_ms.store(now_ms, std::memory_order_relaxed);
  line.state.store(line.state.load(std::memory_order_relaxed) | kLineSeen,
                   std::memory_order_relaxed);
}

// What the sweep does when no worker holds anything.
inline uint32_t FreeUnlinked(SessionTable& table) {
  uint32_t freed = 0;
  for (PairIdx pair = table.TakeUnlinked(); pair.has_value(); ++freed) {
    const PairIdx next = table.NextUnlinked(pair);
    table.Free(pair);
    pair = next;
  }
  return freed;
}

}  // namespace sluice
