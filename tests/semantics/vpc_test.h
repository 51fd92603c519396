// The fixture of the semantic tests: one scene, three players. Every packet goes through the real
// pipeline, through the real pipeline without its session cache, and through the reference world;
// all three must say what the test expects, byte for byte the same. A fourth player, the pipeline
// that never saw what the first dropped, must not tell the difference. The invariants of
// tests/support/invariants hold throughout. The clock is virtual.
//
// An expectation is a text such as
//
//   "forward eni-app"               to that port, addresses and ports unchanged
//   "forward internet: tcp 198.51.100.200:* > 203.0.113.9:443"       one frame, rewritten; "*" any
//   "forward internet: udp ... +0 | internet: udp ... +1480"         several frames
//   "drop sg_ingress", "drop nacl_ingress acl-app 90" (the rule), "consume arp_ignored"
//   "consume ttl_expired eni-app: icmp 11/0 10.0.0.200 > 10.0.1.10 [udp ...]"
//   "hold"                          its end comes later, see ExpectSettled
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/packet/mac.h"
#include "tests/semantics/packets.h"
#include "tests/semantics/vpc_config.h"

namespace sluice::testing {

inline constexpr MacAddress kRouterMac = {{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr MacAddress kNextHopMac = {{0x02, 0, 0, 0, 0, 0xfe}};

struct SentFrame {
  std::string port_name;
  Bytes frame;
};

struct Players {
  bool reference_world = true;  // it has no capacity limits: off where those are tested
  bool uncached = true;
  uint64_t seed = 1;  // of NAT ports and IP ids
};

class VpcTest : public ::testing::Test {
 protected:
  VpcTest();
  ~VpcTest() override;

  // Where a check stands; clang 14 has no std::source_location.
  struct Where {
    const char* file;
    int line;
    static Where Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
      return {file, line};
    }
  };

  // A new scene at time 0. `Apply` replaces its configuration, as `sluice apply` would.
  void Start(const VpcConfig& config = {}, const Players& players = {});
  void Apply(const VpcConfig& config);
  // Resolution of the dataplane: a millisecond.
  void Wait(double seconds);

  // One packet from the host behind a port, to the router's MAC. Returns what became of it.
  std::string Send(const std::string& port_name, const PacketSpec& spec);
  std::string SendFrame(const std::string& port_name, const Bytes& frame);
  void Expect(const std::string& port_name, const PacketSpec& spec, const std::string& expected,
              const Where& where = Where::Here());
  void ExpectFrame(const std::string& port_name, const Bytes& frame, const std::string& expected,
                   const Where& where = Where::Here());
  // What became, in order, of inputs held earlier, since the last call. Drain ends what is held.
  void ExpectSettled(const std::vector<std::string>& expected, const Where& where = Where::Here());
  void Drain();

  // The frames that the last packet led to, and all that settled packets did since ExpectSettled.
  const std::vector<SentFrame>& sent() const;
  const std::vector<SentFrame>& settled_frames() const;
  Seen LastSent(size_t index = 0) const;
  // The frame that Send makes of a spec: from the MAC of the host behind the port to the router.
  Bytes FrameOf(const std::string& port_name, const PacketSpec& spec) const;
  MacAddress MacOf(const std::string& eni_id) const;

  // Unexpired sessions that are tracked or translated.
  uint64_t LiveSessions() const;
  // Inputs that ended as "reason" so far, over all ports; dropped or consumed.
  uint64_t Count(const std::string& reason) const;

  // Packets so far that a session's remembered walk was used for.
  uint64_t SessionHits() const;

  // CloudWatch's counts of a NAT gateway, packets and bytes, the same with and without the session
  // cache: "source 3/120 left 3/120, destination 1/40 left 1/40, dropped 0, tcp 1 of 1, no port 0,
  // idle 0". "tcp" is established of attempted.
  std::string NatCounts(const std::string& nat_gateway_id) const;
  // Packets of connections that an interface could not track.
  uint64_t ConntrackExceeded(const std::string& eni_id) const;

  void TearDown() override;

 private:
  struct Scene;
  std::unique_ptr<Scene> scene_;
};

}  // namespace sluice::testing
