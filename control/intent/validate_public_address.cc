// A public address stands for one private address: what Addresses, interfaces and NAT gateways say
// is united, and what contradicts is an error (interface.md §3, "Reading real accounts").
#include <map>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";

void Unite(Validation& v, PrivateAddress& own, Ipv4Address public_ip, JsonValue where,
           std::string_view object_id) {
  if (own.public_ip && *own.public_ip != public_ip) {
    v.issues.Error(where, object_id,
                   ToString(own.address) + " has the public address " + ToString(*own.public_ip) +
                       " elsewhere and " + ToString(public_ip) + " here",
                   kInvalidValue);
    return;
  }
  own.public_ip = public_ip;
}

PrivateAddress* FindAddress(NetworkInterface& eni, const std::optional<Ipv4Address>& address) {
  if (!address) {
    return eni.addresses.empty() ? nullptr : &eni.addresses.front();
  }
  for (PrivateAddress& own : eni.addresses) {
    if (own.address == *address) {
      return &own;
    }
  }
  return nullptr;
}

DraftedInterface* InterfaceOfInstance(Validation& v, const Drafted<ElasticAddress>& elastic) {
  const JsonValue instance = elastic.origin.Find("InstanceId");
  if (!instance.exists() || instance.kind() != JsonKind::kString || instance.AsString().empty()) {
    return nullptr;
  }
  for (DraftedInterface& eni : v.draft.network_interfaces) {
    if (eni.value.instance_id == instance.AsString() &&
        (!elastic.value.private_ip ||
         FindAddress(eni.value, elastic.value.private_ip) != nullptr)) {
      return &eni;
    }
  }
  return nullptr;
}

void Associate(Validation& v, Drafted<ElasticAddress>& elastic) {
  const std::string id = ToString(elastic.value.public_ip);
  const std::string& eni_id = elastic.value.network_interface_id;
  if (elastic.broken) {
    return;
  }
  DraftedInterface* eni = nullptr;
  if (eni_id.empty()) {
    eni = InterfaceOfInstance(v, elastic);
  } else {
    eni = v.network_interfaces.Find(eni_id);
    if (eni == nullptr && v.draft.ignored_ids.count(eni_id) == 0) {
      v.issues.Error(elastic.Member("NetworkInterfaceId"), id,
                     "there is no network interface " + eni_id,
                     "InvalidNetworkInterfaceID.NotFound");
    }
  }
  if (eni == nullptr || eni->broken) {
    return;
  }
  elastic.value.network_interface_id = eni->value.id;
  PrivateAddress* own = FindAddress(eni->value, elastic.value.private_ip);
  if (own == nullptr) {
    v.issues.Error(elastic.Member("PrivateIpAddress"), id,
                   elastic.value.private_ip
                       ? ToString(*elastic.value.private_ip) + " is no address of " + eni->value.id
                       : eni->value.id + " has no address",
                   kInvalidValue);
    return;
  }
  elastic.value.private_ip = own->address;
  Unite(v, *own, elastic.value.public_ip, elastic.Member("PublicIp"), id);
}

// An allocation is one address, whoever names it.
void CheckAllocations(Validation& v) {
  std::map<std::string, const Drafted<ElasticAddress>*> address_of;
  for (const Drafted<ElasticAddress>& elastic : v.draft.addresses) {
    const std::string& allocation = elastic.value.allocation_id;
    if (allocation.empty() || elastic.broken) {
      continue;
    }
    const auto [first, inserted] = address_of.try_emplace(allocation, &elastic);
    if (!inserted) {
      v.issues.Error(elastic.Member("AllocationId"), ToString(elastic.value.public_ip),
                     allocation + " is " + ToString(first->second->value.public_ip) + " at " +
                         first->second->value.json_path + " and " +
                         ToString(elastic.value.public_ip) + " here",
                     kInvalidValue);
    }
  }
}

// Where the interface was written; one that validation made, where its NAT gateway was.
JsonValue PlaceOf(const Validation& v, const DraftedInterface& eni) {
  if (eni.origin.exists()) {
    return eni.origin;
  }
  for (const Drafted<NatGateway>& gateway : v.draft.nat_gateways) {
    if (gateway.value.network_interface_id == eni.value.id) {
      return gateway.Member("NatGatewayAddresses");
    }
  }
  return eni.origin;
}

}  // namespace

void ValidatePublicAddresses(Validation& v) {
  CheckAllocations(v);
  for (Drafted<ElasticAddress>& elastic : v.draft.addresses) {
    Associate(v, elastic);
  }
  for (Drafted<NatGateway>& gateway : v.draft.nat_gateways) {
    DraftedInterface* eni = v.network_interfaces.Find(gateway.value.network_interface_id);
    for (const NatGatewayAddress& address : gateway.value.addresses) {
      PrivateAddress* own = eni == nullptr ? nullptr : FindAddress(eni->value, address.private_ip);
      if (own != nullptr && address.public_ip) {
        Unite(v, *own, *address.public_ip, gateway.Member("NatGatewayAddresses"), gateway.value.id);
      }
    }
  }
  std::map<Ipv4Address, const NetworkInterface*> owner_of;
  for (const DraftedInterface& eni : v.draft.network_interfaces) {
    for (const PrivateAddress& own : eni.value.addresses) {
      if (!own.public_ip) {
        continue;
      }
      const auto [owner, inserted] = owner_of.try_emplace(*own.public_ip, &eni.value);
      if (!inserted) {
        v.issues.Error(PlaceOf(v, eni), eni.value.id,
                       "the public address " + ToString(*own.public_ip) + " stands for " +
                           ToString(own.address) + " here and for another address of " +
                           owner->second->id,
                       "Resource.AlreadyAssociated");
      }
    }
  }
}

}  // namespace sluice
