// Whether the walk that a session's line remembers may be used for a packet, without asking any
// table: the one place that says so. Worker threads.
#pragma once

#include "dataplane/session/session_line.h"
#include "dataplane/session/session_table.h"
#include "dataplane/stage/walk_generation.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// False: the line's walk is of another generation or being written, and the packet must walk. Says
// nothing of the connection's state.
inline bool RememberWalk(const Snapshot& snapshot, const SessionLine& line, InterfaceIdx sender,
                         WalkWords& walk) noexcept {
  const InterfaceIdx leads = SideOf(line.next_hop.load(std::memory_order_relaxed));
  return ReadWalk(line, WalkGenerationOf(snapshot, sender, leads), &walk);
}

// Whether a NAT gateway translates the line's packets, which takes one of the TTL.
inline bool IsTranslated(const SessionLine& line) noexcept {
  return (line.state.load(std::memory_order_relaxed) & kLineNat) != 0;
}

// Whether the packet fits where the walk leads and has TTL left for it. Otherwise a gateway has to
// answer it or cut it: it must walk. `link` is that of SideOf(walk.next_hop).
inline bool WalkCarries(const LinkRow& link, const WalkWords& walk, bool translated,
                        uint32_t ip_bytes, uint8_t ttl) noexcept {
  const uint32_t most = (walk.next_hop & kNextHopEdge) != 0 ? link.edge_mtu_bytes : link.mtu_bytes;
  return (!translated | (ttl > 1)) & (ip_bytes <= most);
}

// The key of answers to what leaves by the walk.
inline SessionKey AnswerTo(const WalkWords& words, uint8_t protocol) noexcept {
  const WalkOutcome walk = FromWords(words);
  const uint32_t out = SideOf(walk.next_hop).value;
  return AnswerKey(MakeSessionKey(out, walk.new_src, walk.new_dst, walk.new_src_l4_port,
                                  walk.new_dst_l4_port, protocol),
                   out);
}

// The key of the session's other direction. The line itself says it once a walk of its own packets
// has: then the peer's need not be read. TCP and UDP.
inline SessionKey OtherKey(const SessionTable& sessions, LineIdx idx, uint8_t protocol) noexcept {
  const SessionLine& line = sessions.Line(idx);
  const uint32_t generation = line.generation.load(std::memory_order_relaxed);
  WalkWords walk;
  const bool knows = generation != kGenerationNone && generation != kGenerationBusy &&
                     ReadWalk(line, generation, &walk) && (walk.next_hop & kNextHopStrays) == 0;
  return knows ? AnswerTo(walk, protocol) : KeyOf(sessions.Line(PeerOf(idx)));
}

}  // namespace sluice
