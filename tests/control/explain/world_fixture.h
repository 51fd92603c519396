// A small VPC world for the tests of the reference world: a configuration with named holes, and
// frames as its hosts would send them.
//
//   vpc-a 10.0.0.0/16   subnet-pub 10.0.0.0/24 (0/0 igw-a): eni-web 10.0.0.10 = 198.51.100.10,
//   eni-two 10.0.0.11 =
//                         198.51.100.11 and secondary 10.0.0.12 = 198.51.100.12, nat-a 10.0.0.200 =
//                         198.51.100.200
//                       subnet-app 10.0.1.0/24 (0/0 nat-a, pl-s3 vpce-s3, 10.1/16 pcx-ab):
//                       eni-app 10.0.1.10 subnet-mid 10.0.2.0/24 (0/0 igw-a): eni-mid 10.0.2.10,
//                       source/dest check off
//   vpc-b 10.1.0.0/16   subnet-b 10.1.0.0/24 (10.0/16 pcx-ab, 0/0 igw-b): eni-b 10.1.0.10 =
//   198.51.101.10
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/explain/output_bytes.h"
#include "control/explain/packet_maker.h"
#include "control/explain/parse.h"
#include "control/explain/reference_world.h"
#include "dataplane/packet/protocol.h"

namespace sluice::testing {

using Holes = std::map<std::string, std::string>;

// The configuration with holes filled: APP_IN, APP_OUT, WEB_IN, WEB_OUT (permissions), ACL_APP,
// ACL_PUB (entries), ROUTES_APP, ROUTES_PUB (routes beyond local), APP_EXTRA (members of eni-app),
// MORE (top-level lists).
std::string ConfigText(const Holes& holes);
std::shared_ptr<const ValidatedIntent> LoadConfig(const Holes& holes);

inline constexpr int64_t kSecond = 1'000'000'000;

Ipv4Address Ip(const char* text);
MacAddress MacOf(const ValidatedIntent& intent, const std::string& eni_id);

PacketHeader Tcp(const char* source, uint16_t source_port, const char* destination,
                 uint16_t destination_port);
PacketHeader Udp(const char* source, uint16_t source_port, const char* destination,
                 uint16_t destination_port);
PacketHeader Icmp(const char* source, const char* destination, uint8_t type, uint8_t code,
                  uint16_t id);

class WorldTest : public ::testing::Test {
 protected:
  void Start(const Holes& holes = {});
  void Change(const Holes& holes);

  // From an interface's port to the router's MAC, or from "internet" and "services".
  Outcome Send(const std::string& from, const PacketShape& shape);
  Outcome Send(const std::string& from, const PacketHeader& header, uint8_t tcp_flags = kTcpSyn);
  Receipt SendIp(const std::string& from, const Bytes& ip,
                 std::optional<MacAddress> destination = std::nullopt);
  void Advance(int64_t ns) { now_ns_ += ns; }

  // The only packet sent, parsed; every checksum is verified.
  static Packet Sent(const Outcome& outcome, size_t index = 0);
  static void ExpectDropped(const Outcome& outcome, DropReason reason);
  static void ExpectForwarded(const Outcome& outcome, const std::string& port);

  std::shared_ptr<const ValidatedIntent> intent_;
  std::unique_ptr<ReferenceWorld> world_;
  int64_t now_ns_ = 1000 * kSecond;
};

}  // namespace sluice::testing
