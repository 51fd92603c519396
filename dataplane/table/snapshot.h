// Snapshot: everything a worker reads to judge a packet, of one configuration generation. The
// compiler builds it, the publisher swaps it with one pointer store, workers read it without locks
// until they report quiescence.
//
// Rows refer to each other by dense indices, never by pointers. Large tables are shared with
// neighbouring generations through shared_ptr; workers only look through the pointers and never
// copy them.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "dataplane/base/aligned_array.h"
#include "dataplane/packet/ids.h"
#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/mac.h"
#include "dataplane/packet/verdict.h"
#include "dataplane/table/dhcp_row.h"
#include "dataplane/table/link_row.h"

namespace sluice {

class FibSet;
class AddressMap;
class ClassifierSet;
class GroupRuleMap;
class MacMap;
class SenderMap;

enum class InterfaceRowKind : uint8_t {
  kEni,         // an ENI a host hangs on (ordinary, interface endpoint, requester-managed)
  kNatGateway,  // a NAT gateway's own ENI: a place of the walk, no port
  kInternet,    // the internet side; one in a snapshot, present even without an uplink
  kServices,    // a provider side of gateway endpoints
};

// Bits of InterfaceRow::flags.
enum InterfaceFlag : uint16_t {
  kInterfaceSourceDestCheck = 1 << 0,
  kInterfaceHasGroups = 1 << 1,      // security groups are asked (not for requester-managed ENIs)
  kInterfaceForceTrack = 1 << 2,     // interface endpoint: flows are always tracked (AWS-SG-11)
  kInterfaceEgressOpenTcp = 1 << 4,  // an egress rule allows every TCP port to 0.0.0.0/0
  kInterfaceEgressOpenUdp = 1 << 5,
  kInterfaceIngressOpenTcp = 1 << 6,  // an ingress rule allows every TCP port from 0.0.0.0/0
  kInterfaceIngressOpenUdp = 1 << 7,
};

inline constexpr uint32_t kNoTable = ~uint32_t{0};

struct InterfaceRow {
  InterfaceRowKind kind = InterfaceRowKind::kEni;
  uint8_t reserved = 0;
  uint16_t flags = 0;
  Ipv4Address primary;             // the side's own address for internet and Services sides
  VpcIdx vpc;                      // none for internet and Services sides
  SubnetIdx subnet;                // none for internet and Services sides
  uint32_t fib = kNoTable;         // FibSet index of its subnet's route table
  uint32_t sg_ingress = kNoTable;  // ClassifierSet index of address rules, values SgAnswer
  uint32_t sg_egress = kNoTable;
  uint32_t group_ingress = kNoTable;  // GroupRuleMap policy of rules that name groups
  uint32_t group_egress = kNoTable;
  uint32_t group_set =
      kNoTable;       // the distinct set of groups it is a member of, for rules of others
  NatGatewayIdx nat;  // of a NAT gateway's ENI
  uint32_t tcp_established_seconds = 432000;
  uint16_t udp_stream_seconds = 180;
  uint16_t udp_seconds = 30;
  uint32_t session_limit = 0;  // connections it tracks at most; 0: only the host's limit
  uint32_t padding[2] = {};
};
static_assert(sizeof(InterfaceRow) == 64);
static_assert(std::is_trivially_copyable_v<InterfaceRow>);

// What a security group's classifier and group map answer. A larger value says more.
enum SgAnswer : uint32_t {
  kSgAllow = 1,
  kSgAllowAnyAddress = 2,  // by a rule for 0.0.0.0/0: the flow may be untracked (AWS-SG-11)
};

// What a NACL's classifier answers: rule number << 1 | allow. No match is the final "*" DENY.
constexpr uint32_t NaclAnswer(uint32_t number, bool allow) {
  return number << 1 | (allow ? 1 : 0);
}
constexpr bool NaclAllows(uint32_t answer) {
  return (answer & 1) != 0;
}
constexpr uint32_t NaclRuleNumber(uint32_t answer) {
  return answer >> 1;
}
inline constexpr uint32_t kNaclDefaultRule = 32767;

// How a frame leaves on a side. Indexed by InterfaceIdx.
struct AdjacencyRow {
  MacAddress mac;     // of the ENI, a NAT gateway's too; unused where `neighbor` is set
  uint16_t vlan = 0;  // 0: untagged
  PortIdx port;       // none: nothing can be sent there (a NAT gateway, a side without a port)
  uint16_t mtu_bytes = 65535;  // largest IPv4 packet; without a port the port is what it lacks
  uint32_t neighbor =
      kNoTable;  // index into the NeighborTable for sides whose next hop is found by ARP
};
static_assert(sizeof(AdjacencyRow) == 16);

struct PortRow {
  InterfaceIdx side;  // the one side whose untagged frames arrive here, when it is the uplink or a
                      // Services side
  uint32_t reserved = 0;
  // Of the packed MACs of untagged frames, what is looked at to name their sender: nothing where
  // `side` sends them all.
  uint64_t mac_mask = kWholeMac;
};

// The router's own end of the internet side or of a Services side: few, so that a scan finds one by
// port and VLAN.
struct SideRow {
  InterfaceIdx interface;
  PortIdx port;
  uint16_t vlan = 0;  // 0: untagged
  Ipv4Address
      address;  // answered by ARP there; with it, on the internet side, every public address in use
  Ipv4Address next_hop;  // resolved by ARP into the NeighborTable at adjacency[interface].neighbor
};

struct VpcRow {
  Ipv4Address resolver;             // primary CIDR base + 2
  uint32_t places_fib = kNoTable;   // FibSet index: VPC CIDRs and subnets -> PlaceInVpc
  uint32_t gateway_fib = kNoTable;  // FibSet index of the gateway route table (AWS-RT-11), or none
  uint32_t has_internet_gateway = 0;
};

// Values of a VPC's places table: a subnet's index, or an address of the VPC in no subnet. No
// match: outside the VPC.
inline constexpr uint32_t kPlaceWithoutSubnet = 0x7ffffffe;

struct SubnetRow {
  Ipv4Address network;
  uint32_t mask = 0;
  VpcIdx vpc;
  uint32_t nacl_ingress = kNoTable;  // ClassifierSet index
  uint32_t nacl_egress = kNoTable;

