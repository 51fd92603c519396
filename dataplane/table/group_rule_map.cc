#include "dataplane/table/group_rule_map.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "dataplane/table/content_hash.h"
#include "dataplane/table/kernels.h"
#include "dataplane/table/port_ranges.h"

namespace sluice {
namespace {

absl::Status TooBig() {
  return absl::ResourceExhaustedError("group rules exceed their memory budget");
}

// Compiles short lists into one pool; equal maps are written once.
class MapWriter {
 public:
  explicit MapWriter(size_t max_bytes) : max_bytes_(max_bytes) {}

  absl::StatusOr<RangeRef> Write(std::span<const PortRule> rules) {
    for (const PortRule& rule : rules) {
      if (rule.protocol > kAnyProtocol || rule.key_low > rule.key_high || rule.value == kNoMatch) {
        return absl::InvalidArgumentError("rule with a wrong protocol, port range or value");
      }
    }
    Compile(rules);
    const uint64_t hash = HashWords(&by_value_.front().end, 2 * by_value_.size(), 0);
    const auto it = written_.find(hash);
    if (it != written_.end() && it->second.ranges == by_value_) {
      return it->second.ref;
    }
    const size_t lines = pool_.size() + RangeLinesFor(by_value_.size());
    if (lines * sizeof(RangeLine) > max_bytes_ || lines > kRangeMaxPoolLines) {
      return TooBig();
    }
    const RangeRef ref = AppendRanges(by_value_, pool_);
    written_.try_emplace(hash, Written{by_value_, ref});
    return ref;
  }

  const std::vector<RangeLine>& pool() const { return pool_; }

 private:
  struct Written {
    PortRanges ranges;
    RangeRef ref;
  };

  void Compile(std::span<const PortRule> rules) {
    by_rank_.assign(1, {kPortKeyMax, kNoMatch});
    if (!rules.empty()) {
      const auto source = [rules](size_t i, PortRanges& out) {
        RangesOfRule(rules[i], static_cast<uint32_t>(i), out);
      };
      merger_.Merge(0, rules.size(), source, by_rank_);
    }
    by_value_.clear();
    for (const KeyRange& range : by_rank_) {
      const uint32_t value = range.payload == kNoMatch ? kNoMatch : rules[range.payload].value;
      if (!by_value_.empty() && by_value_.back().payload == value) {
        by_value_.back().end = range.end;
      } else {
        by_value_.push_back({range.end, value});
      }
    }
  }

  const size_t max_bytes_;
  PortRangeMerger merger_;
  PortRanges by_rank_;
  PortRanges by_value_;
  absl::flat_hash_map<uint64_t, Written> written_;
  std::vector<RangeLine> pool_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const GroupRuleMap>> GroupRuleMap::Build(
    std::span<const GroupRules> pairs, AddressHashKey key, MemorySource& memory, size_t max_bytes) {
  MapWriter writer(max_bytes);
  std::vector<AddressEntry> entries;
  entries.reserve(pairs.size());
  for (const GroupRules& pair : pairs) {
    const absl::StatusOr<RangeRef> ref = writer.Write(pair.rules);
    if (!ref.ok()) {
      return ref.status();
    }
    entries.push_back({pair.policy_idx, Ipv4Address(pair.group_set_idx), *ref});
  }
  absl::StatusOr<std::shared_ptr<const AddressMap>> index = AddressMap::Build(entries, key, memory);
  if (!index.ok()) {
    return index.status();
  }
  auto map = std::make_shared<GroupRuleMap>();
  map->pairs_ = *std::move(index);
  map->maps_ = AlignedArray<RangeLine>::Make(memory, "group_rule_maps", writer.pool().size());
  if (!map->maps_.ok()) {
    return absl::ResourceExhaustedError("no memory for group rule maps");
  }
  std::copy(writer.pool().begin(), writer.pool().end(), map->maps_.data());
  if (map->bytes() > max_bytes) {
    return TooBig();
  }
  return std::shared_ptr<const GroupRuleMap>(std::move(map));
}

uint32_t GroupRuleMap::Lookup(uint32_t policy_idx, uint32_t group_set_idx, uint8_t protocol,
                              uint16_t key) const noexcept {
  uint32_t value = kNoMatch;
  LookupBatch(&policy_idx, &group_set_idx, &protocol, &key, &value, 1);
  return value;
}

void GroupRuleMap::LookupBatch(const uint32_t* policy_idx, const uint32_t* group_set_idx,
                               const uint8_t* protocol, const uint16_t* key, uint32_t* value_out,
                               size_t n) const noexcept {
  pairs_->LookupBatch(policy_idx, group_set_idx, value_out, n);
  ActiveKernels().port_maps(maps_.data(), value_out, protocol, key, value_out, n);
}

}  // namespace sluice
