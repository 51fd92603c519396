// Ordered rules of cloud shape (remote address prefixes, protocol, port range), compiled: which
// rule matches a packet first? Network ACLs use it as it stands; an allow-only security-group
// policy is a list in order of preference. Immutable; built by the control thread, shared by
// snapshots, read by any thread through a ClassifierSet.
//
// Theory: the prefixes of the rules form a tree. The rules that can match an address are those of
// the deepest prefix that holds it and of its ancestors, and between them only (protocol, port)
// decides: one number of 24 bits. So a lookup is a longest-prefix match (fib.h) to a node, then a
// range_map.h lookup of protocol << 16 | key. In a small list every node has one map, merged from
// its ancestors'. In a large one a node is a record of 16 bytes, its own interval of keys and what
// its ancestors' rules have made of all others: a map, which thousands of nodes share and which
// therefore stays in the caches, or a line of few more intervals and then a map. The least answer
// counts. What is equal is written once; rules that those above them hide are not written; a list
// of prefixes named by many rules is compiled once. Bytes: docs/layouts/classifier.md.
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

// What an address leads to in a list of many prefixes: one interval of keys of its own, and the map
// or chain line that is asked too. The lesser answer counts.
struct alignas(16) NodeRecord {
  uint32_t low = 0;
  uint32_t span = 0;  // last key of the interval - low
  uint32_t answer = kNoMatch;
  RangeRef rest = 0;
};
static_assert(sizeof(NodeRecord) == 16 && std::is_trivially_copyable_v<NodeRecord>);

// A chain line: a line of the pool, ref kind kRangeKindUser. Up to kChainIntervals intervals of
// keys that do not overlap, ascending: first key and the key behind the last, biased; then their
// answers; then the ref of a map or of another chain line that is asked too. If that is a chain
// line and the last interval is not there, its answer's place may hold the ref of a map that is
// asked as well, else kNoRef. The least answer counts. Line 0 of every pool is one without
// intervals, for lanes that have none.
inline constexpr size_t kChainIntervals = 5;
inline constexpr size_t kChainAnswerWord = 2 * kChainIntervals;
inline constexpr size_t kChainMapWord = 14;
inline constexpr size_t kChainRestWord = 15;
inline constexpr RangeRef kNoRef = 0xffffffffu;
// What a worker reads of one classifier.
struct alignas(kCacheLineBytes) ClassifierView {
  FibView nodes;  // address -> record, or where there are none, ref into `maps`
  const RangeLine* maps;
  const NodeRecord* records;
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
  size_t bytes() const {
    return nodes_.bytes() + records_.bytes() + maps_.bytes() + values_.bytes();
  }
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
  AlignedArray<NodeRecord> records_;
  AlignedArray<RangeLine> maps_;
  AlignedArray<uint32_t> values_;
};

struct KeptRule;

struct ClassifierLimits {
  size_t max_bytes = size_t{1} << 30;  // of one compiled classifier, and of the builder's scratch
  // Ranges that may be written to keep lookups at one map, and some more a prefix. 0: none, and
  // nodes are merged with their ancestors while that is one leaf.
  size_t merged_ranges = 262'144;
  // Lists of more prefixes have records (NodeRecord); smaller ones take one step less.
  size_t records_above = 2048;
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