  Ipv4Address Router() const { return Ipv4Address(network.value + 1); }
  bool Contains(Ipv4Address a) const { return (a.value & mask) == network.value; }
};
// Without padding: equal configurations give equal bytes.
static_assert(std::has_unique_object_representations_v<SubnetRow>);

// Values of the map (VPC, private address): an InterfaceIdx, or one of these.
inline constexpr uint32_t kAddressReserved =
    0xfffffff0;  // network, +1 router, +2, +3, broadcast of a subnet
inline constexpr uint32_t kAddressResolver = 0xfffffff1;  // the VPC's DNS resolver
constexpr bool IsInterfaceAddress(uint32_t value) {
  return value < kMaxInterfaces;
}

enum class NextHopKind : uint8_t {
  kLocal,      // the VPC itself: the address decides
  kInterface,  // an ENI, whatever the address (an appliance)
  kInternet,   // the internet gateway
  kNatGateway,
  kPeering,      // the address decides, in the other VPC
  kServices,     // a gateway endpoint's provider side
  kUnavailable,  // a gateway endpoint without a provider side on this host
  kBlackhole,
};

// What a FIB answers: an index into these. Next hop 0 does not exist, so that 0 can mean "none" in
// compact tables.
struct NextHopRow {
  NextHopKind kind = NextHopKind::kBlackhole;
  uint8_t reserved[3] = {};  // equal configurations compile to equal bytes
  uint32_t index =
      kNoTable;  // InterfaceIdx (kInterface, kNatGateway: its ENI, kServices), or VpcIdx (kPeering)
};
static_assert(std::has_unique_object_representations_v<NextHopRow>);

inline constexpr uint32_t kMaxNatAddresses = 8;

struct NatGatewayRow {
  InterfaceIdx interface;  // none in rows of gateways that are gone: indices are never given twice
  uint32_t reserved = 0;
  uint64_t stream = 0;  // a hash of its configured id: the gateway's own random stream
  uint32_t address_count = 0;
  uint32_t is_public = 0;
  struct Address {
    Ipv4Address private_ip;
    Ipv4Address public_ip;  // 0.0.0.0 for a private gateway
  } addresses[kMaxNatAddresses] = {};
};

// A public address of this host: what the internet gateway translates to.
struct PublicAddressRow {
  Ipv4Address public_ip;
  Ipv4Address private_ip;
  InterfaceIdx interface;  // an ENI, or a NAT gateway's
  VpcIdx vpc;              // one with an attached internet gateway
};

struct Snapshot {
  uint64_t generation = 0;  // of the configuration, from 1
  MacAddress router_mac;
  InterfaceIdx internet;  // always there

  AlignedArray<InterfaceRow> interfaces;  // by InterfaceIdx
  AlignedArray<AdjacencyRow> adjacency;   // by InterfaceIdx
  AlignedArray<LinkRow> links;            // by InterfaceIdx, made of `adjacency`
  AlignedArray<uint32_t>
      walk_generation;  // by InterfaceIdx, never 0: sessions walked under another one are stale
                        // (dataplane/stage/walk_generation.h)
  AlignedArray<PortRow> ports;  // by PortIdx
  AlignedArray<SideRow> sides;
  AlignedArray<VpcRow> vpcs;
  AlignedArray<DhcpRow> dhcp;  // by VpcIdx
  AlignedArray<SubnetRow> subnets;
  AlignedArray<NatGatewayRow> nat_gateways;
  AlignedArray<NextHopRow> next_hops;
  AlignedArray<PublicAddressRow> public_addresses;

  std::shared_ptr<const FibSet> fibs;
  std::shared_ptr<const ClassifierSet> classifiers;
  std::shared_ptr<const GroupRuleMap> group_rules;  // key (policy, group set) -> SgAnswer
  std::shared_ptr<const AddressMap>
      addresses;  // (VpcIdx, private address) -> InterfaceIdx or kAddress…
  std::shared_ptr<const AddressMap> public_of;   // (VpcIdx, private address) -> public address
  std::shared_ptr<const AddressMap> public_map;  // (0, public address) -> row of public_addresses
  std::shared_ptr<const SenderMap> senders;      // (port, VLAN, MAC) -> InterfaceIdx
  // (SubnetIdx, MAC) -> InterfaceIdx of every ENI of the subnet, a NAT gateway's too.
  std::shared_ptr<const MacMap> macs;
};

}  // namespace sluice
