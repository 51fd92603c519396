// Writing a session line eight bytes at a time: fields that lie side by side, in one store. For the
// owner of the line. Worker thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/protocol.h"
#include "dataplane/session/accounting.h"
#include "dataplane/session/session_line.h"

namespace sluice {

// `low` to the field and `high` to what follows it, at a multiple of eight. Release.
inline void StoreWord(std::atomic<uint32_t>& field, uint32_t low, uint32_t high) noexcept {
  using Word [[gnu::may_alias]] = uint64_t;
  __atomic_store_n(reinterpret_cast<Word*>(&field), uint64_t{high} << 32 | low, __ATOMIC_RELEASE);
}

// window, tcp_flags and state, as they lie behind fin_seq.
constexpr uint32_t LineMarks(uint16_t window, uint8_t tcp_flags, uint8_t state) {
  return window | uint32_t{tcp_flags} << 16 | uint32_t{state} << 24;
}
static_assert(offsetof(SessionLine, new_ports) % 8 == 0 &&
              offsetof(SessionLine, next_hop) % 8 == 0);
static_assert(offsetof(SessionLine, last_seen_ms) % 8 == 0 &&
              offsetof(SessionLine, fin_seq) % 8 == 0);
static_assert(offsetof(SessionLine, window) == 52 && offsetof(SessionLine, tcp_flags) == 54 &&
              offsetof(SessionLine, state) == 55);

// FillWalk of the words themselves.
inline void FillWalkWords(SessionLine& line, const WalkWords& walk, uint32_t generation) noexcept {
  line.new_addresses.store(walk.addresses, std::memory_order_release);
  StoreWord(line.new_ports, walk.ports, walk.deltas);
  StoreWord(line.next_hop, walk.next_hop, generation);
}

// A SYN (without ACK, FIN and RST) of `ip_bytes` that ends before `end_seq` opens the flow: what
// AcceptPacket and CountInLine make of a line that no packet has touched yet. `constants`:
// kLineTracked and kLineNat of its pair; `fin_seq`: as it stands. Of an unpublished pair.
inline void AcceptSyn(SessionLine& line, uint8_t constants, uint32_t fin_seq, uint32_t end_seq,
                      uint32_t now_ms, uint16_t window, uint32_t ip_bytes) noexcept {
  StoreWord(line.last_seen_ms, now_ms, end_seq);
  const auto state = static_cast<uint8_t>(constants | kLineSeen | kLineSyn);
  StoreWord(line.fin_seq, fin_seq, LineMarks(window, kTcpSyn, state));
  line.counters.store(uint64_t{1} << kLineBytesBits | ip_bytes, std::memory_order_release);
}

}  // namespace sluice
