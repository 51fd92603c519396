// NAT gateways and VPC endpoints with their own interfaces (AWS-NAT-01, AWS-EP-01, AWS-EP-05), and
// prefix lists.
#include <algorithm>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";
constexpr size_t kMaxNatAddresses = 8;

const ElasticAddress* FindElastic(const Validation& v, const NatGatewayAddress& address) {
  for (const Drafted<ElasticAddress>& elastic : v.draft.addresses) {
    const bool by_allocation =
        !address.allocation_id.empty() && elastic.value.allocation_id == address.allocation_id;
    if (by_allocation || (address.public_ip && elastic.value.public_ip == *address.public_ip)) {
      return &elastic.value;
    }
  }
  return nullptr;
}

// What Addresses and the listed interface know of the gateway's addresses.
void FillNatAddress(Validation& v, Drafted<NatGateway>& draft, NatGatewayAddress& address,
                    const DraftedInterface* eni, size_t i) {
  const ElasticAddress* elastic = FindElastic(v, address);
  if (elastic != nullptr) {
    if (address.public_ip && *address.public_ip != elastic->public_ip) {
      v.issues.Error(draft.Member("NatGatewayAddresses"), draft.value.id,
                     address.allocation_id + " is " + ToString(elastic->public_ip) +
                         " in Addresses, not " + ToString(*address.public_ip),
                     kInvalidValue);
    }
    address.public_ip = elastic->public_ip;
    if (address.allocation_id.empty()) {
      address.allocation_id = elastic->allocation_id;
    }
    if (address.private_ip == Ipv4Address() && elastic->private_ip) {
      address.private_ip = *elastic->private_ip;
    }
  }
  if (elastic == nullptr && !v.draft.addresses.empty() && !address.allocation_id.empty() &&
      address.public_ip) {
    v.issues.WarnOnce("absent allocation", draft.Member("NatGatewayAddresses"), draft.value.id,
                      address.allocation_id + " is not in Addresses: " +
                          ToString(*address.public_ip) + " is taken from here, and so elsewhere");
  }
  if (eni == nullptr) {
    return;
  }
  if (address.private_ip == Ipv4Address() && i < eni->value.addresses.size()) {
    address.private_ip = eni->value.addresses[i].address;
  }
  for (const PrivateAddress& own : eni->value.addresses) {
    if (own.address == address.private_ip && !address.public_ip) {
      address.public_ip = own.public_ip;
    }
  }
}

// Elastic addresses that name the gateway's interface and private address.
void FillFromAssociations(Validation& v, Drafted<NatGateway>& draft) {
  if (draft.value.network_interface_id.empty()) {
    return;
  }
  for (const Drafted<ElasticAddress>& elastic : v.draft.addresses) {
    if (elastic.value.network_interface_id != draft.value.network_interface_id) {
      continue;
    }
    for (NatGatewayAddress& address : draft.value.addresses) {
      const bool meant = elastic.value.private_ip ? *elastic.value.private_ip == address.private_ip
                                                  : &address == &draft.value.addresses.front();
      if (meant && !address.public_ip) {
        address.public_ip = elastic.value.public_ip;
        address.allocation_id = elastic.value.allocation_id;
      }
    }
  }
}

void CheckPublic(Validation& v, const Drafted<NatGateway>& draft) {
  for (const NatGatewayAddress& address : draft.value.addresses) {
    if (draft.value.is_public && !address.public_ip) {
      v.issues.Error(
          draft.Member("NatGatewayAddresses"), draft.value.id,
          "a public NAT gateway needs an Elastic IP address for each of its addresses",
          address.allocation_id.empty() ? "MissingParameter" : "InvalidAllocationID.NotFound");
    }
    if (!draft.value.is_public && address.public_ip) {
      v.issues.Error(draft.Member("NatGatewayAddresses"), draft.value.id,
                     "a private NAT gateway has no public address", kInvalidValue);
    }
  }
}

DraftedInterface* FindNatInterface(Validation& v, const NatGateway& gateway) {
  if (!gateway.network_interface_id.empty()) {
    return v.network_interfaces.Find(gateway.network_interface_id);
  }
  for (const NatGatewayAddress& address : gateway.addresses) {
    const auto owner = v.address_owners.find({gateway.vpc_id, address.private_ip.value});
    if (owner != v.address_owners.end()) {
      DraftedInterface* eni = v.network_interfaces.Find(owner->second);
      if (eni != nullptr && eni->value.kind == InterfaceKind::kNatGateway) {
        return eni;
      }
    }
  }
  return nullptr;
}

// The interface gets every address of the gateway, each claimed in the subnet.
void GiveAddresses(Validation& v, Drafted<NatGateway>& draft, NetworkInterface& eni,
                   const Subnet& subnet) {
  for (NatGatewayAddress& address : draft.value.addresses) {
    const JsonValue where = draft.Member("NatGatewayAddresses");
    if (address.private_ip == Ipv4Address()) {
      const std::optional<Ipv4Address> free = ClaimFreeAddress(v, subnet, eni.id);
      if (!free) {
        v.issues.Error(where, draft.value.id, subnet.id + " has no free address",
                       "InsufficientFreeAddressesInSubnet");
        continue;
      }
      address.private_ip = *free;
    } else if (!ClaimAddress(v, subnet, address.private_ip, eni.id, true, where, draft.value.id)) {
      continue;
    }
    const bool known =
        std::any_of(eni.addresses.begin(), eni.addresses.end(),
                    [&](const PrivateAddress& own) { return own.address == address.private_ip; });
    if (!known) {
      eni.addresses.push_back({address.private_ip, std::nullopt});
    }
  }
}

