// The flows of a workload: who opens them towards whom, for any configuration. Control thread of a
// bench.
//
// A family is all flows of one sender to one destination (or a range of them) with one protocol and
// destination port; its members differ in source port and, in a range, in destination. Which
// families a configuration lets through is found by sending (FlowOpener), not by reasoning.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/compile/compiler.h"
#include "perf/workload/stamp.h"

namespace sluice {

enum class Traffic : uint8_t {
  kNat,    // from ENIs to the internet
  kVpc,    // between ENIs
  kMixed,  // both
};
enum class Protocols : uint8_t { kTcp, kUdp, kMixed };

struct FlowFamily {
  PacketHeads first;               // without ports' variety: link, protocol, src, dst, dst port
  uint32_t destination_count = 1;  // addresses from first.dst on
  uint32_t flows_per_destination = 0;
  bool to_internet = false;

  uint64_t capacity() const { return uint64_t{destination_count} * flows_per_destination; }
};

class Links {
 public:
  // The index of a link, which joins if it is new. At most 65,536.
  uint16_t Add(const Link& link);
  const Link& operator[](size_t i) const { return links_[i]; }
  size_t size() const { return links_.size(); }

 private:
  std::vector<Link> links_;
};

// Everything that might pass: every attached ENI to the internet and to other ENIs of its VPC, on
// the ports servers use. At most kMaxTargets ENIs a sender.
inline constexpr uint32_t kMaxTargets = 16;
std::vector<FlowFamily> CandidateFamilies(const CompiledConfig& config, Traffic traffic,
                                          Protocols protocols, Links& links);

// A destination that is given.
struct FlowTarget {
  std::string eni_id;  // who opens the flows
  uint32_t dst = 0;    // in the internet
  uint8_t protocol = 0;
  uint16_t dst_l4_port = 0;
};
// A family a target. The ENIs are attached.
std::vector<FlowFamily> FamiliesOf(const CompiledConfig& config,
                                   const std::vector<FlowTarget>& targets, Links& links);

// Flow `number` of all families taken in turn. The opening packet, without flags.
class FlowPlan {
 public:
  explicit FlowPlan(std::vector<FlowFamily> families);

  const std::vector<FlowFamily>& families() const { return families_; }
  // Flows 0 .. capacity() - 1 are different.
  uint64_t capacity() const;
  PacketHeads Opening(uint32_t number) const;

 private:
  std::vector<FlowFamily> families_;
};

}  // namespace sluice
