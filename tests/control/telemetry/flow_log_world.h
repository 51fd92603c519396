// A small account for flow-log tests: one VPC 10.0.0.0/16 with two subnets in two zones, hosts a
// (with a secondary address) and b, an appliance, a NAT gateway's interface, and a second VPC of
// another account in another region.
#pragma once

#include <string>
#include <vector>

#include "control/intent/intent.h"
#include "control/telemetry/flow_record.h"

namespace sluice {

inline constexpr int64_t kEpochSeconds = 1700000400;  // a multiple of 600

inline Ipv4Address Ip(const char* text) {
  return *ParseIpv4Address(text);
}
inline Ipv4Prefix Net(const char* text) {
  return *ParseIpv4Prefix(text);
}

inline NetworkInterface MakeEni(const char* id, const char* vpc, const char* subnet,
                                const char* owner, std::vector<const char*> addresses) {
  NetworkInterface eni;
  eni.id = id;
  eni.vpc_id = vpc;
  eni.subnet_id = subnet;
  eni.owner_id = owner;
  for (const char* address : addresses) {
    eni.addresses.push_back({Ip(address), {}});
  }
  return eni;
}

inline Subnet MakeSubnet(const char* id, const char* vpc, const char* cidr, const char* zone,
                         const char* zone_id) {
  Subnet subnet;
  subnet.id = id;
  subnet.vpc_id = vpc;
  subnet.cidr = Net(cidr);
  subnet.availability_zone = zone;
  subnet.availability_zone_id = zone_id;
  return subnet;
}

inline Intent FlowLogWorld() {
  Intent intent;
  Vpc one;
  one.id = "vpc-1";
  one.owner_id = "111122223333";
  one.cidrs = {Net("10.0.0.0/16")};
  Vpc two;
  two.id = "vpc-2";
  two.owner_id = "444455556666";
  two.cidrs = {Net("10.9.0.0/16")};
  intent.vpcs = {one, two};
  intent.subnets = {
      MakeSubnet("subnet-1", "vpc-1", "10.0.1.0/24", "eu-west-1a", "euw1-az1"),
      MakeSubnet("subnet-2", "vpc-1", "10.0.2.0/24", "eu-west-1b", "euw1-az2"),
      MakeSubnet("subnet-9", "vpc-2", "10.9.0.0/24", "us-west-2-lax-1a", "usw2-lax1-az1")};
  NetworkInterface a =
      MakeEni("eni-a", "vpc-1", "subnet-1", "111122223333", {"10.0.1.10", "10.0.1.11"});
  a.instance_id = "i-a";
  NetworkInterface b = MakeEni("eni-b", "vpc-1", "subnet-2", "111122223333", {"10.0.2.20"});
  NetworkInterface nat = MakeEni("eni-nat", "vpc-1", "subnet-2", "", {"10.0.2.5"});
  nat.kind = InterfaceKind::kNatGateway;
  nat.instance_id = "i-nobody-sees";
  NetworkInterface other = MakeEni("eni-other", "vpc-2", "subnet-9", "444455556666", {"10.9.0.9"});
  intent.network_interfaces = {a, b, nat, other};
  return intent;
}

inline FlowLog MakeLog(const char* id, const char* resource, TrafficType traffic,
                       uint32_t interval_seconds, const char* format) {
  FlowLog log;
  log.id = id;
  log.resource_id = resource;
  log.traffic = traffic;
  log.interval_seconds = interval_seconds;
  log.format = format;
  return log;
}

// Interface indices of observations, out of the order of ids on purpose.
inline constexpr uint32_t kNatIdx = 0, kAIdx = 1, kOtherIdx = 2, kBIdx = 3;
inline std::vector<InterfaceIdentity> WorldIdentities() {
  return {{"eni-nat"}, {"eni-a"}, {"eni-other"}, {"eni-b"}};
}

inline int64_t At(int64_t seconds_after_epoch) {
  return (kEpochSeconds + seconds_after_epoch) * kNanosPerSecond;
}

// One observation of `count` packets of 100 bytes from second `first` to second `last` after the
// test's epoch.
inline FlowObservation Seen(uint32_t interface_idx, FlowDirection direction, FlowAction action,
                            const char* source, uint16_t source_l4_port, const char* destination,
                            uint16_t destination_l4_port, uint8_t protocol, int64_t first,
                            int64_t last, uint64_t count = 1) {
  FlowObservation o;
  o.interface_idx = interface_idx;
  o.direction = direction;
  o.action = action;
  o.source = Ip(source);
  o.source_l4_port = source_l4_port;
  o.destination = Ip(destination);
  o.destination_l4_port = destination_l4_port;
  o.protocol = protocol;
  o.packet_count = count;
  o.size_bytes = count * 100;
  o.first_ns = At(first);
  o.last_ns = At(last);
  return o;
}

}  // namespace sluice
