// The configuration as plain values, in the user's words: what `aws ec2 describe-*` prints, one
// struct a resource. Loading fills it (it may be wrong), validation completes and checks it
// (validated_intent.h). Control thread or an offline tool; workers never see it. IPv4 values now;
// IPv6 members join beside them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/mac.h"

namespace sluice {

struct Vpc {
  std::string id;
  std::string owner_id;           // account; empty when unknown
  std::vector<Ipv4Prefix> cidrs;  // associated ones, the primary first
  std::string dhcp_options_id;    // empty or "default": AWS's default set
  std::string json_path;          // where it was read, for messages; empty for what validation made
};

struct Subnet {
  std::string id;
  std::string vpc_id;
  std::string owner_id;
  Ipv4Prefix cidr;
  std::string availability_zone;     // "eu-west-1a"; empty when unknown
  std::string availability_zone_id;  // "euw1-az1"; empty when unknown
  // Filled by validation: the explicit association or the VPC's main table, the named or the VPC's
  // default NACL.
  std::string route_table_id;
  std::string network_acl_id;
  std::string json_path;
};

enum class RouteTargetKind : uint8_t {
  kLocal,
  kInternetGateway,
  kNatGateway,
  kNetworkInterface,
  kPeering,
  kGatewayEndpoint,
  kUnsupported,  // vgw-, tgw-, lgw-, eigw-, … : an absent target
};

struct RouteTarget {
  RouteTargetKind kind = RouteTargetKind::kLocal;
  std::string id;  // as written; empty for kLocal
  friend bool operator==(const RouteTarget&, const RouteTarget&) = default;
};

// One row of a route table (RIB). Exactly one of `destination` and `prefix_list_id` is set.
struct Route {
  std::optional<Ipv4Prefix> destination;
  std::string prefix_list_id;
  RouteTarget target;
  bool propagated = false;
  bool blackhole =
      false;  // by validation: the target is absent, detached or unsupported (AWS-RT-09)
};

struct RouteTable {
  std::string id;
  std::string vpc_id;
  bool main = false;
  std::vector<std::string> subnet_ids;  // explicit associations
  std::string gateway_id;  // edge association with an internet gateway, or empty (AWS-RT-11)
  // After validation: with the local routes of all CIDRs and the gateway endpoints' routes,
  // duplicates united.
  std::vector<Route> routes;
  std::string json_path;
};

struct InternetGateway {
  std::string id;
  std::string vpc_id;  // empty: detached
  std::string json_path;
};

struct NatGatewayAddress {
  Ipv4Address private_ip;
  std::optional<Ipv4Address> public_ip;  // none for a private gateway
  std::string allocation_id;
};

struct NatGateway {
  std::string id;
  std::string vpc_id;
  std::string subnet_id;
  bool is_public = true;
  std::string network_interface_id;          // its own ENI; made by validation when absent
  std::vector<NatGatewayAddress> addresses;  // 1..8, the primary first
  std::string json_path;
};

inline constexpr int kAllProtocols = -1;

// A port range, or for ICMP a type and code, as written. Ports are inclusive; -1 means all.
struct PortRange {
  int from = -1;  // 0..65535, or the ICMP type 0..255
  int to = -1;    // 0..65535, or the ICMP code 0..255
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

struct NaclRule {
  int number = 0;  // 1..32766; the final "*" rule (32767) is implied, never listed after validation
  int protocol = kAllProtocols;
  Ipv4Prefix cidr;  // source of ingress rules, destination of egress rules
  PortRange ports;  // destination ports; meaningful for TCP, UDP and ICMP only
  bool allow = false;
};

struct NetworkAcl {
  std::string id;
  std::string vpc_id;
  bool is_default = false;
  std::vector<std::string> subnet_ids;
  std::vector<NaclRule> ingress;  // after validation: ascending by number
  std::vector<NaclRule> egress;
  std::string json_path;
};

// One peer of one rule: exactly one of the three is set. After validation a stale one (AWS-SG-06)
// keeps its id and has `stale` set: it matches nothing.
struct SecurityGroupRule {
  std::string id;  // "sgr-…"; made by validation when absent: unique in the group
  int protocol = kAllProtocols;
  PortRange ports;
  std::optional<Ipv4Prefix> cidr;
  std::string prefix_list_id;
  std::string group_id;
  bool stale = false;
};

struct SecurityGroup {
  std::string id;
  std::string vpc_id;
  std::string name;
  bool is_default = false;  // name "default"
  std::vector<SecurityGroupRule> ingress;
  std::vector<SecurityGroupRule> egress;
  std::string json_path;
};

struct PrivateAddress {
  Ipv4Address address;
  std::optional<Ipv4Address> public_ip;  // Elastic or auto-assigned, 1:1 at the internet gateway
};

enum class InterfaceKind : uint8_t {
  kOrdinary,           // "interface" or none
  kInterfaceEndpoint,  // "vpc_endpoint"
  kNatGateway,         // "nat_gateway"
  kRequesterManaged,   // any other: no security group and none is asked
};

// AWS-SG-13, seconds. Defaults are the `aws` profile's.
struct ConnectionTracking {
  uint32_t tcp_established_seconds = 432000;  // 60..432000
  uint32_t udp_stream_seconds = 180;          // 60..180
  uint32_t udp_seconds = 30;                  // 30..60
};

struct NetworkInterface {
  std::string id;
  std::string vpc_id;
  std::string subnet_id;
  std::string owner_id;     // account for flow logs
  std::string instance_id;  // empty when none
  InterfaceKind kind = InterfaceKind::kOrdinary;
  std::optional<MacAddress> mac;          // always set after validation
  std::vector<PrivateAddress> addresses;  // 1.., the primary first
  std::vector<Ipv4Prefix> prefixes;       // delegated /28 blocks
  std::vector<std::string>
      group_ids;  // 0..16; after validation the default group where AWS means it
  bool source_dest_check = true;
  ConnectionTracking tracking;
  std::string json_path;
  std::string
      interface_type;  // InterfaceType as AWS spells it, may be empty; `kind` is what it means
};

struct PrefixList {
  std::string id;
  std::string name;
  std::vector<Ipv4Prefix> cidrs;
  std::string json_path;
};

struct VpcEndpoint {
  std::string id;
  std::string vpc_id;
  std::string service_name;
  bool is_gateway = true;      // Gateway, else Interface
  std::string prefix_list_id;  // of a gateway endpoint; by validation, empty when unknown
  std::vector<std::string> route_table_ids;        // gateway
  std::vector<std::string> subnet_ids;             // interface
  std::vector<std::string> group_ids;              // interface
  std::vector<std::string> network_interface_ids;  // interface; completed by validation
  std::string json_path;
};

struct VpcPeering {
  std::string id;
  std::string requester_vpc_id;
  std::string accepter_vpc_id;
  std::vector<Ipv4Prefix> requester_cidrs;  // as the peering says; may be empty
  std::vector<Ipv4Prefix> accepter_cidrs;
  std::string json_path;
};

// An Elastic IP address, associated or not. What it means for packets is in PrivateAddress and
// NatGatewayAddress.
struct ElasticAddress {
  Ipv4Address public_ip;
  std::string allocation_id;         // may be empty
  std::string network_interface_id;  // empty: not associated, or not said here
  std::optional<Ipv4Address> private_ip;
  std::string json_path;
};

enum class TrafficType : uint8_t { kAccept, kReject, kAll };

struct FlowLog {
  std::string id;
  std::string resource_id;  // a VPC, subnet or ENI
  TrafficType traffic = TrafficType::kAll;
  uint32_t interval_seconds = 600;  // 60 or 600
  std::string format;               // "${version} …"; empty: the default v2 format
  std::string destination;          // LogDestination as written (an ARN); may be empty
  bool hive_partitions = false;
  bool per_hour_partition = false;
  std::string json_path;
};

struct DhcpOptions {
  std::string id;
  std::string domain_name;
  std::vector<std::string> domain_name_servers;  // addresses, or "AmazonProvidedDNS"
  std::vector<Ipv4Address> ntp_servers;
  std::string json_path;
};

// How this machine carries the VPCs (interface.md "Host").
struct HostPort {
  std::string name;
  std::string device;  // DPDK device arguments; empty in replay and tests
  std::optional<uint16_t>
      mtu;  // bytes; none: 1500 on uplink and services ports, else 9001 or what the device can
};

struct HostAttachment {
  std::string network_interface_id;
  std::string port;
  uint16_t vlan = 0;          // 1..4094; 0: untagged
  uint32_t max_sessions = 0;  // tracked at this ENI; 0: Host::max_sessions_per_interface
};

// The internet side, or one provider side of gateway endpoints.
struct HostSide {
  std::string port;
  uint16_t vlan = 0;
  Ipv4Prefix address;  // host bits kept: the address on the wire and its subnet's length
  Ipv4Address next_hop;
  std::vector<std::string>
      endpoint_ids;  // Services only; empty: every gateway endpoint not named elsewhere
};

struct Host {
  std::vector<HostPort> ports;
  std::vector<HostAttachment> attachments;
  std::optional<HostSide> uplink;
  std::vector<HostSide> services;
  uint32_t workers = 1;
  uint64_t max_sessions = 1048576;
  uint32_t max_sessions_per_interface = 0;  // tracked at one ENI; 0: only max_sessions
  std::string behavior_profile = "aws";
  MacAddress router_mac = {{0x02, 0, 0, 0, 0, 0x01}};
  std::string flow_log_folder;  // for every destination not in the map; may be empty
  std::map<std::string, std::string> flow_log_folder_for;  // LogDestination -> folder
};

struct Intent {
  std::vector<Vpc> vpcs;
  std::vector<Subnet> subnets;
  std::vector<RouteTable> route_tables;
  std::vector<InternetGateway> internet_gateways;
  std::vector<NatGateway> nat_gateways;
  std::vector<NetworkAcl> network_acls;
  std::vector<SecurityGroup> security_groups;
  std::vector<NetworkInterface> network_interfaces;
  std::vector<ElasticAddress> addresses;  // sorted by public address after validation
  std::vector<PrefixList> prefix_lists;
  std::vector<VpcEndpoint> vpc_endpoints;
  std::vector<VpcPeering> vpc_peerings;
  std::vector<FlowLog> flow_logs;
  std::vector<DhcpOptions> dhcp_options;
  std::optional<Host> host;
};

}  // namespace sluice
