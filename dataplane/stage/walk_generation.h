// Under which number a walk is remembered, and whether it may be (decision 18). Worker threads.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// Whose generation judges a walk from `sender` to `out`. The internet belongs to no VPC: what such
// a walk reads lies in the VPC it ended in.
constexpr InterfaceIdx JudgeOfWalk(InterfaceIdx internet, InterfaceIdx sender,
                                   InterfaceIdx out) noexcept {
  return sender == internet ? out : sender;
}
inline uint32_t WalkGenerationOf(const Snapshot& snapshot, InterfaceIdx sender,
                                 InterfaceIdx out) noexcept {
  return snapshot.walk_generation[JudgeOfWalk(snapshot.internet, sender, out).index()];
}

// A walk that turned back at the internet gateway into another VPC depends on that one too: its
// packets walk again, each of them.
inline bool MayRemember(const Snapshot& snapshot, const Batch& batch, uint32_t lane) noexcept {
  return batch.hairpins[lane] == 0 || snapshot.interfaces[batch.sender[lane].index()].vpc ==
                                          snapshot.interfaces[batch.out[lane].index()].vpc;
}

}  // namespace sluice
