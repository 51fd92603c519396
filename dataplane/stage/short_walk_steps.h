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

// Goes on with those open walks of `which` for which carry(walk) is true, and closes the others.
// Returns those that go on.
template <typename Carry>
uint32_t ForEach(ShortWalks& walks, uint32_t which, Carry carry) noexcept {
  uint32_t carried = 0;
  for (uint32_t left = which & walks.open; left != 0; left &= left - 1) {
    const uint32_t bit = left & (0 - left);
    carried |= carry(walks.walk[static_cast<uint32_t>(std::countr_zero(left))]) ? bit : 0;
  }
  walks.open &= ~which | carried;
  return carried;
}

}  // namespace sluice
