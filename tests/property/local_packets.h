// What is for the router itself: ARP (D-ARP, decision 24) and DHCP (D-ROUTER, AWS-LL-03), sound and
// malformed, from interfaces and from the host's sides. One thread.
#pragma once

#include <memory>

#include "control/intent/validated_intent.h"
#include "tests/property/ordinary_packets.h"
#include "tests/property/random_config.h"
#include "tests/property/scenario.h"
#include "tests/support/packet_builder.h"

namespace sluice::testing {

class LocalPackets {
 public:
  // Both must outlive this.
  LocalPackets(Random& random, OrdinaryPackets& packets) : random_(random), packets_(packets) {}

  void Configure(std::shared_ptr<const ValidatedIntent> intent) { intent_ = std::move(intent); }

  // Fill in port, frame and class.
  void Arp(Step& step);
  void Dhcp(Step& step);

 private:
  void ArpOfEni(Step& step);
  void ArpOfSide(Step& step, const HostSide& side, bool uplink);
  void SpoilArp(Frame& frame);
  uint32_t ArpTarget(const NetworkInterface& asker);
  const NetworkInterface& AnyGuest();
  Bytes DhcpMessage(const NetworkInterface& asker, bool renewal);
  void SpoilDhcp(Bytes& message);
  // As the interface `asker` sends: port, tag and source MAC.
  void From(const NetworkInterface& asker, Step& step, int& vlan, MacAddress& source);

  Random& random_;
  OrdinaryPackets& packets_;
  std::shared_ptr<const ValidatedIntent> intent_;
};

}  // namespace sluice::testing
