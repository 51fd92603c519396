#include "perf/rivals/acl.h"

#include <rte_acl.h>
#include <rte_config.h>

#include <algorithm>
#include <chrono>

#include "absl/status/status.h"
#include "dataplane/base/check.h"

namespace sluice {
namespace {

constexpr uint32_t kFields = 4;
RTE_ACL_RULE_DEF(AclRule, kFields);

struct Variant {
  std::string_view name;
  enum rte_acl_classify_alg algorithm;
};
constexpr Variant kVariants[] = {{"scalar", RTE_ACL_CLASSIFY_SCALAR},
                                 {"sse", RTE_ACL_CLASSIFY_SSE},
                                 {"avx2", RTE_ACL_CLASSIFY_AVX2},
                                 {"avx512x16", RTE_ACL_CLASSIFY_AVX512X16},
                                 {"avx512x32", RTE_ACL_CLASSIFY_AVX512X32}};

rte_acl_config Config(size_t max_bytes) {
  rte_acl_config config = {};
  config.num_categories = 1;
  config.num_fields = kFields;
  config.max_size = max_bytes;
  const rte_acl_field_def fields[kFields] = {
      {RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(AclKey, protocol)},
      {RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(AclKey, address_be)},
      {RTE_ACL_FIELD_TYPE_RANGE, 2, 2, 2, offsetof(AclKey, key_be)},
      {RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 2, offsetof(AclKey, zero)}};
  std::copy(fields, fields + kFields, config.defs);
  return config;
}

AclRule MakeRule(const Ipv4Prefix& prefix, const PortRule& port, int32_t priority) {
  AclRule rule = {};
  rule.data.category_mask = 1;
  rule.data.priority = priority;
  rule.data.userdata = port.value + 1;  // 0 is "no match"
  rule.field[0].value.u8 = static_cast<uint8_t>(port.protocol);
  rule.field[0].mask_range.u8 = port.protocol == kAnyProtocol ? 0 : 0xff;
  rule.field[1].value.u32 = prefix.address.value;
  rule.field[1].mask_range.u32 = prefix.length;
  rule.field[2].value.u16 = port.key_low;
  rule.field[2].mask_range.u16 = port.key_high;
  rule.field[3].mask_range.u16 = 0xffff;
  return rule;
}

std::vector<AclRule> Expand(std::span<const ClassifierRule> rules) {
  std::vector<AclRule> expanded;
  for (size_t rank = 0; rank < rules.size(); ++rank) {
    for (const Ipv4Prefix& prefix : rules[rank].prefixes) {
      expanded.push_back(
          MakeRule(prefix, rules[rank].port, static_cast<int32_t>(rules.size() - rank)));
    }
  }
  return expanded;
}

absl::Status Refused(const char* what, size_t rules, size_t heap_bytes) {
  return absl::ResourceExhaustedError("rte_acl does not " + std::string(what) + " " +
                                      std::to_string(rules) + " rules in " +
                                      std::to_string(heap_bytes >> 20) + " MB");
}

}  // namespace

AclKey MakeAclKey(uint32_t address, uint8_t protocol, uint16_t key) {
  AclKey packet;
  packet.protocol = protocol;
  packet.address_be = __builtin_bswap32(address);
  packet.key_be = __builtin_bswap16(key);
  return packet;
}

absl::StatusOr<std::unique_ptr<AclRival>> AclRival::Make(std::span<const ClassifierRule> rules,
                                                         MemorySource& memory, size_t heap_bytes) {
  std::unique_ptr<AclRival> rival(new AclRival());
  absl::StatusOr<std::unique_ptr<RivalHeap>> heap = RivalHeap::Make(memory, heap_bytes);
  if (!heap.ok()) {
    return heap.status();
  }
  rival->heap_ = *std::move(heap);
  if (absl::Status built = rival->Build(rules, heap_bytes); !built.ok()) {
    return built;
  }
  rival->algorithm_ = RTE_ACL_CLASSIFY_SCALAR;
  return rival;
}

// Timed from rules in its form to a trie that answers; translating ours is not.
absl::Status AclRival::Build(std::span<const ClassifierRule> rules, size_t heap_bytes) {
  std::vector<AclRule> expanded = Expand(rules);
  const auto start = std::chrono::steady_clock::now();
  rte_acl_param param = {};
  param.name = heap_->name().c_str();
  param.socket_id = heap_->socket();
  param.rule_size = RTE_ACL_RULE_SZ(kFields);
  param.max_rule_num = static_cast<uint32_t>(std::max<size_t>(expanded.size(), 1));
  acl_ = rte_acl_create(&param);
  if (acl_ == nullptr) {
    return Refused("hold", expanded.size(), heap_bytes);
  }
  SLUICE_CHECK(rte_acl_add_rules(acl_, reinterpret_cast<rte_acl_rule*>(expanded.data()),
                                 static_cast<uint32_t>(expanded.size())) == 0);
  const rte_acl_config config = Config(heap_bytes);
  if (rte_acl_build(acl_, &config) != 0) {
    return Refused("build", expanded.size(), heap_bytes);
  }
  build_ns_ =
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
  bytes_ = heap_->used_bytes();
  return absl::OkStatus();
}

AclRival::~AclRival() {
  rte_acl_free(acl_);
}

std::vector<std::string_view> AclRival::Variants() {
  rte_acl_param param = {};
  std::vector<std::string_view> names;
  param.name = "variants";
  param.socket_id = SOCKET_ID_ANY;
  param.rule_size = RTE_ACL_RULE_SZ(kFields);
  param.max_rule_num = 1;
  rte_acl_ctx* probe = rte_acl_create(&param);
  for (const Variant& variant : kVariants) {
    if (probe != nullptr && rte_acl_set_ctx_classify(probe, variant.algorithm) == 0) {
      names.push_back(variant.name);
    }
  }
  rte_acl_free(probe);
  return names;
}

void AclRival::Use(std::string_view variant) {
  const auto* found = std::find_if(std::begin(kVariants), std::end(kVariants),
                                   [&](const Variant& known) { return known.name == variant; });
  SLUICE_CHECK(found != std::end(kVariants));
  algorithm_ = found->algorithm;
}

void AclRival::Classify(const uint8_t** keys, uint32_t* value_out, uint32_t count) const {
  rte_acl_classify_alg(acl_, keys, value_out, count, 1,
                       static_cast<enum rte_acl_classify_alg>(algorithm_));
  for (uint32_t i = 0; i < count; ++i) {
    --value_out[i];
  }
}

}  // namespace sluice
