// rte_acl over the rules of a classifier: one multi-bit trie (or several) over protocol, address
// and port, walked by 8 to 32 packets at a time. Main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/table/classifier.h"
#include "perf/rivals/rival_heap.h"

struct rte_acl_ctx;

namespace sluice {

// A packet as rte_acl reads it: the protocol, then fields in groups of four bytes, network order.
struct AclKey {
  uint8_t protocol = 0;
  uint8_t pad[3] = {};
  uint32_t address_be = 0;
  uint16_t key_be = 0;
  uint16_t zero = 0;  // rte_acl wants the group filled
};
static_assert(sizeof(AclKey) == 12);
AclKey MakeAclKey(uint32_t address, uint8_t protocol, uint16_t key);

class AclRival {
 public:
  // A rule of several prefixes becomes one a prefix. ResourceExhausted when rte_acl does not build
  // these rules in `heap_bytes`.
  static absl::StatusOr<std::unique_ptr<AclRival>> Make(std::span<const ClassifierRule> rules,
                                                        MemorySource& memory, size_t heap_bytes);
  ~AclRival();

  // The ways of walking that this machine runs, plainest first.
  static std::vector<std::string_view> Variants();
  void Use(std::string_view variant);

  // value_out[i]: what Classifier::Lookup answers. `keys` point at AclKey.
  void Classify(const uint8_t** keys, uint32_t* value_out, uint32_t count) const;

  double build_ns() const { return build_ns_; }
  // Of the trie and the rules it keeps.
  size_t bytes() const { return bytes_; }

 private:
  AclRival() = default;
  absl::Status Build(std::span<const ClassifierRule> rules, size_t heap_bytes);

  std::unique_ptr<RivalHeap> heap_;
  rte_acl_ctx* acl_ = nullptr;
  int algorithm_ = 0;
  double build_ns_ = 0;
  size_t bytes_ = 0;
};

}  // namespace sluice
