// What a NAT gateway's row says of its addresses. Worker threads.
#pragma once

#include "dataplane/table/snapshot.h"

namespace sluice {

inline bool HasAddress(const NatGatewayRow& row, uint32_t private_ip) noexcept {
  for (uint32_t i = 0; i < row.address_count; ++i) {
    if (row.addresses[i].private_ip.value == private_ip) {
      return true;
    }
  }
  return false;
}

}  // namespace sluice
