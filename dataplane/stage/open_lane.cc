#include "dataplane/stage/open_lane.h"

#include "dataplane/packet/protocol.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stage/lane_ops.h"
#include "dataplane/stage/route.h"
#include "dataplane/stage/session.h"
#include "dataplane/stage/short_walk_steps.h"

namespace sluice {
namespace {

// What parse would say of a sound SYN without IPv4 options.
void FillParsed(Batch& batch, uint32_t lane, const uint8_t* ip, uint32_t l2_bytes,
                const SessionKey& key) {
  const uint8_t* tcp = ip + kIpv4MinBytes;
  const uint32_t ip_bytes = LoadBe16(ip + kIpv4LengthOffset);
  const uint32_t tcp_bytes = (tcp[kTcpDataOffset] >> 4) * 4u;
  const bool whole = (LoadBe16(ip + kIpv4FragmentOffset) & kIpv4DontFragment) != 0;
  batch.traits[lane] = static_cast<uint16_t>(kTraitIpv4 | kTraitPorts | kTraitTcpSlow |
                                             (whole ? kTraitDontFragment : 0));
  batch.vlan[lane] =
      l2_bytes == kEthernetBytes ? 0 : LoadBe16(batch.frame[lane] + kEthernetBytes) & 0x0fff;
  batch.l2_bytes[lane] = static_cast<uint8_t>(l2_bytes);
  batch.l3_bytes[lane] = kIpv4MinBytes;
  batch.ip_bytes[lane] = static_cast<uint16_t>(ip_bytes);
  batch.protocol[lane] = kProtocolTcp;
  batch.ttl[lane] = ip[kIpv4TtlOffset];
  batch.ip_id[lane] = LoadBe16(ip + kIpv4IdOffset);
  batch.fragment_bytes[lane] = 0;
  batch.src[lane] = key.src();
  batch.dst[lane] = key.dst();
  batch.l4_src[lane] = key.src_l4_port();
  batch.l4_dst[lane] = key.dst_l4_port();
  batch.rule_key[lane] = key.dst_l4_port();
  batch.tcp_flags[lane] = TcpFlagsAt(ip);
  batch.tcp_seq[lane] = LoadBe32(tcp + kTcpSequenceOffset);
  batch.tcp_ack[lane] = LoadBe32(tcp + kTcpAckOffset);
  batch.tcp_payload_bytes[lane] = ip_bytes - kIpv4MinBytes - tcp_bytes;
}

void FillUnknown(Batch& batch, uint32_t lane, const SessionKey& key, uint64_t hash) {
  batch.key_addresses[lane] = key.addresses;
  batch.key_rest[lane] = key.rest;
  batch.hash[lane] = hash;
  batch.match[lane] = SessionMatch::kMiss;
  ForgetPair(batch, lane);
}

void FillWalked(const Snapshot& snapshot, Batch& batch, uint32_t lane, const ShortWalk& walk) {
  batch.origin[lane] = walk.origin;
  batch.target[lane] = batch.out[lane] = walk.target;
  batch.target_subnet[lane] = RowOf(snapshot, walk.target).subnet;
  batch.route_verdict[lane] = DropReason::kNone;
  batch.walk_src[lane] = walk.src;
  batch.walk_dst[lane] = walk.dst;
  batch.walk_flags[lane] = walk.flags;
  batch.first_eni[lane] =
      HasGroups(RowOf(snapshot, walk.sender)) ? walk.sender : InterfaceIdx::None();
  batch.last_eni[lane] =
      HasGroups(RowOf(snapshot, walk.target)) ? walk.target : InterfaceIdx::None();
  if (walk.gateway.has_value()) {
    const NatGatewayRow& row = snapshot.nat_gateways[walk.gateway.index()];
    batch.nat[lane] = walk.gateway;
    batch.nat_private[lane] = row.addresses[walk.gateway_choice].private_ip.value;
    batch.nat_public[lane] = row.addresses[walk.gateway_choice].public_ip.value;
    batch.ttl_spent[lane] = batch.legs[lane] = 1;
  }
}

}  // namespace

void FillOpening(const Snapshot& snapshot, Batch& batch, const ExpressLanes& found, uint32_t i,
                 const ShortWalk& walk) noexcept {
  const Glance& glance = found.glance;
  const uint32_t lane = glance.lane[i];
  const uint8_t* ip = glance.ip[i];
  batch.sender[lane] = walk.sender;
  batch.rule[lane] = 0;
  batch.rule_subnet[lane] = SubnetIdx::None();
  batch.split[lane] = 0;
  FillParsed(batch, lane, ip, static_cast<uint32_t>(ip - batch.frame[lane]), glance.key[i]);
  FillUnknown(batch, lane, glance.key[i], found.hash[i]);
  StartWalk(batch, lane);
  FillWalked(snapshot, batch, lane, walk);
}

}  // namespace sluice
