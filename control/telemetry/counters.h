// What `sluice show` prints, as values, and their text and JSON (interface.md §2, §4). The runtime
// fills them from its workers' counters; nothing here reads a counter itself. Pure functions; any
// thread.
//
// JSON keys are the names of the members below: scripts rely on them. Text tables have one
// heading line, words in capitals, columns aligned, no trailing space.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/verdict.h"

namespace sluice {

using ReasonCounts = std::array<uint64_t, kDropReasonCount>;  // by DropReason

// What a port's device says of itself.
struct PortDevice {
  std::string device;  // as in Host.Ports[].Device
  std::string driver;
  uint16_t mtu_bytes = 0;
  uint16_t rx_queues = 0;
  uint16_t tx_queues = 0;
  bool link_up = false;
  uint64_t rx_missed = 0;   // no room in the device's queue
  uint64_t rx_no_mbuf = 0;  // no buffer to receive into
  uint64_t rx_errors = 0;
  uint64_t tx_errors = 0;
};

// Fates of the packets received on one port (decision 22).
struct PortReport {
  std::string name;
  uint64_t received = 0;
  uint64_t received_bytes = 0;
  uint64_t forwarded = 0;
  ReasonCounts consumed{};
  ReasonCounts dropped{};
  uint64_t held = 0;  // inside the fragment cache at this moment
  uint64_t sent = 0;
  uint64_t sent_bytes = 0;
  uint64_t extra_fragments = 0;
  uint64_t originated = 0;
  uint64_t emit_drops = 0;
  uint64_t tx_full = 0;  // frames of any kind that the device, or the ring to its worker, refused
  // Read while packets were being counted: the fates may be of instants some packets apart, and
  // their not balancing means nothing.
  bool unsettled = false;
  PortDevice device;

  uint64_t ConsumedTotal() const;
  uint64_t DroppedTotal() const;
  // received = forwarded + consumed + dropped + held.
  bool Balances() const;
};

struct StageReport {
  std::string name;
  uint64_t calls = 0;
  uint64_t packets = 0;
  uint64_t ticks = 0;  // of the time-stamp counter; 0 where the stage is not timed
};

struct InterfaceReport {
  std::string eni_id;
  std::string vpc_id;
  std::string subnet_id;
  std::string port;  // empty: none (a NAT gateway's own)
  uint16_t vlan = 0;
  Ipv4Address primary;
  std::string mac;
  uint32_t sessions = 0;  // tracked or translated connections
  // The ENI's connection-tracking allowance (AWS-SG-14).
  uint64_t conntrack_allowance_available = 0;  // connections that can still be tracked
  uint64_t conntrack_allowance_exceeded = 0;   // packets dropped for want of one
};

struct SessionReport {
  std::string eni_id;          // of the initiator, or "internet"
  std::string responder;       // likewise
  std::string nat_gateway_id;  // that translates it; empty: none
  uint8_t protocol = 0;
  Ipv4Address src;
  Ipv4Address dst;
  uint16_t src_l4_port = 0;  // ICMP queries: the identifier
  uint16_t dst_l4_port = 0;  // ICMP queries: the type
  Ipv4Address new_src;       // as the packet leaves
  Ipv4Address new_dst;
  uint16_t new_src_l4_port = 0;
  uint16_t new_dst_l4_port = 0;
  std::string state;  // "established", …
  bool tracked = false;
  uint64_t idle_ms = 0;
};

// A route as it is installed: prefix lists expanded, what another route of the same destination
// hides left out.
struct RouteReport {
  std::string route_table_id;
  std::string vpc_id;
  Ipv4Prefix destination;
  std::string prefix_list_id;  // that the destination comes from; empty: none
  std::string target;          // "local", "igw-…", …
  bool blackhole = false;
  std::string origin;  // AWS's words: CreateRouteTable, CreateRoute, EnableVgwRoutePropagation
};

struct NatAddressReport {
  Ipv4Address private_ip;
  std::optional<Ipv4Address> public_ip;
  uint64_t ports_in_use = 0;  // bindings; several may share a port towards different destinations
};

// CloudWatch's metrics of a NAT gateway since the daemon started (AWS-NAT-15), under AWS's names;
// what each counts here is said in docs/metrics.md.
struct NatGatewayMetrics {
  uint64_t active_connection_count = 0;  // now
  uint64_t bytes_in_from_destination = 0;
  uint64_t bytes_in_from_source = 0;
  uint64_t bytes_out_to_destination = 0;
  uint64_t bytes_out_to_source = 0;
  uint64_t connection_attempt_count = 0;
  uint64_t connection_established_count = 0;
  uint64_t error_port_allocation = 0;
  uint64_t idle_timeout_count = 0;
  uint64_t packets_drop_count = 0;
  uint64_t packets_in_from_destination = 0;
  uint64_t packets_in_from_source = 0;
  uint64_t packets_out_to_destination = 0;
  uint64_t packets_out_to_source = 0;

