// Ordered rules of cloud shape (remote address prefixes, protocol, port range), compiled: which
// rule matches a packet first? Network ACLs use it as it stands; an allow-only security-group
// policy is a list in order of preference. Immutable; built by the control thread, shared by
// snapshots, read by any thread through a ClassifierSet.
//
// Theory: the prefixes of the rules form a tree. The rules that can match an address are those of
// the deepest prefix that holds it and of its ancestors, and between them only (protocol, port)
// decides: one number of 24 bits. So a lookup is a longest-prefix match (fib.h) to a ref, then a
// range_map.h lookup of protocol << 16 | key. A node's map is merged from its ancestors' while that
// stays small; else the node names a chain of maps, of which the least answer counts (mostly two:
// its own, and that of everything above it). Identical maps are shared; a list of prefixes named by
// many rules is compiled once. Bytes: docs/layouts/classifier.md.
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
#include "dataplane/table/fib.h"
#include "dataplane/table/range_map.h"

namespace sluice {

using ClassifierIdx = StrongId<struct ClassifierIdxTag>;

inline constexpr uint32_t kNoMatch = 0xffffffffu;
inline constexpr uint16_t kAnyProtocol = 256;

// The (protocol, port) part of a rule. A packet's key is its destination port (TCP, UDP, ...),
// IcmpRuleKey(type, code) for ICMP, and 0 for protocols without ports; rules for those span
// 0..65535.
struct PortRule {
  uint16_t protocol = kAnyProtocol;  // 0..255 or kAnyProtocol
  uint16_t key_low = 0;
  uint16_t key_high = 0xffff;  // inclusive, >= key_low
  uint32_t value = 0;          // returned on a match; not kNoMatch
};

struct ClassifierRule {
  std::span<const Ipv4Prefix>
      prefixes;  // matches inside any of them; canonical; empty matches nothing
  PortRule port;
};

// A chain record: a line of the pool, ref kind kRangeKindUser, and more lines when it names more
// than one map. It starts with a map of its own: up to kChainOwnRanges ends in the first words, as
// in a range map, and their answers kChainOwnPayload words behind them. The least answer of that
// map and of all named ones counts.
inline constexpr size_t kChainOwnRanges = 7;
inline constexpr size_t kChainOwnPayload = 8;
inline constexpr size_t kChainCountWord = 15;  // maps named, at least one
// Where the ref of named map `i` is: the first in the first line, the others in those behind it.
constexpr size_t ChainRefWord(size_t i) {
  return i == 0 ? 7 : 15 + i;
}
constexpr size_t ChainLinesFor(size_t map_count) {
  return 1 + (map_count - 1 + 15) / 16;
}
// What a worker reads of one classifier.
struct alignas(kCacheLineBytes) ClassifierView {
  FibView nodes;  // address -> ref into `maps`
  const RangeLine* maps;
  // What maps hold is the value with these bits flipped, kNoMatch where nothing matches; or, with
  // `values`, a rank: the rule's position in the list.
  const uint32_t* values;
  uint32_t flip;
};
static_assert(sizeof(ClassifierView) == 64 && std::is_trivially_copyable_v<ClassifierView>);

class Classifier {
 public:
  // The most map lookups that one packet can cost: one a prefix length, and one for everything.
  static constexpr uint32_t kMaxSteps = 33;

  uint32_t max_steps() const {
    return max_steps_;
  }  // of this list, <= kMaxSteps; 1 when nothing is chained
  size_t bytes() const { return nodes_.bytes() + maps_.bytes() + values_.bytes(); }
  size_t node_range_count() const { return nodes_.range_count(); }
  ClassifierView view() const;
  // The value of the first matching rule, or kNoMatch. `address` in host order. The plain form;
  // workers use the set.
  uint32_t Lookup(uint32_t address, uint8_t protocol, uint16_t key) const noexcept;
  bool SameContent(const Classifier& other) const;

 private:
  friend class ClassifierBuilder;

