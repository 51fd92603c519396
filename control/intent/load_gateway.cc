// NatGateways, VpcEndpoints, VpcPeeringConnections.
#include <absl/strings/ascii.h>

#include <algorithm>

#include "control/intent/loaders.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";

void LoadNatAddress(LoadContext& context, ObjectReader& gateway, JsonValue element,
                    Drafted<NatGateway>& draft) {
  ObjectReader reader = gateway.Nested(element, Shape::kNatGatewayAddress);
  const std::string status = reader.String("Status");
  if (status == "failed" || status == "disassociating" || status == "unassigning") {
    context.issues.WarnOnce(
        "final NAT gateway address", element, gateway.object_id(),
        "a NAT gateway address that is " + status + ": ignored, and so is every other");
    return;
  }
  NatGatewayAddress address;
  // 0.0.0.0 stands for "not said": validation takes it from Addresses, the interface, or the
  // subnet.
  address.private_ip = reader.Address("PrivateIp").value_or(Ipv4Address());
  address.public_ip = reader.Address("PublicIp");
  address.allocation_id = reader.String("AllocationId");
  const std::string interface_id = reader.String("NetworkInterfaceId");
  if (draft.value.network_interface_id.empty()) {
    draft.value.network_interface_id = interface_id;
  } else if (!interface_id.empty() && interface_id != draft.value.network_interface_id) {
    reader.Error("NetworkInterfaceId",
                 "a NAT gateway has one interface; its first address says " +
                     draft.value.network_interface_id,
                 kInvalidValue);
  }
  if (reader.Bool("IsPrimary", false)) {
    draft.value.addresses.insert(draft.value.addresses.begin(), std::move(address));
  } else {
    draft.value.addresses.push_back(std::move(address));
  }
}

// The interfaces an ignored gateway names, read without checks: the object is never checked.
void RememberOrphans(LoadContext& context, JsonValue gateway) {
  const JsonValue addresses = gateway.Find("NatGatewayAddresses");
  for (JsonValue a = addresses.IsArray() ? addresses.FirstChild() : JsonValue(); a.exists();
       a = a.NextSibling()) {
    const JsonValue id = a.Find("NetworkInterfaceId");
    if (id.exists() && id.kind() == JsonKind::kString) {
      context.draft.orphan_interface_ids.emplace_back(id.AsString());
    }
  }
}

VpcPeering ReadPeering(ObjectReader& reader, std::string_view id) {
  VpcPeering value;
  value.id = id;
  const auto read_side = [&reader](std::string_view member, std::string& vpc_id,
                                   std::vector<Ipv4Prefix>& cidrs) {
    std::optional<ObjectReader> side = reader.Object(member, Shape::kPeeringVpc);
    if (!side) {
      return;
    }
    vpc_id = side->String("VpcId");
    if (const std::optional<Ipv4Prefix> cidr = side->Prefix("CidrBlock")) {
      cidrs.push_back(*cidr);
    }
    for (const JsonValue element : side->List("CidrBlockSet")) {
      const std::optional<Ipv4Prefix> cidr =
          side->Nested(element, Shape::kCidrBlock).Prefix("CidrBlock");
      if (cidr && (cidrs.empty() || cidrs.front() != *cidr)) {
        cidrs.push_back(*cidr);
      }
    }
  };
  read_side("RequesterVpcInfo", value.requester_vpc_id, value.requester_cidrs);
  read_side("AccepterVpcInfo", value.accepter_vpc_id, value.accepter_cidrs);
  return value;
}

// The two accounts' views of one peering: what one leaves out the other says.
void UnitePeering(LoadContext& context, Drafted<VpcPeering>& first, const VpcPeering& second,
                  JsonValue where) {
  const auto unite = [&](auto& mine, const auto& theirs, std::string_view what) {
    if (mine.empty()) {
      mine = theirs;
    } else if (!theirs.empty() && mine != theirs) {
      context.issues.Error(where, first.value.id,
                           "the two views of the peering disagree on its " + std::string(what) +
                               "; the other is at " + first.value.json_path);
    }
  };
  unite(first.value.requester_vpc_id, second.requester_vpc_id, "requester");
  unite(first.value.accepter_vpc_id, second.accepter_vpc_id, "accepter");
  unite(first.value.requester_cidrs, second.requester_cidrs, "requester's CIDRs");
  unite(first.value.accepter_cidrs, second.accepter_cidrs, "accepter's CIDRs");
}

// Whether a policy is AWS's default in effect: all actions on all resources for everybody.
bool AllowsEverything(std::string policy) {
  policy.erase(
      std::remove_if(policy.begin(), policy.end(),
                     [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }),
      policy.end());
  const auto says = [&](std::string_view words) { return policy.find(words) != std::string::npos; };
  return !says("\"Deny\"") && !says("\"Condition\"") && says("\"Action\":\"*\"") &&
         says("\"Resource\":\"*\"") && says("\"Principal\":\"*\"");
}

