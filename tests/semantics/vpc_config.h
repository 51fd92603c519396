// Configurations for the semantic tests: a standard world, and short words to change it. Renders
// the same describe-shaped JSON a user writes.
//
//   vpc-a 10.0.0.0/16, igw-a
//     subnet-pub 10.0.0.0/24 (0/0 igw-a): eni-web .10 = 198.51.100.10; eni-two .11 =
//       198.51.100.11 and secondary .12 = 198.51.100.12, .13; nat-a .200 = 198.51.100.200
//     subnet-app 10.0.1.0/24 (0/0 nat-a, 10.1/16 pcx-ab): eni-app .10, eni-app2 .11
//     subnet-db 10.0.2.0/24 (main table: only local): eni-db .10
//     subnet-mid 10.0.3.0/24 (0/0 igw-a): eni-mid .10, source/dest check off
//   vpc-b 10.1.0.0/16, igw-b: subnet-b 10.1.0.0/24 (10.0/16 pcx-ab, 0/0 igw-b): eni-b .10 =
//     198.51.101.10
//   vpc-c 10.0.0.0/16, unconnected: subnet-c 10.0.0.0/24: eni-c 10.0.0.10, eni-c2 10.0.0.11
//
// Each interface has a group and a port of its own name: sg-web, eni-web. Every group allows all
// both ways, so TCP and UDP are untracked until a test says otherwise; `In` or `Out` with anything
// narrower makes that interface track. ACLs: acl-pub, acl-app, acl-db, acl-b, all open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {
class ValidatedIntent;
}  // namespace sluice

namespace sluice::testing {

using Words = std::vector<std::string>;

class VpcConfig {
 public:
  VpcConfig();  // the standard world

  // The rules of a group, replacing those it has: "tcp 22 10.0.0.0/8", "udp 1000-2000 sg-web",
  // "icmp 8/0 pl-s3", "50 10.0.0.0/8", "all 0.0.0.0/0". The last word is a CIDR, a group or a
  // prefix list.
  VpcConfig& In(const std::string& group, const Words& rules);
  VpcConfig& Out(const std::string& group, const Words& rules);
  // The entries of an ACL, replacing those it has: "in 100 allow tcp 22 10.0.0.0/8", "out 90 deny
  // icmp 8/-1 0.0.0.0/0".
  VpcConfig& Acl(const std::string& acl, const Words& entries);
  // The routes of a table besides local, replacing those it has: "0.0.0.0/0 igw-a", "pl-s3
  // vpce-s3". The target's prefix tells its kind.
  VpcConfig& Routes(const std::string& table, const Words& routes);
  // The groups of an interface.
  VpcConfig& Groups(const std::string& eni, const Words& groups);

  // Any top-level list: another object, one object less, one member of an object.
  VpcConfig& Add(const std::string& list, const std::string& object_json);
  VpcConfig& Remove(const std::string& list, const std::string& id);
  VpcConfig& Set(const std::string& list, const std::string& id, const std::string& member,
                 const std::string& value_json);
  // An interface with a group of its own that allows all: "eni-x" gets "sg-x".
  VpcConfig& Eni(const std::string& id, const std::string& subnet, const std::string& address);

  VpcConfig& Host(const std::string& host_json);  // instead of a port an interface
  VpcConfig& MaxSessions(uint32_t pairs);
  VpcConfig& MaxSessionsPerInterface(uint32_t pairs);
  VpcConfig& MaxSessionsAt(const std::string& eni, uint32_t pairs);
  VpcConfig& Mtu(const std::string& port_name, uint32_t bytes);

  // The configuration with its Host.
  std::string Text() const;
  // Loaded and validated; records a test failure with every error and returns null otherwise.
  std::shared_ptr<const ValidatedIntent> Load() const;

 private:
  std::string text_;  // of the JSON, so that copies are independent
};

}  // namespace sluice::testing
