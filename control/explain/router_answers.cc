#include "control/explain/router_answers.h"

#include <algorithm>

#include "control/explain/vpc_map.h"
#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

constexpr size_t kArpBytes = 28;
constexpr size_t kMaxErrorBytes = 576;
constexpr uint8_t kOwnTtl = 64;

Bytes OwnIpv4(uint8_t protocol, Ipv4Address source, Ipv4Address destination, const Bytes& payload) {
  Bytes ip = {0x45, 0};
  Append16(ip, static_cast<uint16_t>(kIpv4MinBytes + payload.size()));
  Append32(ip, 0);
  ip.push_back(kOwnTtl);
  ip.push_back(protocol);
  Append16(ip, 0);
  Append32(ip, source.value);
  Append32(ip, destination.value);
  ip.insert(ip.end(), payload.begin(), payload.end());
  SealIpv4Header(ip, 0);
  return ip;
}

Bytes ErrorAbout(const Packet& about, Ipv4Address source, uint8_t type, uint8_t code,
                 uint16_t mtu_field) {
  Bytes icmp = {type, code, 0, 0, 0, 0};
  Append16(icmp, mtu_field);
  const size_t quoted = std::min(about.ip.size(), kMaxErrorBytes - kIpv4MinBytes - kIcmpBytes);
  icmp.insert(icmp.end(), about.ip.begin(), about.ip.begin() + static_cast<std::ptrdiff_t>(quoted));
  Write16(icmp, 2, Checksum(icmp, 0, icmp.size()));
  return OwnIpv4(kProtocolIcmp, source, about.header.source, icmp);
}

}  // namespace

std::optional<ArpPacket> ParseArp(const Bytes& payload) {
  if (payload.size() < kArpBytes || Read16(payload, 0) != 1 ||
      Read16(payload, 2) != kEtherTypeIpv4 || payload[4] != 6 || payload[5] != 4) {
    return std::nullopt;
  }
  return ArpPacket{.operation = Read16(payload, 6),
                   .sender_mac = ReadMac(payload, 8),
                   .sender = Ipv4Address(Read32(payload, 14)),
                   .target = Ipv4Address(Read32(payload, 24))};
}

Bytes ArpReply(const ArpPacket& request, const MacAddress& answer) {
  Bytes arp;
  Append16(arp, 1);
  Append16(arp, kEtherTypeIpv4);
  arp.push_back(6);
  arp.push_back(4);
  Append16(arp, 2);
  AppendMac(arp, answer);
  Append32(arp, request.target.value);
  AppendMac(arp, request.sender_mac);
  Append32(arp, request.sender.value);
  return arp;
}

std::optional<MacAddress> ArpAnswerFor(const ValidatedIntent& intent, const NetworkInterface& asker,
                                       Ipv4Address target) {
  const Subnet& subnet = *intent.FindSubnet(asker.subnet_id);
  if (target == RouterAddressOf(subnet)) {
    return intent.host().router_mac;
  }
  const NetworkInterface* owner = OwnerOf(intent, asker.vpc_id, target);
  if (owner == nullptr || owner == &asker || owner->subnet_id != asker.subnet_id) {
    return std::nullopt;
  }
  return owner->mac;
}

bool MayAnswerWithError(const Packet& packet) {
  const Ipv4Address source = packet.header.source;
  const Ipv4Address destination = packet.header.destination;
  return !IsIcmpError(packet.header) && !packet.IsLaterFragment() &&
         !IsMartian(source, destination) && destination.value >> 28 != 0xe;
}

Bytes TimeExceeded(const Packet& about, Ipv4Address source) {
  return ErrorAbout(about, source, kIcmpTimeExceeded, 0, 0);
}

Bytes FragmentationNeeded(const Packet& about, Ipv4Address source, size_t mtu_bytes) {
  return ErrorAbout(about, source, kIcmpUnreachable, kIcmpCodeFragmentationNeeded,
                    static_cast<uint16_t>(mtu_bytes));
}

