// Network interfaces: where they are, their addresses (AWS-ADDR-08, -11, -12), groups and MACs.
#include <algorithm>
#include <map>
#include <set>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr size_t kGroupQuota = 5;
constexpr uint8_t kDelegatedLength = 28;

void ClaimAddresses(Validation& v, const DraftedInterface& draft, const Subnet& subnet) {
  for (const PrivateAddress& address : draft.value.addresses) {
    const bool primary = &address == &draft.value.addresses.front();
    ClaimAddress(v, subnet, address.address, draft.value.id,
                 draft.value.kind != InterfaceKind::kOrdinary,
                 draft.Member(primary ? "PrivateIpAddress" : "PrivateIpAddresses"), draft.value.id);
  }
}

void ClaimPrefixes(Validation& v, const DraftedInterface& draft, const Subnet& subnet) {
  const JsonValue where = draft.Member("Ipv4Prefixes");
  for (const Ipv4Prefix& prefix : draft.value.prefixes) {
    const std::string text = ToString(prefix);
    if (prefix.length != kDelegatedLength || !prefix.IsCanonical()) {
      v.issues.Error(where, draft.value.id, text + " is not a whole /28 block",
                     "InvalidParameterValue");
      continue;
    }
    if (!subnet.cidr.Contains(prefix)) {
      v.issues.Error(where, draft.value.id,
                     text + " lies outside " + ToString(subnet.cidr) + " of " + subnet.id,
                     "InvalidParameterValue");
      continue;
    }
    for (uint32_t value = prefix.First().value; value <= prefix.Last().value; ++value) {
      const auto [owner, inserted] =
          v.address_owners.try_emplace({subnet.vpc_id, value}, draft.value.id);
      if (!inserted) {
        v.issues.Error(where, draft.value.id,
                       ToString(Ipv4Address(value)) + " of " + text + " belongs to " +
                           owner->second + " already",
                       "InvalidIPAddress.InUse");
        break;
      }
    }
  }
}

void PlaceInterface(Validation& v, DraftedInterface& draft) {
  NetworkInterface& value = draft.value;
  const Drafted<Subnet>* subnet = v.subnets.Find(value.subnet_id);
  if (subnet == nullptr) {
    if (!value.subnet_id.empty()) {
      v.issues.Error(draft.Member("SubnetId"), value.id,
                     v.subnets.ThereIsNo("subnet", value.subnet_id, "Subnets"),
                     "InvalidSubnetID.NotFound");
    }
    v.RequireVpc(draft);
    return;
  }
  if (value.vpc_id.empty()) {
    value.vpc_id = subnet->value.vpc_id;
  } else if (value.vpc_id != subnet->value.vpc_id) {
    v.RequireVpc(draft);
    v.issues.Error(
        draft.Member("VpcId"), value.id,
        value.subnet_id + " belongs to " + subnet->value.vpc_id + ", not to " + value.vpc_id,
        "InvalidParameterValue");
    return;
  }
  if (!draft.availability_zone.empty() && !subnet->value.availability_zone.empty() &&
      draft.availability_zone != subnet->value.availability_zone) {
    v.issues.Error(draft.Member("AvailabilityZone"), value.id,
                   value.subnet_id + " is in " + subnet->value.availability_zone,
                   "InvalidParameterValue");
  }
  if (!draft.broken && !subnet->broken) {
    ClaimAddresses(v, draft, subnet->value);
    ClaimPrefixes(v, draft, subnet->value);
  }
}

void CheckGroups(Validation& v, DraftedInterface& draft) {
  NetworkInterface& value = draft.value;
  if (value.kind == InterfaceKind::kNatGateway || value.kind == InterfaceKind::kRequesterManaged) {
    if (!value.group_ids.empty()) {
      v.issues.WarnOnce("groups of managed interface", draft.Member("Groups"), value.id,
                        "a requester-managed interface has no security group here: its Groups "
                        "are ignored");
      value.group_ids.clear();
    }
    return;
  }
  std::sort(value.group_ids.begin(), value.group_ids.end());
  value.group_ids.erase(std::unique(value.group_ids.begin(), value.group_ids.end()),
                        value.group_ids.end());
  for (const std::string& group_id : value.group_ids) {
    const DraftedSecurityGroup* group = v.security_groups.Find(group_id);
    if (group == nullptr || (!value.vpc_id.empty() && group->value.vpc_id != value.vpc_id)) {
      v.issues.Error(draft.Member("Groups"), value.id,
                     group == nullptr
                         ? v.security_groups.ThereIsNo("security group", group_id, "SecurityGroups")
                         : group_id + " belongs to " + group->value.vpc_id + ", the interface to " +
                               value.vpc_id,
                     "InvalidGroup.NotFound");
    }
  }
  if (value.group_ids.size() > kGroupQuota) {
    v.context.Quota(draft.Member("Groups"), value.id,
                    "more than 5 security groups: AWS's default quota, 16 at most",
                    "SecurityGroupsPerInterfaceLimitExceeded");
  }
}

uint64_t Fnv1a(std::string_view text, uint64_t hash) {
  for (const char c : text) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return hash ^ hash >> 29;
}

}  // namespace

void ValidateInterfaces(Validation& v) {
  for (DraftedInterface& draft : v.draft.network_interfaces) {
    PlaceInterface(v, draft);
    CheckGroups(v, draft);
  }
}

void CompleteInterfaces(Validation& v) {
  const MacAddress router = v.draft.host ? v.draft.host->router_mac : Host().router_mac;
  std::set<std::pair<std::string, MacAddress>> macs;
  std::set<MacAddress> made;
  for (DraftedInterface& draft : v.draft.network_interfaces) {
    const std::optional<MacAddress>& mac = draft.value.mac;
    if (!mac) {
      continue;
    }
    made.insert(*mac);
    if (*mac == router) {
      v.issues.Error(draft.Member("MacAddress"), draft.value.id,
                     ToString(*mac) +
                         " is the router's: give the interface another, or change "
                         "Host.RouterMac",
                     "InvalidParameterValue");
    }
    if (!macs.emplace(draft.value.subnet_id, *mac).second) {
      v.issues.Error(draft.Member("MacAddress"), draft.value.id,
                     "another interface of the subnet has " + ToString(*mac),
                     "InvalidParameterValue");
    }
  }
  made.insert(router);
  std::map<std::string, std::string> default_groups;
  for (DraftedInterface& draft : v.draft.network_interfaces) {
    NetworkInterface& value = draft.value;
    if (!value.mac) {
      uint64_t seed = 0xcbf29ce484222325;
      MacAddress mac;
      do {  // from the id alone, so that adding another interface does not change it
        seed = Fnv1a(value.id, seed);
        mac.bytes = {0x02};
        for (size_t i = 1; i < mac.bytes.size(); ++i) {
          mac.bytes[i] = static_cast<uint8_t>(seed >> (8 * i));
        }
      } while (!made.insert(mac).second);
      value.mac = mac;
    }
    const bool asked =
        value.kind == InterfaceKind::kOrdinary || value.kind == InterfaceKind::kInterfaceEndpoint;
    if (asked && value.group_ids.empty()) {
      const auto [group, missing] = default_groups.try_emplace(value.vpc_id);
      if (missing) {
        group->second = v.DefaultGroupOf(value.vpc_id);
      }
      if (!group->second.empty()) {
        value.group_ids.push_back(group->second);
      }
    }
  }
}

}  // namespace sluice
