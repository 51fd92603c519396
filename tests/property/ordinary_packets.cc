#include "tests/property/ordinary_packets.h"

#include <utility>
#include <vector>

namespace sluice::testing {
namespace {

constexpr uint16_t kPorts[] = {21, 22, 53, 80, 443, 1023, 1024, 8080, 32768, 40000, 40001, 65535};
constexpr uint8_t kProtocols[] = {6, 6, 6, 17, 17, 17, 1, 1, 47, 50};
constexpr Ipv4Address kHosts[] = {{8, 8, 8, 8}, {203, 0, 113, 9}, {52, 0, 3, 4}, {198, 51, 100, 7}};

}  // namespace

Ipv4Address OrdinaryPackets::Host() {
  return Pick(random_, kHosts);
}

uint8_t OrdinaryPackets::TcpFlags() {
  constexpr uint8_t kFlags[] = {0x02, 0x02, 0x10, 0x10, 0x10, 0x18,
                                0x11, 0x04, 0x14, 0x12, 0x03, 0x00};
  return Pick(random_, kFlags);
}

const NetworkInterface& OrdinaryPackets::AnyEni() {
  const auto& enis = intent_->intent().network_interfaces;
  return enis[Below(random_, static_cast<uint32_t>(enis.size()))];
}

Ipv4Address OrdinaryPackets::AnyDestination() {
  switch (Below(random_, 8)) {
    case 0:
    case 1:
    case 2: {
      const auto& addresses = AnyEni().addresses;
      return addresses[Below(random_, static_cast<uint32_t>(addresses.size()))].address;
    }
    case 3:
      return AnyPublic();
    case 4: {
      const auto& subnets = intent_->intent().subnets;
      const Subnet& subnet = subnets[Below(random_, static_cast<uint32_t>(subnets.size()))];
      return Ipv4Address(subnet.cidr.First().value + Below(random_, 60));
    }
    case 5:
      return Chance(random_, 90) ? Host() : Ipv4Address(static_cast<uint32_t>(random_()));
    default:
      return Host();
  }
}

Ipv4Address OrdinaryPackets::AnyPublic() {
  std::vector<Ipv4Address> all;
  for (const NetworkInterface& eni : intent_->intent().network_interfaces) {
    for (const PrivateAddress& address : eni.addresses) {
      if (address.public_ip) {
        all.push_back(*address.public_ip);
      }
    }
  }
  for (const NatGateway& gateway : intent_->intent().nat_gateways) {
    for (const NatGatewayAddress& address : gateway.addresses) {
      if (address.public_ip) {
        all.push_back(*address.public_ip);
      }
    }
  }
  return all.empty() ? Ipv4Address(198, 51, 100, 250)
                     : all[Below(random_, static_cast<uint32_t>(all.size()))];
}

void OrdinaryPackets::Attach(const std::string& eni_id, Step& step, FrameSpec& spec) const {
  step.port = "trunk";
  for (const HostAttachment& attachment : intent_->host().attachments) {
    if (attachment.network_interface_id == eni_id) {
      step.port = attachment.port;
      spec.vlan = attachment.vlan;
    }
  }
}

void OrdinaryPackets::FromEni(Step& step, FrameSpec& spec) {
  const NetworkInterface* eni = &AnyEni();
  while (eni->kind == InterfaceKind::kNatGateway) {
    eni = &AnyEni();
  }
  Attach(eni->id, step, spec);
  spec.source_mac = *eni->mac;
  spec.source =
      eni->addresses[Below(random_, static_cast<uint32_t>(eni->addresses.size()))].address;
  spec.destination_mac = intent_->host().router_mac;
  spec.destination = AnyDestination();
  if (Chance(random_, 10)) {  // straight to a neighbour
    const NetworkInterface& other = AnyEni();
    spec.destination_mac = *other.mac;
    spec.destination = Chance(random_, 80) ? other.addresses[0].address : spec.destination;
  }
  if (Chance(random_, 3)) {
    spec.source = AnyDestination();
  }
  if (Chance(random_, 1)) {
    spec.source_mac = kPeerMac;
  }
}

void OrdinaryPackets::FromOutside(Step& step, FrameSpec& spec) {
  const bool services = Chance(random_, 10) && !intent_->host().services.empty();
  const HostSide* side = services ? &intent_->host().services[0] : nullptr;
  side = services || !intent_->host().uplink.has_value() ? side : &*intent_->host().uplink;
  step.port = side == nullptr ? "trunk" : side->port;
  spec.vlan = side == nullptr ? uint16_t{0} : side->vlan;
  spec.source_mac = kPeerMac;
  spec.destination_mac = intent_->host().router_mac;
  spec.source = Host();
  spec.destination = services ? AnyDestination() : AnyPublic();
  if (Chance(random_, 5)) {
    spec.destination = AnyDestination();
  }
}

void OrdinaryPackets::Fresh(Step& step) {
  FrameSpec spec;
  if (Chance(random_, 75)) {
    FromEni(step, spec);
  } else {
    FromOutside(step, spec);
  }
  spec.protocol = Pick(random_, kProtocols);
  spec.source_port = Pick(random_, kPorts);
  spec.destination_port = Pick(random_, kPorts);
  spec.tcp_flags = Chance(random_, 60) ? 0x02 : TcpFlags();
  spec.tcp_sequence = 1000 * Below(random_, 50);
  spec.payload_bytes = static_cast<uint16_t>(Below(random_, 40));
  spec.zero_udp_checksum = Chance(random_, 10);
  spec.ttl = Chance(random_, 5) ? static_cast<uint8_t>(Below(random_, 3)) : uint8_t{64};
  spec.identification = static_cast<uint16_t>(random_());
  if (Chance(random_, 4)) {
    spec.payload_bytes = static_cast<uint16_t>(1400 + Below(random_, 700));
    spec.fragment_word = Chance(random_, 50) ? 0x4000 : 0;
  }
  step.frame = MakeFrame(spec);
}

}  // namespace sluice::testing
