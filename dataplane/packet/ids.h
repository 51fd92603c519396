// Dense indices into a Snapshot, and the scope of a session key. They are meaningful only within
// the Snapshot they came from, except InterfaceIdx values held by sessions: the compiler keeps an
// interface's index while it exists.
#pragma once

#include <cstdint>

#include "dataplane/base/strong_id.h"

namespace sluice {

// A sending or receiving side: an ENI (also a NAT gateway's), the internet side, or a Services
// side. Below 2^24: it is also the scope of session keys (decision: sessions are keyed by the
// sending side, never by the VPC).
using InterfaceIdx = StrongId<struct InterfaceIdxTag>;
inline constexpr uint32_t kMaxInterfaces = (1u << 24) - 1;

inline constexpr uint32_t kMaxNatGateways = 0xffff;  // session records keep 16 bits

using PortIdx =
    StrongId<struct PortIdxTag, uint16_t>;  // a port of this host, in the order of Host.Ports
using VpcIdx = StrongId<struct VpcIdxTag>;
using SubnetIdx = StrongId<struct SubnetIdxTag>;
using NatGatewayIdx = StrongId<struct NatGatewayIdxTag>;
using SessionIdx = StrongId<struct SessionIdxTag>;  // a line of the session table: one direction

}  // namespace sluice
