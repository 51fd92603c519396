// Where a packet leaves its subnet, for AWS's `traffic-path` (AWS-FL-14): by the configured route
// of the interface's subnet. Built once a generation; immutable afterwards, any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "control/intent/intent.h"
#include "control/telemetry/flow_record.h"

namespace sluice {

class FlowPaths {
 public:
  FlowPaths() = default;
  FlowPaths(const Intent& intent, const std::vector<InterfaceIdentity>& identities);

  // kUnknown where no usable route matches, or for an interface index that is none of an ENI.
  // O(routes).
  FlowPath Of(uint32_t interface_idx, Ipv4Address destination) const;

 private:
  struct Row {
    Ipv4Prefix prefix;
    FlowPath path;
  };
  std::vector<std::vector<Row>> tables_;  // longest prefixes first
  std::vector<uint32_t> table_of_;        // by interface index
};

}  // namespace sluice
