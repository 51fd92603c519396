// The configuration that benches run on when none is given: one VPC with every service on.
//
//   subnet-app 10.0.16.0/20   eni-app-0 ... : default route to nat-a, NACL and group with
//                             `rules` rules each way
//   subnet-app-1 10.0.32.0/24, subnet-app-2 10.0.33.0/24 ... where `more_app_acls` asks for them:
//                             as subnet-app, which the senders are dealt out to in turn
//   subnet-web 10.0.1.0/24    eni-web-0 ... eni-web-3: TCP and UDP 8080 from sg-app
//   subnet-nat 10.0.0.0/24    nat-a = 198.51.100.200: default route to igw-a
//
// Every list ends with what lets the workload's packets through; the rules before it, drawn from
// the seed, match none of them. Two ports: "inside" carries all ENIs, told apart by MAC, "outside"
// is the uplink. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

// Entries of a network ACL, JSON, each with a comma behind it, numbered below 32,000.
struct AclEntries {
  std::string ingress;
  std::string egress;
};

// Subnets of senders: what 10.0.0.0/16 has room for.
inline constexpr uint32_t kMostAppSubnets = 225;

struct SampleNetwork {
  uint32_t senders = 16;  // eni-app-*: 1..1000
  uint32_t rules = 40;    // of each list, 1..: the last one lets pass
  uint64_t max_sessions = 65536;
  uint64_t seed = 1;
  // JSON that stands before the app lists' last element, each with a comma behind it: network ACL
  // entries numbered below 32,000, and permissions of the group sg-app; and the prefix lists that
  // these name, with commas between them.
  std::string app_ingress_entries;
  std::string app_egress_entries;
  std::string app_egress_permissions;
  std::string prefix_lists;
  // The senders leave by igw-a, from public addresses of their own (203.0.113.1 on: at most 250);
  // their group is open inwards, and outwards to everybody's kUntrackedPort only. Flows there are
  // not tracked (AWS-SG-11), so that all packets ask the group.
  bool untracked = false;
  // A subnet and a network ACL of its own each: at most kMostAppSubnets - 1, of `senders` at least
  // one and at most 250 for each.
  std::vector<AclEntries> more_app_acls;
  // More of what packets of the workload do not meet.
  uint32_t routes = 0;      // of rtb-app: /24s from 128.0.0.0 on, to nat-a: 0..4,000,000
  uint32_t list_rules = 0;  // of sg-app, outwards: each allows the prefixes of a list
  uint32_t list_prefixes = 100;
  // Versions of the same network: one more rule, about this TCP port, in the group of the senders,
  // or in the only group of a second VPC; 0: none, and no second VPC.
  uint16_t app_edit_l4_port = 0;
  uint16_t other_vpc_l4_port = 0;
};

inline constexpr uint16_t kUntrackedPort = 443;  // TCP and UDP
// Rules that name one prefix list.
inline constexpr uint32_t kRulesPerList = 10;

std::string SampleNetworkJson(const SampleNetwork& network);

}  // namespace sluice
