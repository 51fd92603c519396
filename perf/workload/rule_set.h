// Rule lists of a seed, and packets for them: what benches of the classifier and its rivals are fed
// with. Same options, same lists, on every machine. Any thread.
//
// Two shapes are like real lists:
//   cloud       what VPCs hold: subnets and hosts of some VPCs, networks of customers, few rules
//               for large private blocks and for everybody; well-known ports, ephemeral and small
//               ranges. Lists of security groups name prefix lists in one rule of twenty.
//   classbench  the classes that D. Taylor and J. Turner found in filter sets of providers and
//               firewalls (ClassBench, IEEE/ACM ToN 15(3), 2007), of one address: nested prefixes
//               of /0, /8 to /31 and /32; ports wild, exact, low, high or any range; TCP, UDP,
//               ICMP, tunnels, all. The shares are round numbers of ours; none of that project's
//               seeds or code is used.
// The others are what a compiled classifier likes least:
//   nested      one chain of 33 nested prefixes, each with its share of single ports
//   overlap     port ranges that all overlap, on large nested networks
//   one_prefix  one network with all of the rules, a narrow port range each
//   hosts       a host a rule, a port of its own each: nothing can be shared
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/table/classifier.h"

namespace sluice {

enum class RuleShape : uint8_t { kCloud, kClassBench, kNested, kOverlap, kOnePrefix, kHosts };
std::string_view RuleShapeName(RuleShape shape);

enum class RuleListKind : uint8_t {
  kNacl,    // first match decides; each rule answers with its number
  kGroups,  // allow only, rules for 0.0.0.0/0 first, two answers
};

struct RuleSetOptions {
  RuleShape shape = RuleShape::kCloud;
  RuleListKind list = RuleListKind::kNacl;
  uint32_t rules = 40;  // 1..4,000,000
  uint64_t seed = 1;
};

class RuleSet {
 public:
  explicit RuleSet(const RuleSetOptions& options);
  RuleSet(RuleSet&&) = default;
  RuleSet(const RuleSet&) = delete;

  // In order of precedence. Values as snapshot.h defines them for the kind of list.
  const std::vector<ClassifierRule>& rules() const { return rules_; }
  // The lists of prefixes that some rules name: their `prefixes` are one of these.
  const std::vector<std::vector<Ipv4Prefix>>& lists() const { return lists_; }
  // Rules when each stands for one prefix: what somebody without prefix lists has to hold.
  uint64_t expanded_count() const;

 private:
  std::vector<std::vector<Ipv4Prefix>> lists_;  // named by many rules
  std::vector<Ipv4Prefix> prefixes_;            // of the other rules
  std::vector<ClassifierRule> rules_;           // spans into the two above
};

// Columns of packets, as a classifier is asked. Host order.
struct RulePackets {
  std::vector<uint32_t> address;
  std::vector<uint8_t> protocol;
  std::vector<uint16_t> key;

  size_t size() const { return address.size(); }
};

// `count` packets, drawn evenly over the rules: 60 % inside one rule, 25 % with the address of one
// and the port of another, 15 % from anywhere with the protocol of some rule.
RulePackets DrawRulePackets(const RuleSet& set, uint32_t count, uint64_t seed);

}  // namespace sluice
