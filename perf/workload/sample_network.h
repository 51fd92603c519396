// The configuration that benches run on when none is given: one VPC with every service on.
//
//   subnet-app 10.0.16.0/20   eni-app-0 ... : default route to nat-a, NACL and group with
//                             `rules` rules each way
//   subnet-web 10.0.1.0/24    eni-web-0 ... eni-web-3: TCP and UDP 8080 from sg-app
//   subnet-nat 10.0.0.0/24    nat-a = 198.51.100.200: default route to igw-a
//
// Every list ends with what lets the workload's packets through; the rules before it, drawn from
// the seed, match none of them. Two ports: "inside" carries all ENIs, told apart by MAC, "outside"
// is the uplink. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

struct SampleNetwork {
  uint32_t senders = 16;  // eni-app-*: 1..1000
  uint32_t rules = 40;    // of each list, 1..: the last one lets pass
  uint64_t max_sessions = 65536;
  uint64_t seed = 1;
  // JSON that stands before the app lists' last element, each with a comma behind it: network ACL
  // entries numbered below 32,000, and permissions of the group sg-app.
  std::string app_ingress_entries;
  std::string app_egress_entries;
  std::string app_egress_permissions;
};

std::string SampleNetworkJson(const SampleNetwork& network);

}  // namespace sluice
