#include "dataplane/session/session_line.h"

namespace sluice {

void FillWalk(SessionLine& line, const WalkOutcome& walk, uint32_t generation) noexcept {
  // Release: pairs with the acquire loads of ReadWalk.
  const WalkWords words = ToWords(walk);
  line.new_addresses.store(words.addresses, std::memory_order_release);
  line.new_ports.store(words.ports, std::memory_order_release);
  line.deltas.store(words.deltas, std::memory_order_release);
  line.next_hop.store(words.next_hop, std::memory_order_release);
  line.generation.store(generation, std::memory_order_release);
}

bool StampWalk(SessionLine& line, const WalkOutcome& walk, uint32_t generation) noexcept {
  if (LockWalk(line) == kGenerationBusy) {
    return false;
  }
  FillWalk(line, walk, generation);
  return true;
}

}  // namespace sluice
