// Small steps that the parts of the short walk share. Worker threads.
#pragma once

#include <bit>

#include "dataplane/stage/short_walk.h"

namespace sluice {

inline const InterfaceRow& RowOf(const Snapshot& snapshot, InterfaceIdx interface) noexcept {
  return snapshot.interfaces[interface.index()];
}

// Groups are asked at ENIs that have some.
inline bool HasGroups(const InterfaceRow& row) noexcept {
  return row.kind == InterfaceRowKind::kEni && row.group_set != kNoTable;
}

// Calls visit(place) for the bits of `which`, rising.
template <typename Visit>
void ForBits(uint32_t which, Visit visit) noexcept {
  for (; which != 0; which &= which - 1) {
    visit(static_cast<uint32_t>(std::countr_zero(which)));
  }
}

// Goes on with those open walks of `which` for which carry(walk) is true, and closes the others.
// Returns those that go on.
template <typename Carry>
uint32_t ForEach(ShortWalks& walks, uint32_t which, Carry carry) noexcept {
  uint32_t carried = 0;
  ForBits(which & walks.open,
          [&](uint32_t place) { carried |= carry(walks.walk[place]) ? 1u << place : 0; });
  walks.open &= ~which | carried;
  return carried;
}

}  // namespace sluice