Bytes ResetFor(const Packet& about) {
  const TcpFields& tcp = about.tcp;
  const bool has_ack = (tcp.flags & kTcpAck) != 0;
  const uint32_t length = tcp.payload_bytes + ((tcp.flags & kTcpSyn) != 0 ? 1 : 0) +
                          ((tcp.flags & kTcpFin) != 0 ? 1 : 0);
  Bytes segment;
  Append16(segment, about.header.destination_port);
  Append16(segment, about.header.source_port);
  Append32(segment, has_ack ? tcp.acknowledgment : 0);
  Append32(segment, has_ack ? 0 : tcp.sequence + length);
  segment.push_back(0x50);
  segment.push_back(has_ack ? kTcpRst : kTcpRst | kTcpAck);
  Append16(segment, 0);
  Append32(segment, 0);
  Write16(segment, 16,
          Checksum(segment, 0, segment.size(),
                   PseudoHeaderSum(about.header.destination, about.header.source, kProtocolTcp,
                                   segment.size())));
  return OwnIpv4(kProtocolTcp, about.header.destination, about.header.source, segment);
}

namespace {

constexpr size_t kBootpFixedBytes = 236;
constexpr size_t kBootpMinBytes = 300;
constexpr uint32_t kDhcpMagic = 0x63825363;
constexpr uint32_t kLeaseSeconds = 3600;
enum DhcpType : uint8_t {
  kDiscover = 1,
  kOffer = 2,
  kRequest = 3,
  kAck = 5,
  kNak = 6,
  kInform = 8
};

struct DhcpFields {
  uint8_t type = 0;
  std::optional<Ipv4Address> requested;
};

// `bootp` starts at the BOOTP header. nullopt when it is no readable DHCP request.
std::optional<DhcpFields> ParseDhcp(const Bytes& bootp) {
  if (bootp.size() < kBootpFixedBytes + 4 || bootp[0] != 1 || bootp[1] != 1 || bootp[2] != 6 ||
      Read32(bootp, kBootpFixedBytes) != kDhcpMagic) {
    return std::nullopt;
  }
  DhcpFields fields;
  size_t at = kBootpFixedBytes + 4;
  while (at < bootp.size() && bootp[at] != 255) {
    if (bootp[at] == 0) {
      ++at;
      continue;
    }
    if (at + 2 > bootp.size() || at + 2 + bootp[at + 1] > bootp.size()) {
      return std::nullopt;
    }
    if (bootp[at] == 53 && bootp[at + 1] == 1) {
      fields.type = bootp[at + 2];
    }
    if (bootp[at] == 50 && bootp[at + 1] == 4) {
      fields.requested = Ipv4Address(Read32(bootp, at + 2));
    }
    at += 2 + size_t{bootp[at + 1]};
  }
  return fields.type == 0 ? std::nullopt : std::optional(fields);
}

void AppendOption(Bytes& bytes, uint8_t code, const Bytes& value) {
  bytes.push_back(code);
  bytes.push_back(static_cast<uint8_t>(value.size()));
  bytes.insert(bytes.end(), value.begin(), value.end());
}

Bytes AddressBytes(const std::vector<Ipv4Address>& addresses) {
  Bytes bytes;
  for (const Ipv4Address address : addresses) {
    Append32(bytes, address.value);
  }
  return bytes;
}

// By the first subnet of the VPC that names a zone: "eu-west-1a" lies in eu-west-1.
std::string DefaultDomainName(const ValidatedIntent& intent, const Vpc& vpc) {
  std::string zone;
  for (const Subnet& subnet : intent.intent().subnets) {
    if (zone.size() < 2 && subnet.vpc_id == vpc.id) {
      zone = subnet.availability_zone;
    }
  }
  if (zone.size() < 2) {
    return "";
  }
  zone.pop_back();
  return zone == "us-east-1" ? "ec2.internal" : zone + ".compute.internal";
}

void AppendConfiguration(const ValidatedIntent& intent, const NetworkInterface& asker,
                         Bytes& bootp) {
  const Subnet& subnet = *intent.FindSubnet(asker.subnet_id);
  const Vpc& vpc = *intent.FindVpc(asker.vpc_id);
  const DhcpOptions* set = intent.FindDhcpOptions(vpc.dhcp_options_id);
  const Ipv4Address resolver(vpc.cidrs.front().First().value + 2);
  std::vector<Ipv4Address> servers;
  std::string domain = set != nullptr ? set->domain_name : DefaultDomainName(intent, vpc);
  if (set == nullptr) {
    servers.push_back(resolver);
  } else {
    for (const std::string& server : set->domain_name_servers) {
      const std::optional<Ipv4Address> address = ParseIpv4Address(server);
      servers.push_back(address.value_or(resolver));
    }
  }
  AppendOption(bootp, 1, AddressBytes({Ipv4Address(subnet.cidr.Mask())}));
  AppendOption(bootp, 3, AddressBytes({RouterAddressOf(subnet)}));
  if (!servers.empty()) {
    AppendOption(bootp, 6, AddressBytes(servers));
  }
  if (!domain.empty()) {
    AppendOption(bootp, 15, Bytes(domain.begin(), domain.end()));
  }
  if (set != nullptr && !set->ntp_servers.empty()) {
    AppendOption(bootp, 42, AddressBytes(set->ntp_servers));
  }
  const HostAttachment* attachment = AttachmentOf(intent.host(), asker.id);
  Bytes mtu;
  Append16(mtu,
           static_cast<uint16_t>(attachment == nullptr
                                     ? kVpcMtuBytes
                                     : PortMtu(intent.host(), attachment->port, kVpcMtuBytes)));
  AppendOption(bootp, 26, mtu);
}

}  // namespace

