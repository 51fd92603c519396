// What a configuration says about flow logs: which log covers which interface, and what its lines
// say about it (AWS-FL-01). Built once a generation by the control thread or an offline tool; a
// plain value afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/intent/intent.h"
#include "control/telemetry/flow_log_format.h"
#include "control/telemetry/flow_record.h"
#include "control/telemetry/never_logged.h"

namespace sluice {

struct FlowLogPlan {
  struct Log {
    FlowLog config;  // as configured; interval 60 or 600 seconds
    FlowLogFormat format;
    std::string folder;  // Host's folder for its LogDestination; empty: it cannot be written
    std::vector<uint32_t> interface_rows;  // into `interfaces`, ascending: the covered ones
  };
  std::vector<FlowLogInterface> interfaces;  // every ENI of the configuration, by id
  std::vector<Log> logs;                     // by id
  // Row of `interfaces` of each interface index that observations carry; kNoRow where the ENI is
  // not configured.
  std::vector<uint32_t> row_of_interface_idx;
  NeverLogged never_logged;
  std::vector<std::string> problems;  // one sentence a log that cannot be written (it is left out)
};
inline constexpr uint32_t kNoRow = UINT32_MAX;

// `identities` is the order in which observations number interfaces.
FlowLogPlan BuildFlowLogPlan(const Intent& intent,
                             const std::vector<InterfaceIdentity>& identities);

// The parts of an availability zone's name. "eu-west-1a" is region "eu-west-1"; "us-west-2-lax-1a"
// lies in the local zone of that name, "us-east-1-wl1-bos-wlz-1" in a wavelength zone. Everything
// is empty for other shapes.
struct ZoneName {
  std::string_view region;
  std::string_view sublocation_type;  // "localzone", "wavelength" or empty
};
ZoneName ParseZoneName(std::string_view availability_zone);

// Host's folder for a LogDestination: its own entry, else the one for all, else empty (interface.md
// §3).
std::string FlowLogFolderOf(const std::optional<Host>& host, const std::string& destination);

}  // namespace sluice
