// Builds route tables: sort, sweep nested prefixes into merged ranges, choose a tier, write it.
#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "dataplane/base/check.h"
#include "dataplane/table/content_hash.h"
#include "dataplane/table/direct_map.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/range_sweep.h"

namespace sluice {
namespace {

absl::Status ShortOfMemory(const char* what) {
  return absl::ResourceExhaustedError(std::string("no memory for ") + what);
}

}  // namespace

absl::StatusOr<std::vector<KeyRange>> RangesOfRoutes(std::span<const FibRoute> routes) {
  std::vector<FibRoute> sorted(routes.begin(), routes.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const FibRoute& a, const FibRoute& b) { return a.prefix < b.prefix; });
  std::vector<KeyRange> ranges;
  ranges.reserve(2 * sorted.size() + 1);
  RangeSweep sweep(kFibMiss, ranges);
  const FibRoute* previous = nullptr;
  for (const FibRoute& route : sorted) {
    if (route.prefix.length > 32 || !route.prefix.IsCanonical()) {
      return absl::InvalidArgumentError("prefix not canonical: " + ToString(route.prefix));
    }
    if (route.next_hop >= kMaxNextHop) {
      return absl::InvalidArgumentError("next hop out of range: " + ToString(route.prefix));
    }
    if (previous != nullptr && previous->prefix == route.prefix) {
      if (previous->next_hop != route.next_hop) {
        return absl::InvalidArgumentError("two next hops for " + ToString(route.prefix));
      }
      continue;
    }
    sweep.Enter(route.prefix, route.next_hop);
    previous = &route;
  }
  sweep.Finish();
  return ranges;
}

absl::StatusOr<Fib> Fib::FromRanges(std::span<const KeyRange> ranges, FibTier tier,
                                    MemorySource& memory) {
  SLUICE_CHECK(!ranges.empty() && ranges.back().end == 0xffffffffu);
  Fib fib;
  fib.tier_ = tier;
  fib.range_count_ = ranges.size();
  if (tier != FibTier::kDirect) {
    SLUICE_CHECK(tier == FibTier::kTree || ranges.size() <= 16);
    if (ranges.size() > kRangeMaxCount) {
      return absl::ResourceExhaustedError("too many ranges for a route tree");
    }
    std::vector<RangeLine> lines;
    lines.reserve(RangeLinesFor(ranges.size()));
    fib.ref_ = AppendRanges(ranges, lines);
    fib.lines_ = AlignedArray<RangeLine>::Make(memory, "fib", lines.size());
    if (!fib.lines_.ok()) {
      return ShortOfMemory("a route tree");
    }
    std::copy(lines.begin(), lines.end(), fib.lines_.data());
    return fib;
  }
  const DirectSizes sizes = SizeDirect(ranges);
  fib.ref_ = kRangeKindUser;
  fib.entry_bytes_ = static_cast<uint8_t>(sizes.entry_bytes);
  fib.nodes_ = AlignedArray<uint8_t>::Make(memory, "fib_nodes", sizes.node_bytes());
  fib.entries_ = AlignedArray<uint8_t>::Make(memory, "fib_entries", sizes.entries_bytes());
  if (!fib.nodes_.ok() || !fib.entries_.ok()) {
    return ShortOfMemory("a direct route table");
  }
  FillDirect(ranges, sizes, fib.nodes_.data(), fib.entries_.data());
  return fib;
}

size_t Fib::BytesFor(std::span<const KeyRange> ranges, FibTier tier) {
  if (tier != FibTier::kDirect) {
    return RangeLinesFor(ranges.size()) * sizeof(RangeLine);
  }
  const DirectSizes sizes = SizeDirect(ranges);
  return sizes.node_bytes() + sizes.entries_bytes();
}

bool Fib::SameContent(const Fib& other) const {
  const auto same = [](const auto& a, const auto& b) {
    return a.bytes() == b.bytes() &&
           (a.bytes() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
  };
  return tier_ == other.tier_ && entry_bytes_ == other.entry_bytes_ && ref_ == other.ref_ &&
         same(lines_, other.lines_) && same(nodes_, other.nodes_) && same(entries_, other.entries_);
}

FibBuilder::FibBuilder(MemorySource& memory, FibLimits limits) : memory_(memory), limits_(limits) {}

size_t FibBuilder::LiveDirectTables() {
  size_t count = 0;
  for (const auto& [hash, weak] : interned_) {
    const std::shared_ptr<const Fib> table = weak.lock();
    count += table != nullptr && table->tier() == FibTier::kDirect ? 1 : 0;
  }
  return count;
}

absl::StatusOr<std::shared_ptr<const Fib>> FibBuilder::Build(std::span<const FibRoute> routes) {
  absl::StatusOr<std::vector<KeyRange>> ranges = RangesOfRoutes(routes);
  if (!ranges.ok()) {
    return ranges.status();
  }
  FibTier tier = ranges->size() <= 16 ? FibTier::kRanges : FibTier::kTree;
  if (ranges->size() > limits_.direct_above_ranges &&
      LiveDirectTables() < limits_.max_direct_tables) {
    tier = FibTier::kDirect;
  }
  absl::StatusOr<Fib> built = Fib::FromRanges(*ranges, tier, memory_);
  if (!built.ok()) {
    return built.status();
  }
  const uint64_t hash = HashWords(&ranges->front().end, 2 * ranges->size(), 0);
  const auto [first, last] = interned_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    std::shared_ptr<const Fib> shared = it->second.lock();
    if (shared != nullptr && shared->SameContent(*built)) {
      return shared;
    }
  }
  auto table = std::make_shared<const Fib>(*std::move(built));
  if (interned_.size() >= sweep_at_) {
    std::erase_if(interned_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * interned_.size() + 64;
  }
  interned_.emplace(hash, table);
  return table;
}

absl::StatusOr<FibSet> FibSet::Make(std::vector<std::shared_ptr<const Fib>> tables,
                                    MemorySource& memory) {
  FibSet set;
  set.views_ = AlignedArray<FibView>::Make(memory, "fib_views", tables.size());
  if (!set.views_.ok()) {
    return ShortOfMemory("route table views");
  }
  for (size_t i = 0; i < tables.size(); ++i) {
    SLUICE_CHECK(tables[i] != nullptr);
    set.views_[i] = tables[i]->view();
  }
  set.tables_ = std::move(tables);
  return set;
}

size_t FibSet::bytes() const {
  std::set<const Fib*> distinct;
  size_t total = views_.bytes();
  for (const auto& table : tables_) {
    total += distinct.insert(table.get()).second ? table->bytes() : 0;
  }
  return total;
}

}  // namespace sluice
