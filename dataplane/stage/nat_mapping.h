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

// One inside address keeps to one address of the gateway (RFC 4787 REQ-2) while that has ports: its
// place among the row's. `seed`: the worker context's.
inline uint32_t PairedAddress(const NatGatewayRow& row, NatGatewayIdx gateway, uint32_t inside,
                              uint64_t seed) noexcept {
  uint64_t x = seed ^ (uint64_t{gateway.value} << 32 | inside) * 0x9e3779b97f4a7c15;
  x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9;
  return static_cast<uint32_t>((x ^ x >> 32) % row.address_count);
}

}  // namespace sluice
