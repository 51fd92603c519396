// What flow logging is made of: one observation of packets at one network interface, and the record
// a window makes of them. Plain values; control thread or an offline tool. Times are nanoseconds
// since the Unix epoch, addresses and ports in host byte order, bytes are sums of IP total lengths
// (no Ethernet).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "dataplane/packet/ipv4.h"
#include "dataplane/packet/protocol.h"
#include "dataplane/session/accounting.h"  // FlowDirection, FlowAction, FlowLogTcpFlags

namespace sluice {

inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Where a packet went after it left the interface, for AWS's `traffic-path` (AWS-FL-14).
enum class FlowPath : uint8_t {
  kUnknown,  // ingress, rejected, or nothing below applies
  kSameVpc,  // another interface of the VPC: hosts, appliances, NAT gateways, interface endpoints
  kInternetGateway,
  kGatewayEndpoint,
  kPeeringSameRegion,
  kPeeringOtherRegion,
};

// Index of an interface in the list given with the configuration (the compiled snapshot's order).
struct InterfaceIdentity {
  std::string eni_id;
};

// Packets of one five-tuple in one direction at one interface with one outcome, all inside one
// 60-second window that is aligned to the epoch.
struct FlowObservation {
  uint32_t interface_idx = 0;
  FlowDirection direction = FlowDirection::kIngress;
  FlowAction action = FlowAction::kAccept;
  FlowPath path = FlowPath::kUnknown;
  uint8_t protocol = 0;   // IANA
  uint8_t tcp_flags = 0;  // OR of FlowLogTcpFlags(packet)
  Ipv4Address source;     // of the packet as it is at the interface (pkt-srcaddr)
  Ipv4Address destination;
  uint16_t source_l4_port =
      0;  // TCP and UDP only; printed as 0 for every other protocol (AWS-FL-19)
  uint16_t destination_l4_port = 0;
  uint64_t packet_count = 0;
  uint64_t size_bytes = 0;
  int64_t first_ns = 0;  // decides the window
  int64_t last_ns = 0;
};

// What distinguishes records of one interface in one window (AWS-FL-03).
struct FlowKey {
  Ipv4Address source;
  Ipv4Address destination;
  uint16_t source_l4_port = 0;
  uint16_t destination_l4_port = 0;
  uint8_t protocol = 0;
  FlowDirection direction = FlowDirection::kIngress;
  FlowAction action = FlowAction::kAccept;

  friend constexpr auto operator<=>(const FlowKey&, const FlowKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const FlowKey& k) {
    return H::combine(std::move(h), k.source.value, k.destination.value, k.source_l4_port,
                      k.destination_l4_port, k.protocol, k.direction, k.action);
  }
};

struct FlowSums {
  uint64_t packet_count = 0;
  uint64_t size_bytes = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  uint8_t tcp_flags = 0;
  FlowPath path = FlowPath::kUnknown;  // of the latest observation
};

enum class FlowLogStatus : uint8_t { kOk, kNoData, kSkipData };

// One line of a flow log. `key` and `sums` count for kOk only. For the other two the line says the
// window.
struct FlowLogRecord {
  FlowLogStatus status = FlowLogStatus::kOk;
  FlowKey key;
  FlowSums sums;
  int64_t window_start_seconds = 0;
  int64_t window_end_seconds = 0;  // exclusive: start + MaxAggregationInterval
};

}  // namespace sluice