bool IsDhcpRequest(const Packet& packet, const Subnet& subnet) {
  const PacketHeader& header = packet.header;
  return header.protocol == kProtocolUdp && !packet.IsFragment() &&
         header.source_port == kDhcpClientPort && header.destination_port == kDhcpServerPort &&
         (header.destination.value == 0xffffffff || header.destination == RouterAddressOf(subnet));
}

DhcpAnswer AnswerDhcp(const ValidatedIntent& intent, const NetworkInterface& asker,
                      const Packet& request) {
  const Bytes asked(request.ip.begin() + static_cast<std::ptrdiff_t>(request.header_bytes) + 8,
                    request.ip.end());
  const std::optional<DhcpFields> fields = ParseDhcp(asked);
  DhcpAnswer answer;
  answer.readable = fields.has_value();
  if (!answer.readable ||
      (fields->type != kDiscover && fields->type != kRequest && fields->type != kInform)) {
    return answer;
  }
  const Ipv4Address router = RouterAddressOf(*intent.FindSubnet(asker.subnet_id));
  const Ipv4Address own = asker.addresses.front().address;
  const Ipv4Address client(Read32(asked, 12));
  const bool refused = fields->type == kRequest && fields->requested.value_or(client) != own;
  const uint8_t type = refused ? kNak : fields->type == kDiscover ? kOffer : kAck;
  Bytes bootp = {2, 1, 6, 0};
  Append32(bootp, Read32(asked, 4));
  Append16(bootp, 0);
  Append16(bootp, Read16(asked, 10));
  Append32(bootp, type == kAck ? client.value : 0);
  Append32(bootp, refused || fields->type == kInform ? 0 : own.value);
  Append32(bootp, refused ? 0 : router.value);
  Append32(bootp, 0);
  bootp.insert(bootp.end(), asked.begin() + 28, asked.begin() + 44);
  bootp.resize(kBootpFixedBytes, 0);
  Append32(bootp, kDhcpMagic);
  AppendOption(bootp, 53, {type});
  AppendOption(bootp, 54, AddressBytes({router}));
  if (!refused) {
    if (fields->type != kInform) {
      Bytes lease;
      Append32(lease, kLeaseSeconds);
      AppendOption(bootp, 51, lease);
    }
    AppendConfiguration(intent, asker, bootp);
  }
  bootp.push_back(255);
  bootp.resize(std::max(bootp.size(), kBootpMinBytes), 0);
  answer.to_broadcast = refused || (Read16(asked, 10) & 0x8000) != 0;
  const Ipv4Address destination = answer.to_broadcast ? Ipv4Address(0xffffffff) : own;
  Bytes udp;
  Append16(udp, kDhcpServerPort);
  Append16(udp, kDhcpClientPort);
  Append16(udp, static_cast<uint16_t>(8 + bootp.size()));
  Append16(udp, 0);
  udp.insert(udp.end(), bootp.begin(), bootp.end());
  const uint16_t checksum =
      Checksum(udp, 0, udp.size(), PseudoHeaderSum(router, destination, kProtocolUdp, udp.size()));
  Write16(udp, 6, checksum == 0 ? 0xffff : checksum);
  answer.ip = OwnIpv4(kProtocolUdp, router, destination, udp);
  return answer;
}

}  // namespace sluice
