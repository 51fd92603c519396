// Who sent a frame: port, VLAN and source MAC against the attachments as written (interface.md §3,
// AWS-ADDR-14, docs/semantics_choices.md). Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "control/explain/fragment_cache.h"
#include "control/intent/validated_intent.h"

namespace sluice {

struct SenderFinding {
  bool port_is_known = false;  // something is attached to port and VLAN
  bool mac_is_right = false;   // always true on uplink and services
  std::optional<ArrivalOrigin>
      origin;  // none: several interfaces share the port and none has the MAC
  const NetworkInterface* eni = nullptr;  // of an interface origin
};

SenderFinding FindSender(const ValidatedIntent& intent, std::string_view port, uint16_t vlan,
                         const MacAddress& source);

}  // namespace sluice
