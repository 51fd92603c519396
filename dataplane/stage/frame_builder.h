// Frames the router makes itself: link headers, IPv4 headers and the ICMP, UDP and TCP messages on
// them. Straight writes into bytes the caller owns; used by the stages arp, dhcp, icmp_error, nat
// and rewrite. Worker thread.
#pragma once

#include <cstdint>

#include "dataplane/packet/batch.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/worker_context.h"
#include "dataplane/table/snapshot.h"

namespace sluice {

// The link address that frames for a side go to: the ENI's MAC, or that of the side's next hop.
// False: no port there, or the next hop is not resolved.
bool FindLinkAddress(const Snapshot& snapshot, const WorkerContext& worker, InterfaceIdx side,
                     MacAddress& mac) noexcept;

// Bytes of the link header of frames on a VLAN (0: untagged).
constexpr uint32_t LinkBytes(uint16_t vlan) noexcept {
  return vlan == 0 ? 14 : 18;
}

// Writes a link header of LinkBytes(vlan).
inline void WriteLink(uint8_t* frame, const MacAddress& destination, const MacAddress& source,
                      uint16_t vlan, uint16_t ether_type) noexcept {
  StoreMac(frame, destination);
  StoreMac(frame + 6, source);
  uint8_t* type = frame + 12;
  if (vlan != 0) {
    StoreBe16(type, kEtherTypeVlan);
    StoreBe16(type + 2, vlan);
    type += kVlanTagBytes;
  }
  StoreBe16(type, ether_type);
}

// An IPv4 header of 20 bytes for a packet of `ip_bytes`: TTL 64, TOS 0, no DF, checksum filled in.
void WriteIpv4(uint8_t* ip, uint32_t src, uint32_t dst, uint8_t protocol, uint16_t id,
               uint16_t ip_bytes) noexcept;

// The IPv4 id of a packet the router sends because of a lane: a keyed function of the side it goes
// to, the packet that caused it and the time, so that one side's ids say nothing about another's.
uint16_t RouterIpId(const Snapshot& snapshot, const WorkerContext& worker, const Batch& batch,
                    uint32_t lane) noexcept;

// Answers a lane's TCP segment, for which the NAT gateway has no mapping (D-NATIDLE), with a RST
// from its destination to its sender that the sender must accept (RFC 9293 3.10.7.1), and ends the
// lane: consume nat_idle_timeout. A RST is never answered, and a full list sends nothing: drop
// nat_idle_timeout. Reads sender, src, dst, l4_src, l4_dst and tcp_* as received.
void EmitNatIdleReset(const Snapshot& snapshot, WorkerContext& worker, Batch& batch,
                      uint32_t lane) noexcept;

}  // namespace sluice