// AWS-EP-03: a policy's length is a quota; what it says is about requests, which no packet shows.
void CheckEndpointPolicy(LoadContext& context, ObjectReader& reader, JsonValue object,
                         std::string_view id) {
  constexpr size_t kPolicyQuota = 20480;
  const std::string policy = reader.String("PolicyDocument");
  if (policy.empty()) {
    return;
  }
  // Characters of UTF-8: bytes that do not continue one.
  const auto characters =
      static_cast<size_t>(std::count_if(policy.begin(), policy.end(), [](char c) {
        return (static_cast<uint8_t>(c) & 0xc0) != 0x80;
      }));
  const JsonValue where = object.Find("PolicyDocument");
  if (characters > kPolicyQuota) {
    context.Quota(where, id, "a policy of more than 20480 characters: AWS's quota",
                  "InvalidPolicyDocument");
  }
  if (!AllowsEverything(policy)) {
    context.issues.WarnOnce(
        "endpoint policy", where, id,
        "endpoint policies judge requests, not packets, and are not enforced here: say with "
        "routes, security groups and network ACLs who may reach the service");
  }
}

}  // namespace

void LoadNatGateway(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<NatGateway> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kNatGateway, id, &draft.broken);
  if (IsIgnoredState(context, object, id, "NAT gateway", reader.String("State"),
                     "deleted deleting failed")) {
    RememberOrphans(context, object);
    return;
  }
  if (reader.String("AvailabilityMode") == "regional") {
    context.issues.WarnOnce(
        "regional NAT gateway", object, id,
        "regional NAT gateways are not carried: ignored; a route to one is a blackhole");
    context.draft.ignored_ids.emplace(id);
    RememberOrphans(context, object);
    return;
  }
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.vpc_id = reader.String("VpcId");
  draft.value.subnet_id = reader.RequiredString("SubnetId");
  const std::string type = reader.String("ConnectivityType");
  draft.value.is_public = type != "private";
  if (!type.empty() && type != "private" && type != "public") {
    reader.Error("ConnectivityType", "\"" + type + "\" is neither public nor private",
                 kInvalidValue);
  }
  for (const JsonValue element : reader.List("NatGatewayAddresses")) {
    LoadNatAddress(context, reader, element, draft);
  }
  context.draft.nat_gateways.push_back(std::move(draft));
}

void LoadVpcEndpoint(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<VpcEndpoint> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kVpcEndpoint, id, &draft.broken);
  if (IsIgnoredState(context, object, id, "VPC endpoint", reader.String("State"),
                     "deleted deleting rejected failed expired")) {
    return;
  }
  const std::string type = reader.String("VpcEndpointType");
  draft.value.is_gateway = type.empty() || type == "Gateway";
  if (!draft.value.is_gateway && type != "Interface") {
    context.issues.WarnOnce(
        "endpoint type " + type, object, id,
        "endpoints of type " + type + " are not carried: ignored; a route to one is a blackhole");
    context.draft.ignored_ids.emplace(id);
    return;
  }
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.vpc_id = reader.RequiredString("VpcId");
  draft.value.service_name = reader.String("ServiceName");
  CheckEndpointPolicy(context, reader, object, id);
  std::vector<std::string> route_tables = reader.Strings("RouteTableIds");
  std::vector<std::string> subnets = reader.Strings("SubnetIds");
  std::vector<std::string> groups = reader.StringsOf("Groups", Shape::kGroupIdentifier, "GroupId");
  std::vector<std::string> interfaces = reader.Strings("NetworkInterfaceIds");
  if (draft.value.is_gateway) {
    draft.value.route_table_ids = std::move(route_tables);
  } else {
    draft.value.subnet_ids = std::move(subnets);
    draft.value.group_ids = std::move(groups);
    draft.value.network_interface_ids = std::move(interfaces);
  }
  context.draft.vpc_endpoints.push_back(std::move(draft));
}

void LoadVpcPeering(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<VpcPeering> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kVpcPeering, id, &draft.broken);
  if (std::optional<ObjectReader> status = reader.Object("Status", Shape::kPeeringStatus)) {
    const std::string code = status->String("Code");
    if (code != "active" && !code.empty()) {
      IsIgnoredState(context, object, id, "VPC peering", code, code);
      return;
    }
  }
  draft.value = ReadPeering(reader, id);
  draft.value.json_path = object.Path();
  for (Drafted<VpcPeering>& other : context.draft.vpc_peerings) {
    if (other.value.id == id) {
      UnitePeering(context, other, draft.value, object);
      return;
    }
  }
  context.draft.vpc_peerings.push_back(std::move(draft));
}

bool IsIgnoredState(LoadContext& context, JsonValue object, std::string_view id,
                    std::string_view kind, std::string_view state, std::string_view final_states) {
  const std::string lower = absl::AsciiStrToLower(absl::string_view(state.data(), state.size()));
  if (lower.empty()) {
    return false;
  }
  const std::string words = " " + std::string(final_states) + " ";
  if (words.find(" " + lower + " ") == std::string::npos) {
    return false;
  }
  context.draft.ignored_ids.emplace(id);
  context.issues.WarnOnce("final " + std::string(kind), object, id,
                          "this " + std::string(kind) + " is " + lower +
                              ": ignored, and so is every other in a final state");
  return true;
}

void WarnIpv6(LoadContext& context, JsonValue where, std::string_view id) {
  context.issues.WarnOnce("ipv6", where, id,
                          "IPv6 is not carried: its CIDRs, routes, rules and gateways are ignored");
}

}  // namespace sluice