void CompleteNatGateway(Validation& v, Drafted<NatGateway>& draft) {
  NatGateway& value = draft.value;
  const Drafted<Subnet>* subnet = v.subnets.Find(value.subnet_id);
  if (subnet == nullptr) {
    if (!value.subnet_id.empty()) {
      v.issues.Error(draft.Member("SubnetId"), value.id,
                     v.subnets.ThereIsNo("subnet", value.subnet_id, "Subnets"),
                     "InvalidSubnetID.NotFound");
    }
    return;
  }
  if (!value.vpc_id.empty() && value.vpc_id != subnet->value.vpc_id) {
    v.issues.Error(
        draft.Member("VpcId"), value.id,
        value.subnet_id + " belongs to " + subnet->value.vpc_id + ", not to " + value.vpc_id,
        kInvalidValue);
    return;
  }
  value.vpc_id = subnet->value.vpc_id;
  if (draft.broken || subnet->broken) {
    return;
  }
  if (value.addresses.empty()) {
    value.addresses.emplace_back();
  }
  if (value.addresses.size() > kMaxNatAddresses) {
    v.issues.Error(draft.Member("NatGatewayAddresses"), value.id,
                   "a NAT gateway has at most 8 addresses", "NatGatewayAddressLimitExceeded");
  }
  DraftedInterface* eni = FindNatInterface(v, value);
  for (size_t i = 0; i < value.addresses.size(); ++i) {
    FillNatAddress(v, draft, value.addresses[i], eni, i);
  }
  FillFromAssociations(v, draft);
  CheckPublic(v, draft);
  if (eni == nullptr) {
    DraftedInterface made;
    made.value.id = value.network_interface_id.empty()
                        ? v.network_interfaces.FreeId("eni-" + value.id)
                        : value.network_interface_id;
    made.value.vpc_id = value.vpc_id;
    made.value.subnet_id = value.subnet_id;
    made.value.owner_id = subnet->value.owner_id;
    made.value.source_dest_check = false;
    eni = &v.network_interfaces.Add(std::move(made));
  } else if (eni->value.subnet_id != value.subnet_id) {
    v.issues.Error(draft.Member("SubnetId"), value.id,
                   "its interface " + eni->value.id + " is in " + eni->value.subnet_id,
                   kInvalidValue);
    return;
  }
  eni->value.kind = InterfaceKind::kNatGateway;
  eni->value.group_ids.clear();
  value.network_interface_id = eni->value.id;
  GiveAddresses(v, draft, eni->value, subnet->value);
}

// An endpoint's interface in one subnet: a listed one, else made with the next unlisted id or one
// of our own.
void CompleteEndpointInterface(Validation& v, Drafted<VpcEndpoint>& draft,
                               const Drafted<Subnet>& subnet, std::vector<std::string>& unlisted) {
  DraftedInterface made;
  if (unlisted.empty()) {
    made.value.id = v.network_interfaces.FreeId("eni-" + draft.value.id + "-" + subnet.value.id);
    draft.value.network_interface_ids.push_back(made.value.id);
  } else {
    made.value.id = unlisted.front();
    unlisted.erase(unlisted.begin());
  }
  made.value.vpc_id = draft.value.vpc_id;
  made.value.subnet_id = subnet.value.id;
  made.value.owner_id = subnet.value.owner_id;
  made.value.kind = InterfaceKind::kInterfaceEndpoint;
  made.value.group_ids = draft.value.group_ids;
  const std::optional<Ipv4Address> address = ClaimFreeAddress(v, subnet.value, made.value.id);
  if (!address) {
    v.issues.Error(draft.Member("SubnetIds"), draft.value.id,
                   subnet.value.id + " has no free address", "InsufficientFreeAddressesInSubnet");
    return;
  }
  made.value.addresses.push_back({*address, std::nullopt});
  v.network_interfaces.Add(std::move(made));
}

void CheckEndpointGroups(Validation& v, const Drafted<VpcEndpoint>& draft) {
  for (const std::string& group_id : draft.value.group_ids) {
    const DraftedSecurityGroup* group = v.security_groups.Find(group_id);
    if (group == nullptr || group->value.vpc_id != draft.value.vpc_id) {
      v.issues.Error(draft.Member("Groups"), draft.value.id,
                     "there is no security group " + group_id + " in " + draft.value.vpc_id,
                     "InvalidGroup.NotFound");
    }
  }
}

