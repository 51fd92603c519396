#include "control/intent/validation.h"

namespace sluice {

Validation::Validation(LoadContext& load_context)
    : context(load_context),
      draft(load_context.draft),
      issues(load_context.issues),
      vpcs(&draft.vpcs),
      subnets(&draft.subnets),
      route_tables(&draft.route_tables),
      internet_gateways(&draft.internet_gateways),
      nat_gateways(&draft.nat_gateways),
      network_acls(&draft.network_acls),
      security_groups(&draft.security_groups),
      network_interfaces(&draft.network_interfaces),
      prefix_lists(&draft.prefix_lists),
      vpc_endpoints(&draft.vpc_endpoints),
      vpc_peerings(&draft.vpc_peerings) {}

std::string Validation::DefaultGroupOf(std::string_view vpc_id) {
  std::string id;
  for (const DraftedSecurityGroup& group : draft.security_groups) {
    if (group.value.is_default && group.value.vpc_id == vpc_id &&
        (id.empty() || group.value.id < id)) {
      id = group.value.id;
    }
  }
  return id;
}

bool Validation::ArePeered(std::string_view a, std::string_view b) const {
  for (const Drafted<VpcPeering>& peering : draft.vpc_peerings) {
    const VpcPeering& p = peering.value;
    if ((p.requester_vpc_id == a && p.accepter_vpc_id == b) ||
        (p.requester_vpc_id == b && p.accepter_vpc_id == a)) {
      return true;
    }
  }
  return false;
}

bool ClaimAddress(Validation& v, const Subnet& subnet, Ipv4Address address,
                  const std::string& interface_id, bool managed, JsonValue where,
                  std::string_view object_id) {
  const std::string text = ToString(address);
  const bool inside = subnet.cidr.Contains(address);
  if (!inside) {
    std::string what = text + " lies outside " + ToString(subnet.cidr) + " of " + subnet.id;
    if (!managed) {
      v.issues.Error(where, object_id, std::move(what), "InvalidParameterValue");
      return false;
    }
    v.issues.Warning(where, object_id, std::move(what), "InvalidParameterValue");
  }
  const uint32_t offset = address.value - subnet.cidr.First().value;
  if (inside && (offset < 4 || address == subnet.cidr.Last())) {
    v.issues.Error(where, object_id,
                   text + " is one of the five reserved addresses of " + subnet.id +
                       ": the first four and the last",
                   "InvalidParameterValue");
    return false;
  }
  const auto [owner, inserted] =
      v.address_owners.try_emplace({subnet.vpc_id, address.value}, interface_id);
  if (!inserted && owner->second != interface_id) {
    v.issues.Error(where, object_id, text + " belongs to " + owner->second + " already",
                   "InvalidIPAddress.InUse");
    return false;
  }
  return true;
}

std::optional<Ipv4Address> ClaimFreeAddress(Validation& v, const Subnet& subnet,
                                            const std::string& interface_id) {
  const uint32_t last = subnet.cidr.Last().value;
  for (uint64_t value = uint64_t{subnet.cidr.First().value} + 4; value < last; ++value) {
    const Ipv4Address address(static_cast<uint32_t>(value));
    bool delegated = false;
    for (const DraftedInterface& owner : v.draft.network_interfaces) {
      for (const Ipv4Prefix& prefix : owner.value.prefixes) {
        delegated = delegated || (owner.value.subnet_id == subnet.id && prefix.Contains(address));
      }
    }
    if (!delegated &&
        v.address_owners.try_emplace({subnet.vpc_id, address.value}, interface_id).second) {
      return address;
    }
  }
  return std::nullopt;
}

}  // namespace sluice