  friend bool operator==(const NatGatewayMetrics&, const NatGatewayMetrics&) = default;
};

// Their names, in the order of the struct. The first is a gauge, the others only rise.
struct NatMetricName {
  std::string_view name;  // "active_connection_count"
  std::string_view help;
  uint64_t NatGatewayMetrics::*value;
};
std::span<const NatMetricName> NatMetricNames();

struct NatGatewayReport {
  std::string nat_gateway_id;
  std::string vpc_id;
  std::string subnet_id;
  bool is_public = true;
  std::vector<NatAddressReport> addresses;
  NatGatewayMetrics metrics;

  uint64_t PortsInUse() const;
};

struct GenerationReport {
  uint64_t generation = 0;
  int64_t applied_at_seconds = 0;  // since the epoch
  bool running = false;
  std::string summary;  // what changed, one line
};

// One list of `show drops`: a row a reason that occurred, a total row, and the identity per port
// and in total: yes, NO, or "counting" (null in JSON) where it was read too late to tell.
std::string DropsText(const std::vector<PortReport>& ports);
std::string DropsJson(const std::vector<PortReport>& ports);
std::string PortsText(const std::vector<PortReport>& ports);
std::string PortsJson(const std::vector<PortReport>& ports);
// Columns STAGE CALLS PKTS PKTS/CALL NS/PKT CYCLES/PKT. `ticks_per_ns` is the clock's rate (2.1
// for 2.1 GHz).
std::string StagesText(const std::vector<StageReport>& stages, double ticks_per_ns);
std::string StagesJson(const std::vector<StageReport>& stages, double ticks_per_ns);
// `matched` counts all rows that the filters let through, of which those given may be the first
// few.
std::string InterfacesText(const std::vector<InterfaceReport>& interfaces, uint64_t matched);
std::string InterfacesJson(const std::vector<InterfaceReport>& interfaces, uint64_t matched);
std::string SessionsText(const std::vector<SessionReport>& sessions, uint64_t matched);
std::string SessionsJson(const std::vector<SessionReport>& sessions, uint64_t matched);
std::string RoutesText(const std::vector<RouteReport>& routes, uint64_t matched);
std::string RoutesJson(const std::vector<RouteReport>& routes, uint64_t matched);
// `exhausted` and `idle_timeouts` count packets of all gateways: nat_ports_exhausted and
// nat_idle_timeout.
std::string NatText(const std::vector<NatGatewayReport>& gateways, uint64_t matched,
                    uint64_t exhausted, uint64_t idle_timeouts);
std::string NatJson(const std::vector<NatGatewayReport>& gateways, uint64_t matched,
                    uint64_t exhausted, uint64_t idle_timeouts);
std::string GenerationsText(const std::vector<GenerationReport>& generations);
std::string GenerationsJson(const std::vector<GenerationReport>& generations);

}  // namespace sluice
