#include <unordered_set>

#include "control/compile/passes.h"

namespace sluice {
namespace {

// A map entry a VPC address may have once only; the first writer wins, and ENIs write before
// reserved addresses.
class AddressBook {
 public:
  explicit AddressBook(std::vector<AddressEntry>& entries) : entries_(entries) {}

  void Add(VpcIdx vpc, Ipv4Address address, uint32_t value) {
    if (seen_.insert(uint64_t{vpc.value} << 32 | address.value).second) {
      entries_.push_back({vpc.value, address, value});
    }
  }

 private:
  std::vector<AddressEntry>& entries_;
  std::unordered_set<uint64_t> seen_;
};

uint16_t InterfaceFlags(const NetworkInterface& eni) {
  uint16_t flags = 0;
  if (eni.source_dest_check) {
    flags |= kInterfaceSourceDestCheck;
  }
  if (eni.kind == InterfaceKind::kOrdinary || eni.kind == InterfaceKind::kInterfaceEndpoint) {
    flags |= kInterfaceHasGroups;
  }
  if (eni.kind == InterfaceKind::kInterfaceEndpoint) {
    flags |= kInterfaceForceTrack;
  }
  return flags;
}

void CompileInterface(SnapshotDraft& draft, const NetworkInterface& eni, AddressBook& book) {
  const InterfaceIdx idx = draft.interface_idx.at(eni.id);
  InterfaceRow& row = draft.interfaces[idx.index()];
  row.kind = eni.kind == InterfaceKind::kNatGateway ? InterfaceRowKind::kNatGateway
                                                    : InterfaceRowKind::kEni;
  row.flags = InterfaceFlags(eni);
  row.primary = eni.addresses.front().address;
  row.vpc = draft.vpc_idx.at(eni.vpc_id);
  row.subnet = draft.subnet_idx.at(eni.subnet_id);
  row.tcp_established_seconds = eni.tracking.tcp_established_seconds;
  row.udp_stream_seconds = static_cast<uint16_t>(eni.tracking.udp_stream_seconds);
  row.udp_seconds = static_cast<uint16_t>(eni.tracking.udp_seconds);
  draft.adjacency[idx.index()].mac = *eni.mac;
  draft.macs.push_back({row.subnet, *eni.mac, idx});
  for (const PrivateAddress& address : eni.addresses) {
    book.Add(row.vpc, address.address, idx.value);
  }
  for (const Ipv4Prefix& prefix : eni.prefixes) {
    for (uint32_t a = prefix.First().value; a <= prefix.Last().value; ++a) {
      book.Add(row.vpc, Ipv4Address(a), idx.value);
    }
  }
}

// AWS-ADDR-08, 09.
void ReserveAddresses(SnapshotDraft& draft, const Subnet& subnet, AddressBook& book) {
  const VpcIdx vpc = draft.vpc_idx.at(subnet.vpc_id);
  const uint32_t base = subnet.cidr.First().value;
  for (uint32_t offset = 0; offset < 4; ++offset) {
    book.Add(vpc, Ipv4Address(base + offset), kAddressReserved);
  }
  book.Add(vpc, subnet.cidr.Last(), kAddressReserved);
}

void AddPublicAddress(SnapshotDraft& draft, AddressBook& of, AddressBook& map,
                      Ipv4Address public_ip, Ipv4Address private_ip, InterfaceIdx interface,
                      VpcIdx vpc) {
  of.Add(vpc, private_ip, public_ip.value);
  map.Add(VpcIdx(0), public_ip, static_cast<uint32_t>(draft.public_addresses.size()));
  draft.public_addresses.push_back({public_ip, private_ip, interface, vpc});
}

// FNV-1a: a stable 64-bit name for the gateway's random stream, the same on every host and in every
// replay.
uint64_t StreamOf(const std::string& id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return hash;
}

void CompileNatGateway(SnapshotDraft& draft, const NatGateway& gateway, AddressBook& book) {
  const InterfaceIdx interface = draft.interface_idx.at(gateway.network_interface_id);
  InterfaceRow& row = draft.interfaces[interface.index()];
  row.nat = draft.nat_gateway_idx.at(gateway.id);
  NatGatewayRow& nat = draft.nat_gateways[row.nat.index()];
  nat.interface = interface;
  nat.stream = StreamOf(gateway.id);
  nat.is_public = gateway.is_public ? 1 : 0;
  for (const NatGatewayAddress& address : gateway.addresses) {
    nat.addresses[nat.address_count++] = {address.private_ip,
                                          address.public_ip.value_or(Ipv4Address())};
    book.Add(row.vpc, address.private_ip, interface.value);
  }
}

void CompilePublicAddresses(SnapshotDraft& draft) {
  AddressBook of(draft.public_of);
  AddressBook map(draft.public_map);
  for (const NetworkInterface& eni : draft.intent.intent().network_interfaces) {
    const VpcIdx vpc = draft.vpc_idx.at(eni.vpc_id);
    const bool attached = draft.intent.InternetGatewayOf(eni.vpc_id) != nullptr;
    if (eni.kind == InterfaceKind::kNatGateway || !attached) {
      continue;
    }
    for (const PrivateAddress& address : eni.addresses) {
      if (address.public_ip) {
        AddPublicAddress(draft, of, map, *address.public_ip, address.address,
                         draft.interface_idx.at(eni.id), vpc);
      }
    }
  }
  for (const NatGatewayRow& nat : draft.nat_gateways) {
    if (!nat.interface.has_value()) {
      continue;
    }
    const VpcIdx vpc = draft.interfaces[nat.interface.index()].vpc;
    for (uint32_t i = 0; i < nat.address_count && nat.is_public != 0; ++i) {
      if (draft.vpcs[vpc.index()].has_internet_gateway != 0) {
        AddPublicAddress(draft, of, map, nat.addresses[i].public_ip, nat.addresses[i].private_ip,
                         nat.interface, vpc);
      }
    }
  }
}

}  // namespace

void CompileAddresses(SnapshotDraft& draft) {
  const Intent& intent = draft.intent.intent();
  for (const Vpc& vpc : intent.vpcs) {
    VpcRow& row = draft.vpcs[draft.vpc_idx.at(vpc.id).index()];
    row.resolver = Ipv4Address(vpc.cidrs.front().First().value + 2);
    row.has_internet_gateway = draft.intent.InternetGatewayOf(vpc.id) != nullptr ? 1 : 0;
  }
  for (const Subnet& subnet : intent.subnets) {
    draft.subnet_idx[subnet.id] = SubnetIdx(static_cast<uint32_t>(draft.subnets.size()));
    SubnetRow row;
    row.network = subnet.cidr.First();
    row.mask = subnet.cidr.Mask();
    row.vpc = draft.vpc_idx.at(subnet.vpc_id);
    draft.subnets.push_back(row);
  }
  AddressBook book(draft.addresses);
  for (const NetworkInterface& eni : intent.network_interfaces) {
    CompileInterface(draft, eni, book);
  }
  for (const NatGateway& gateway : intent.nat_gateways) {
    CompileNatGateway(draft, gateway, book);
  }
  for (const Vpc& vpc : intent.vpcs) {
    const VpcIdx idx = draft.vpc_idx.at(vpc.id);
    book.Add(idx, draft.vpcs[idx.index()].resolver, kAddressResolver);
  }
  for (const Subnet& subnet : intent.subnets) {
    ReserveAddresses(draft, subnet, book);
  }
  CompilePublicAddresses(draft);
}

}  // namespace sluice
