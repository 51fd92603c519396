// Which route of a table, as written, carries a destination: longest prefix (AWS-RT-04), then
// static over prefix list over propagated (AWS-RT-07, -08), then the lowest prefix-list id
// (D-PREFIX). Any thread.
#pragma once

#include <optional>

#include "control/intent/validated_intent.h"

namespace sluice {

struct RouteChoice {
  const Route* best = nullptr;  // nullptr: no route matches
  const Route* next_best = nullptr;
};

RouteChoice ChooseRoute(const ValidatedIntent& intent, const RouteTable& table,
                        Ipv4Address destination);

}  // namespace sluice
