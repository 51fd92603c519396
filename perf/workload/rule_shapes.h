// How one rule of each shape is drawn. Private to rule_set.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/ipv4.h"
#include "dataplane/table/classifier.h"
#include "perf/workload/key_stream.h"
#include "perf/workload/rule_set.h"

namespace sluice {

struct DrawnRule {
  Ipv4Prefix prefix;  // canonical
  PortRule port;      // without a value
};

// Rules of one list, one after the other.
class RuleDraw {
 public:
  explicit RuleDraw(const RuleSetOptions& options);

  DrawnRule Next();
  // A network as lists of prefixes have them.
  Ipv4Prefix ListedPrefix();

 private:
  DrawnRule Cloud();
  DrawnRule ClassBench();
  DrawnRule Nested();
  DrawnRule Overlap();
  DrawnRule OnePrefix();
  DrawnRule Host();

  Ipv4Prefix CloudPrefix();
  PortRule CloudPort(bool wide);
  Ipv4Prefix ClassBenchPrefix();
  PortRule ClassBenchPort(bool wide);

  const RuleSetOptions options_;
  WorkloadRandom random_;
  uint32_t drawn_ = 0;
  uint32_t everybody_left_ = 16;         // rules for 0.0.0.0/0 in a cloud list, at most
  uint32_t blocks_left_ = 64;            // rules for private blocks
  std::vector<Ipv4Prefix> seen_;         // classbench: what later prefixes nest in
  std::vector<uint16_t> popular_ports_;  // classbench: exact ports that come again
};

}  // namespace sluice
