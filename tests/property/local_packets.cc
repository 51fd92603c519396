#include "tests/property/local_packets.h"

#include <algorithm>

namespace sluice::testing {
namespace {

constexpr size_t kBootpBytes = 236;
constexpr uint32_t kMagic = 0x63825363;
constexpr size_t kMinEthernetBytes = 60;
enum DhcpType : uint8_t { kDiscover = 1, kRequest = 3, kDecline = 4, kRelease = 7, kInform = 8 };

uint32_t RouterOf(const ValidatedIntent& intent, const NetworkInterface& eni) {
  return intent.FindSubnet(eni.subnet_id)->cidr.First().value + 1;
}

void AppendOption(Bytes& message, uint8_t code, uint32_t value) {
  message.push_back(code);
  message.push_back(4);
  Put32(message, value);
}

}  // namespace

const NetworkInterface& LocalPackets::AnyGuest() {
  const NetworkInterface* eni = &packets_.AnyEni();
  while (eni->kind == InterfaceKind::kNatGateway) {
    eni = &packets_.AnyEni();
  }
  return *eni;
}

void LocalPackets::From(const NetworkInterface& asker, Step& step, int& vlan, MacAddress& source) {
  FrameSpec place;
  packets_.Attach(asker.id, step, place);
  vlan = place.vlan == 0 ? -1 : place.vlan;
  source = Chance(random_, 4) ? kPeerMac : *asker.mac;
}

// --- ARP ---

void LocalPackets::Arp(Step& step) {
  const Host& host = intent_->host();
  if (Chance(random_, 25) && host.uplink.has_value()) {
    ArpOfSide(step, *host.uplink, true);
  } else if (Chance(random_, 10) && !host.services.empty()) {
    ArpOfSide(step, host.services.front(), false);
  } else {
    ArpOfEni(step);
  }
  if (Chance(random_, 50)) {  // as a driver pads it
    step.frame.resize(std::max(step.frame.size(), kMinEthernetBytes), 0);
  }
}

// The router, neighbours, who is not of the subnet, and addresses nobody has.
uint32_t LocalPackets::ArpTarget(const NetworkInterface& asker) {
  const uint32_t router = RouterOf(*intent_, asker);
  const NetworkInterface& other = packets_.AnyEni();
  switch (Below(random_, 6)) {
    case 0:
    case 1:
      return router;
    case 2:
      return router - 1 + Below(random_, 256);
    case 3:
      return Chance(random_, 50) ? packets_.AnyPublic().value : packets_.Host().value;
    default:
      return other.addresses[Below(random_, static_cast<uint32_t>(other.addresses.size()))]
          .address.value;
  }
}

void LocalPackets::ArpOfEni(Step& step) {
  const NetworkInterface& asker = AnyGuest();
  ArpSpec spec;
  From(asker, step, spec.vlan, spec.src_mac);
  spec.sender_mac = Chance(random_, 90) ? spec.src_mac : kPeerMac;
  spec.sender = asker.addresses.front().address.value;
  spec.target = ArpTarget(asker);
  step.kind = PacketClass::kArpRequest;
  if (Chance(random_, 15)) {
    spec.dst_mac = intent_->host().router_mac;  // a cache that is about to forget asks so
  }
  if (Chance(random_, 25)) {
    step.kind = PacketClass::kArpOther;
    switch (Below(random_, 3)) {
      case 0:  // gratuitous: announces itself
        spec.target = spec.sender;
        spec.operation = Chance(random_, 50) ? 1 : 2;
        break;
      case 1:  // claims to be the router, or somebody else
        spec.sender = spec.target;
        spec.target = asker.addresses.front().address.value;
        spec.operation = 2;
        break;
      default:
        spec.operation = static_cast<uint16_t>(Below(random_, 12));
        spec.operation = spec.operation == 1 ? uint16_t{0} : spec.operation;
        break;
    }
  }
  step.frame = BuildArp(spec);
  if (Chance(random_, 15)) {
    step.kind = PacketClass::kArpMalformed;
    SpoilArp(step.frame);
  }
}

void LocalPackets::SpoilArp(Frame& frame) {
  const size_t arp = frame.size() - 28;
  constexpr size_t kFixedFields[] = {0, 1, 2, 3, 4, 5};  // types and lengths of addresses
  if (Chance(random_, 50)) {
    frame[arp + Pick(random_, kFixedFields)] ^= static_cast<uint8_t>(1 + Below(random_, 255));
  } else {
    frame.resize(arp + Below(random_, 28));
  }
}

void LocalPackets::ArpOfSide(Step& step, const HostSide& side, bool uplink) {
  ArpSpec spec;
  spec.vlan = side.vlan == 0 ? -1 : side.vlan;
  spec.src_mac = spec.sender_mac = kPeerMac;
  spec.sender = side.next_hop.value;
  spec.target = side.address.address.value;
  if (Chance(random_, 30)) {
    spec.operation = 2;
    spec.dst_mac = intent_->host().router_mac;
    spec.target_mac = intent_->host().router_mac;
    spec.sender += Chance(random_, 30) ? 7 : 0;  // sometimes not the next hop's
  } else if (Chance(random_, 60)) {
    spec.target = Chance(random_, 70) ? packets_.AnyPublic().value : packets_.Host().value;
  }
  step.port = side.port;
  step.kind = uplink || spec.operation == 2 ? PacketClass::kArpOfSide : PacketClass::kArpOther;
  step.frame = BuildArp(spec);
}

// --- DHCP ---

Bytes LocalPackets::DhcpMessage(const NetworkInterface& asker, bool renewal) {
  constexpr uint8_t kTypes[] = {kDiscover, kDiscover, kRequest, kRequest,
                                kRequest,  kInform,   kRelease, kDecline};
  const uint8_t type = renewal ? uint8_t{kRequest} : Pick(random_, kTypes);
  const uint32_t own = asker.addresses.front().address.value;
  const bool knows_own = renewal || type == kInform || type == kRelease;
  Bytes message = {1, 1, 6, 0};
  Put32(message, static_cast<uint32_t>(random_()));
  Put16(message, Below(random_, 10));
  Put16(message, Chance(random_, 30) ? 0x8000 : 0);
  Put32(message, knows_own ? own + (Chance(random_, 10) ? 1 : 0) : 0);
  Put32(message, 0);
  Put32(message, 0);
  Put32(message, 0);
  message.insert(message.end(), asker.mac->bytes.begin(), asker.mac->bytes.end());
  message.resize(kBootpBytes, Chance(random_, 10) ? uint8_t{0x55} : uint8_t{0});
  Put32(message, kMagic);
  if (Chance(random_, 10)) {
    message.push_back(0);  // pad
  }
  message.insert(message.end(), {53, 1, type});
  if (!knows_own && type != kDiscover && Chance(random_, 90)) {
    AppendOption(message, 50, own + (Chance(random_, 25) ? 1 + Below(random_, 40) : 0));
    AppendOption(message, 54, RouterOf(*intent_, asker));
  }
  message.insert(message.end(), {55, 4, 1, 3, 6, 26});
  if (Chance(random_, 30)) {
    message.insert(message.end(), {12, 3, 'w', 'e', 'b'});
  }
  if (Chance(random_, 90)) {
    message.push_back(255);
  }
  if (Chance(random_, 50)) {
    message.resize(std::max<size_t>(message.size(), 300), 0);
  }
  return message;
}

void LocalPackets::SpoilDhcp(Bytes& message) {
  switch (Below(random_, 5)) {
    case 0:
      message.resize(Below(random_, static_cast<uint32_t>(message.size())));
      break;
    case 1:  // operation, hardware type or length
      message[Below(random_, 3)] ^= static_cast<uint8_t>(1 + Below(random_, 255));
      break;
    case 2:
      message[kBootpBytes + Below(random_, 4)] ^= static_cast<uint8_t>(1 + Below(random_, 255));
      break;
    case 3:  // an option that runs beyond the message
      message.resize(kBootpBytes + 4);
      message.insert(message.end(),
                     {53, 1, kDiscover, 50, static_cast<uint8_t>(1 + Below(random_, 200)), 10});
      break;
    default:  // no message type
      message.resize(kBootpBytes + 4);
      message.insert(message.end(), {55, 1, 1, 255});
      break;
  }
}

void LocalPackets::Dhcp(Step& step) {
  const NetworkInterface& asker = AnyGuest();
  const bool renewal = Chance(random_, 30);
  step.kind = renewal ? PacketClass::kDhcpRenewal : PacketClass::kDhcp;
  PacketSpec spec;
  From(asker, step, spec.vlan, spec.src_mac);
  spec.dst_mac = renewal ? intent_->host().router_mac : kBroadcastMac;
  spec.src = renewal ? asker.addresses.front().address.value : 0;
  spec.dst = renewal ? RouterOf(*intent_, asker) : 0xffffffff;
  spec.src_port = 68;
  spec.dst_port = 67;
  spec.payload = DhcpMessage(asker, renewal);
  if (Chance(random_, 20)) {
    step.kind = PacketClass::kDhcpMalformed;
    SpoilDhcp(spec.payload);
  } else if (Chance(random_, 8)) {  // not for the router after all
    step.kind = PacketClass::kDhcpMalformed;
    switch (Below(random_, 4)) {
      case 0:
        spec.dst_mac = *packets_.AnyEni().mac;
        break;
      case 1:
        spec.src_port = 67;
        break;
      case 2:
        spec.dst += 1;
        break;
      default:
        spec.more_fragments = true;
        spec.payload.resize(spec.payload.size() / 8 * 8);
        break;
    }
  }
  step.frame = BuildFrame(spec);
}

}  // namespace sluice::testing
