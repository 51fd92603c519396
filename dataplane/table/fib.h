// Route tables: longest-prefix match of an IPv4 destination to a next-hop number. A Fib is
// immutable; the control thread builds it, any number of snapshots share it, and workers read the
// flat views of a FibSet.
//
// Three tiers, one answer (Gupta, Lin, McKeown, "Routing lookups in hardware at memory access
// speeds", INFOCOM 1998, for the third; range_map.h for the others). Adjacent ranges with one next
// hop are merged before a tier is chosen:
//   kRanges  up to 16 ranges: one or two lines.
//
//   kTree    17-ary compare tree of 64-byte nodes, about 8.5 bytes a range; used to 8k routes,
//            right for any size.
//
//   kDirect  DIR-24-8, folded (direct_map.h): entries of 2 bytes when the next hops fit (below
//            0x7fff), else of 4; 8 or 16 MB and what the routes add.
//
// Bytes: docs/layouts/fib.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/base/aligned_array.h"
#include "dataplane/base/strong_id.h"
#include "dataplane/packet/ipv4.h"
#include "dataplane/table/range_map.h"

namespace sluice {

using FibIdx = StrongId<struct FibIdxTag>;

// What a lookup returns when no route matches (not kNoRoute: DropReason has that name). Next hops
// are below kMaxNextHop.
inline constexpr uint32_t kFibMiss = 0xffffffffu;
inline constexpr uint32_t kMaxNextHop = 0x7fffffffu;

struct FibRoute {
  Ipv4Prefix prefix;  // canonical
  uint32_t next_hop = 0;
};

enum class FibTier : uint8_t { kRanges, kTree, kDirect };

// What a worker reads of one table.
struct FibView {
  const RangeLine* lines;  // kRanges, kTree
  const void* nodes;       // kDirect: DirectNode, one for 4,096 addresses
  const void* entries;     // kDirect: groups of 256 entries, then the lists of nodes
  RangeRef ref;            // kRanges, kTree
  FibTier tier;
  uint8_t entry_bytes;  // kDirect: 2 or 4
  uint16_t unused;
};
static_assert(sizeof(FibView) == 32 && std::is_trivially_copyable_v<FibView>);

class Fib {
 public:
  Fib() = default;

  FibTier tier() const { return tier_; }
  size_t range_count() const { return range_count_; }
  // Memory of the tables, without this object.
  size_t bytes() const { return lines_.bytes() + nodes_.bytes() + entries_.bytes(); }
  FibView view() const;
  // The next hop of `destination` (host order), or kFibMiss. The plain form; workers use FibSet.
  uint32_t Lookup(uint32_t destination) const noexcept;
  bool SameContent(const Fib& other) const;

  // Builds exactly one tier from merged ranges that cover the whole address space; kRanges needs <=
  // 16 of them. ResourceExhausted when `memory` is short or there are too many ranges or groups.
  static absl::StatusOr<Fib> FromRanges(std::span<const KeyRange> ranges, FibTier tier,
                                        MemorySource& memory);
  // The memory that FromRanges would take.
  static size_t BytesFor(std::span<const KeyRange> ranges, FibTier tier);

 private:
  FibTier tier_ = FibTier::kRanges;
  uint8_t entry_bytes_ = 4;
  RangeRef ref_ = 0;
  size_t range_count_ = 0;
  AlignedArray<RangeLine> lines_;
  AlignedArray<uint8_t> nodes_;
  AlignedArray<uint8_t> entries_;
};

// The merged ranges of `routes` over the whole address space; kFibMiss where nothing matches.
// InvalidArgument: a prefix that is not canonical, a next hop out of range, or one prefix with two
// next hops.
absl::StatusOr<std::vector<KeyRange>> RangesOfRoutes(std::span<const FibRoute> routes);

struct FibLimits {
  size_t max_direct_tables = 64;  // alive at one time; beyond it large tables stay trees
  size_t direct_above_ranges = 16'384;
};

// Builds tables and shares identical ones for as long as somebody holds them. Control thread only.
class FibBuilder {
 public:
  explicit FibBuilder(MemorySource& memory, FibLimits limits = {});

  // The table of `routes`, in any order. Errors as RangesOfRoutes and Fib::FromRanges.
  absl::StatusOr<std::shared_ptr<const Fib>> Build(std::span<const FibRoute> routes);

 private:
  size_t LiveDirectTables();

  MemorySource& memory_;
  FibLimits limits_;
  std::multimap<uint64_t, std::weak_ptr<const Fib>> interned_;
  size_t sweep_at_ = 64;
};

// The route tables of a snapshot by FibIdx. Owns references on the control side; a worker touches
// the views only.
class FibSet {
 public:
  FibSet() = default;

  // `tables` without nulls. ResourceExhausted when memory is short.
  static absl::StatusOr<FibSet> Make(std::vector<std::shared_ptr<const Fib>> tables,
                                     MemorySource& memory);

  size_t size() const { return views_.size(); }
  // Memory of the views and of every distinct table.
  size_t bytes() const;
  const std::shared_ptr<const Fib>& table(FibIdx idx) const { return tables_[idx.index()]; }
  std::span<const FibView> views() const { return views_.span(); }

  // One lookup; `destination` in host order.
  uint32_t Lookup(FibIdx idx, uint32_t destination) const noexcept;
  // `n` lookups, any n. fib_idx[i] < size(). Destinations in host order; next_hop_out may be either
  // input array.
  void LookupBatch(const uint32_t* fib_idx, const uint32_t* destination, uint32_t* next_hop_out,
                   size_t n) const noexcept;

 private:
  std::vector<std::shared_ptr<const Fib>> tables_;
  AlignedArray<FibView> views_;
};

}  // namespace sluice