void CompleteInterfaceEndpoint(Validation& v, Drafted<VpcEndpoint>& draft) {
  CheckEndpointGroups(v, draft);
  std::vector<std::string> unlisted;
  std::vector<std::string> served;
  for (const std::string& id : draft.value.network_interface_ids) {
    DraftedInterface* eni = v.network_interfaces.Find(id);
    if (eni == nullptr) {
      unlisted.push_back(id);
      continue;
    }
    eni->value.kind = InterfaceKind::kInterfaceEndpoint;
    if (eni->value.group_ids.empty()) {
      eni->value.group_ids = draft.value.group_ids;
    }
    served.push_back(eni->value.subnet_id);
  }
  for (const std::string& subnet_id : draft.value.subnet_ids) {
    const Drafted<Subnet>* subnet = v.subnets.Find(subnet_id);
    if (subnet == nullptr || subnet->value.vpc_id != draft.value.vpc_id) {
      v.issues.Error(draft.Member("SubnetIds"), draft.value.id,
                     "there is no subnet " + subnet_id + " in " + draft.value.vpc_id,
                     "InvalidSubnetId.NotFound");
      continue;
    }
    if (!subnet->broken && std::find(served.begin(), served.end(), subnet_id) == served.end()) {
      CompleteEndpointInterface(v, draft, *subnet, unlisted);
      served.push_back(subnet_id);
    }
  }
  for (const std::string& id : unlisted) {
    v.issues.Error(draft.Member("NetworkInterfaceIds"), draft.value.id,
                   "there is no network interface " + id + ", nor a subnet to make it in",
                   "InvalidNetworkInterfaceID.NotFound");
  }
}

}  // namespace

void TypeGatewayInterfaces(Validation& v) {
  const auto type = [&v](const std::string& id, InterfaceKind kind, std::string_view owner) {
    DraftedInterface* eni = v.network_interfaces.Find(id);
    if (eni == nullptr || eni->value.kind == kind) {
      return;
    }
    v.issues.WarnOnce("interface of " + std::string(owner), eni->Member("InterfaceType"), id,
                      "InterfaceType says otherwise, but " + std::string(owner) +
                          " owns this interface: its kind follows from that, here and elsewhere");
    eni->value.kind = kind;
    eni->value.interface_type =
        kind == InterfaceKind::kInterfaceEndpoint ? "vpc_endpoint" : "nat_gateway";
  };
  for (const std::string& id : v.draft.orphan_interface_ids) {
    type(id, InterfaceKind::kRequesterManaged, "a NAT gateway in a final state");
  }
  for (const Drafted<NatGateway>& gateway : v.draft.nat_gateways) {
    type(gateway.value.network_interface_id, InterfaceKind::kNatGateway, "a NAT gateway");
  }
  for (const Drafted<VpcEndpoint>& endpoint : v.draft.vpc_endpoints) {
    for (const std::string& id : endpoint.value.network_interface_ids) {
      type(id, InterfaceKind::kInterfaceEndpoint, "an interface endpoint");
    }
  }
}

void CompleteNatGateways(Validation& v) {
  for (Drafted<NatGateway>& draft : v.draft.nat_gateways) {
    CompleteNatGateway(v, draft);
  }
  // An interface that no gateway of the configuration owns keeps its address and does nothing.
  for (DraftedInterface& eni : v.draft.network_interfaces) {
    const bool owned = std::any_of(
        v.draft.nat_gateways.begin(), v.draft.nat_gateways.end(),
        [&](const auto& gateway) { return gateway.value.network_interface_id == eni.value.id; });
    if (eni.value.kind == InterfaceKind::kNatGateway && !owned) {
      v.issues.WarnOnce("orphan NAT interface", eni.origin, eni.value.id,
                        "no NAT gateway owns this interface: it answers nothing, and so does "
                        "every other of its kind");
      eni.value.kind = InterfaceKind::kRequesterManaged;
    }
  }
}

void CompleteVpcEndpoints(Validation& v) {
  for (Drafted<VpcEndpoint>& draft : v.draft.vpc_endpoints) {
    if (v.RequireVpc(draft) != nullptr && !draft.broken && !draft.value.is_gateway) {
      CompleteInterfaceEndpoint(v, draft);
    }
  }
}

void CompletePrefixLists(Validation& v) {
  for (const DraftedPrefixList& list : v.draft.prefix_lists) {
    if (!list.has_content) {
      v.issues.Warning(list.origin, list.value.id,
                       "a prefix list without Cidrs or Entries matches nothing: add Entries from "
                       "get-managed-prefix-list-entries");
    }
    if (list.max_entries && static_cast<int64_t>(list.value.cidrs.size()) > *list.max_entries) {
      v.context.Quota(list.Member("Entries"), list.value.id, "more entries than MaxEntries",
                      "PrefixListMaxEntriesExceeded");
    }
  }
  for (Drafted<VpcEndpoint>& endpoint : v.draft.vpc_endpoints) {
    for (const DraftedPrefixList& list : v.draft.prefix_lists) {
      if (endpoint.value.is_gateway && !list.value.name.empty() &&
          list.value.name == endpoint.value.service_name) {
        endpoint.value.prefix_list_id = list.value.id;
      }
    }
  }
}

}  // namespace sluice