  uint32_t max_steps_ = 1;
  uint32_t flip_ = 0;
  Fib nodes_;
  AlignedArray<RangeLine> maps_;
  AlignedArray<uint32_t> values_;
};

struct KeptRule;

struct ClassifierLimits {
  size_t max_bytes = size_t{1} << 30;  // of one compiled classifier, and of the builder's scratch
  // Ranges that may be written to keep chains at two maps, and some more a prefix. 0: none, and
  // nodes are merged with their ancestors while that is one leaf.
  size_t merged_ranges = 262'144;
};

// Compiles lists and shares identical results for as long as somebody holds them. The last few
// large lists of one prefix a rule are kept: an edit of few rules compiles only what it touches.
// Same history, same tables. Control thread only.
class ClassifierBuilder {
 public:
  explicit ClassifierBuilder(MemorySource& memory, ClassifierLimits limits = {});
  ~ClassifierBuilder();

  // `rules` in order of precedence. InvalidArgument: a prefix that is not canonical, a range that
  // is empty, a reserved value. ResourceExhausted: max_bytes would be exceeded, or memory is short;
  // nothing is left behind.
  absl::StatusOr<std::shared_ptr<const Classifier>> Build(std::span<const ClassifierRule> rules);

 private:
  struct Scratch;
  // After larger lists the scratch memory is given back.
  static constexpr size_t kKeepScratchRules = 16'384;
  // Lists of this size are kept for edits, so many of them, and edits of at most so many rules.
  static constexpr size_t kKeptLeast = 1024;
  static constexpr size_t kKeptMost = 65'536;
  static constexpr size_t kKeptLists = 4;
  static constexpr size_t kEditedRules = 8;

  absl::StatusOr<std::shared_ptr<const Classifier>> BuildWith(std::span<const ClassifierRule> rules,
                                                              Scratch& scratch);
  absl::StatusOr<std::shared_ptr<const Classifier>> BuildKept(
      std::span<const ClassifierRule> rules);
  absl::StatusOr<bool> Patch(std::span<const ClassifierRule> rules, Scratch& kept);
  std::shared_ptr<const Classifier> Intern(uint64_t hash, std::shared_ptr<Classifier> built);
  absl::StatusOr<std::shared_ptr<Classifier>> Assemble(std::span<const ClassifierRule> rules,
                                                       const Scratch& scratch);

  MemorySource& memory_;
  ClassifierLimits limits_;
  std::unique_ptr<Scratch> scratch_;
  std::vector<std::unique_ptr<Scratch>> kept_;  // last used last
  std::vector<KeptRule> asked_;
  std::multimap<uint64_t, std::weak_ptr<const Classifier>> interned_;
  size_t sweep_at_ = 64;
};

// The classifiers of a snapshot by ClassifierIdx.
class ClassifierSet {
 public:
  ClassifierSet() = default;

  // `classifiers` without nulls. ResourceExhausted when memory is short.
  static absl::StatusOr<ClassifierSet> Make(
      std::vector<std::shared_ptr<const Classifier>> classifiers, MemorySource& memory);

  size_t size() const { return views_.size(); }
  // Memory of the views and of every distinct classifier.
  size_t bytes() const;
  const std::shared_ptr<const Classifier>& classifier(ClassifierIdx idx) const {
    return classifiers_[idx.index()];
  }

  uint32_t Lookup(ClassifierIdx idx, uint32_t address, uint8_t protocol,
                  uint16_t key) const noexcept;
  // `n` lookups, any n. classifier_idx[i] < size(). Addresses and keys in host order. value_out may
  // be an input array.
  void LookupBatch(const uint32_t* classifier_idx, const uint32_t* address, const uint8_t* protocol,
                   const uint16_t* key, uint32_t* value_out, size_t n) const noexcept;

 private:
  std::vector<std::shared_ptr<const Classifier>> classifiers_;
  AlignedArray<ClassifierView> views_;
};

}  // namespace sluice
