// The route table for many routes: DIR-24-8 (fib.h) with its first table folded, sixteen blocks of
// 256 addresses a node, because neighbouring blocks mostly lead to one place. Written by the
// control thread, read by any thread.
//
// Theory: a node says by a bitmap where the entry changes from one block to the next, so a block's
// entry is found by counting bits (Degermark, Brodnik, Carlsson, Pink, "Small forwarding tables for
// fast routing lookups", SIGCOMM 1997; Asai, Ohara, "Poptrie", SIGCOMM 2015). Up to three entries
// lie in the node itself, so a lookup mostly touches one line of 8 MB where tbl24 has 32 MB. Bytes:
// docs/layouts/fib.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "dataplane/table/range_map.h"

namespace sluice {

inline constexpr uint32_t kDirectNodeBlocks = 16;
inline constexpr size_t kDirectNodes = size_t{1} << 20;

// Entry: uint16_t or uint32_t. The top bit of an entry says that the rest is the number of a group
// of 256 entries, one an address; all other bits set: no route.
template <typename Entry>
struct alignas(4 * sizeof(Entry)) DirectNode {
  static constexpr uint32_t kInlineEntries = 3;
  // Bit i of 1..15: block i has another entry than block i - 1. Bit 0: the entries are here;
  // otherwise word 1 is their place in the entries of the map.
  Entry change;
  Entry entry[kInlineEntries];

  uint32_t ListAt() const noexcept {
    uint32_t place;
    std::memcpy(&place, reinterpret_cast<const char*>(this) + sizeof place, sizeof place);
    return place;
  }
  void SetListAt(uint32_t place) noexcept {
    std::memcpy(reinterpret_cast<char*>(this) + sizeof place, &place, sizeof place);
  }
};
static_assert(sizeof(DirectNode<uint16_t>) == 8 && sizeof(DirectNode<uint32_t>) == 16);
static_assert(std::is_trivially_copyable_v<DirectNode<uint16_t>>);

template <typename Entry>
inline constexpr Entry kDirectGroup = static_cast<Entry>(Entry{1} << (sizeof(Entry) * 8 - 1));

// What a map takes.
struct DirectSizes {
  uint32_t entry_bytes = 2;  // 4 when a payload or a group number does not fit in 15 bits
  size_t group_count = 0;
  size_t list_entries = 0;

  size_t node_bytes() const { return kDirectNodes * 4 * entry_bytes; }
  // Groups, then lists, then padding: vectors load more than they need.
  size_t entries_bytes() const {
    return (group_count * 256 + list_entries + kPaddingEntries) * entry_bytes;
  }
  static constexpr size_t kPaddingEntries = 4;
};

// Of merged ranges that cover the whole address space; payloads below 2^31 - 1, or all ones.
DirectSizes SizeDirect(std::span<const KeyRange> ranges);
// Writes the map into zeroed memory of those sizes.
void FillDirect(std::span<const KeyRange> ranges, const DirectSizes& sizes, void* nodes,
                void* entries);

}  // namespace sluice
