// Rules whose peer is a security group: (policy, set of groups of the other side) -> compiled
// (protocol, port) map. The compiler resolves which rules of a policy name a group of the set; here
// each pair has its own short list. Immutable; built by the control thread, read by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/base/aligned_array.h"
#include "dataplane/table/address_map.h"
#include "dataplane/table/classifier.h"

namespace sluice {

struct GroupRules {
  uint32_t policy_idx = 0;          // not 0xffffffff
  uint32_t group_set_idx = 0;       // any
  std::span<const PortRule> rules;  // in order of precedence
};

class GroupRuleMap {
 public:
  // InvalidArgument: a pair twice, an empty range, a reserved value. ResourceExhausted: more than
  // `max_bytes` or memory is short.
  static absl::StatusOr<std::shared_ptr<const GroupRuleMap>> Build(
      std::span<const GroupRules> pairs, AddressHashKey key, MemorySource& memory,
      size_t max_bytes = size_t{1} << 30);

  size_t bytes() const { return pairs_->bytes() + maps_.bytes(); }

  // The value of the first matching rule, or kNoMatch.
  uint32_t Lookup(uint32_t policy_idx, uint32_t group_set_idx, uint8_t protocol,
                  uint16_t key) const noexcept;
  // `n` lookups, any n; a pair that is not in the map gives kNoMatch. value_out may be an input
  // array.
  void LookupBatch(const uint32_t* policy_idx, const uint32_t* group_set_idx,
                   const uint8_t* protocol, const uint16_t* key, uint32_t* value_out,
                   size_t n) const noexcept;

 private:
  std::shared_ptr<const AddressMap> pairs_;  // (policy, set) -> ref
  AlignedArray<RangeLine> maps_;
};

}  // namespace sluice
