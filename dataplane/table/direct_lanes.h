// Lookups in direct maps (direct_map.h), one node a lane. Part of kernel_lanes.h: everything
// depends on Simd, so that no two kernel files emit one symbol.
//
// A Simd that gathers brings its own form for the narrow map:
//   static constexpr bool kGathers
//   static void Simd::NarrowNextHops(nodes, entries, destination, out, n)  n a multiple of 8
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/base/cache_line.h"
#include "dataplane/table/direct_map.h"

namespace sluice {

template <class Simd, typename Entry>
struct DirectLanes {
  // Without a branch on what is loaded: where entries are listed is not predictable.
  static uint32_t EntryOf(const DirectNode<Entry>& node, const Entry* entries,
                          uint32_t destination) noexcept {
    const uint32_t up_to = (2u << (destination >> 8 & (kDirectNodeBlocks - 1))) - 1;
    const auto rank =
        static_cast<uint32_t>(__builtin_popcount((uint32_t{node.change} | 1u) & up_to));
    const Entry* listed = entries + node.ListAt();
    const Entry* list = (node.change & 1u) != 0 ? node.entry : listed;
    return list[rank - 1];
  }

  // Groups are rare, and a mispredicted branch costs the overlap of a whole chunk: one for all.
  static uint32_t NextHop(uint32_t entry, const Entry* entries, uint32_t destination) noexcept {
    constexpr uint32_t kNone = kDirectGroup<Entry> - 1u;
    if ((entry & kDirectGroup<Entry>) != 0) [[unlikely]] {
      entry = entries[size_t{entry & kNone} * 256 + (destination & 0xff)];
    }
    return entry | (0u - static_cast<uint32_t>(entry == kNone));
  }

  // `n` lookups in one map.
  static void Lookup(const DirectNode<Entry>* nodes, const Entry* entries,
                     const uint32_t* destination, uint32_t* out, size_t n) noexcept {
    size_t done = 0;
    if constexpr (Simd::kGathers && sizeof(Entry) == 2) {
      done = n & ~size_t{7};
      Simd::NarrowNextHops(nodes, entries, destination, out, done);
    } else {
      for (size_t i = 0; i < n; ++i) {
        PrefetchRead(nodes + (destination[i] >> 12));
      }
    }
    for (size_t i = done; i < n; ++i) {
      out[i] = NextHop(EntryOf(nodes[destination[i] >> 12], entries, destination[i]), entries,
                       destination[i]);
    }
  }
};

}  // namespace sluice
