// NetworkInterfaces, Addresses.
#include <algorithm>

#include "control/intent/loaders.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";

InterfaceKind KindOf(std::string_view type, bool requester_managed) {
  if (type == "vpc_endpoint") {
    return InterfaceKind::kInterfaceEndpoint;
  }
  if (type == "nat_gateway" || type == "natGateway") {
    return InterfaceKind::kNatGateway;
  }
  for (const std::string_view ordinary :
       {"", "interface", "efa", "efa-only", "branch", "trunk", "lambda", "quicksight"}) {
    if (type == ordinary) {
      return InterfaceKind::kOrdinary;
    }
  }
  for (const std::string_view managed :
       {"transit_gateway", "load_balancer", "network_load_balancer", "gateway_load_balancer",
        "gateway_load_balancer_endpoint", "global_accelerator_managed"}) {
    if (type == managed) {
      return InterfaceKind::kRequesterManaged;
    }
  }
  return requester_managed ? InterfaceKind::kRequesterManaged : InterfaceKind::kOrdinary;
}

void SetPublic(ObjectReader& reader, PrivateAddress& address, Ipv4Address public_ip) {
  if (address.public_ip && *address.public_ip != public_ip) {
    reader.Error("Association",
                 "the address " + ToString(address.address) + " has two public addresses, " +
                     ToString(*address.public_ip) + " and " + ToString(public_ip),
                 kInvalidValue);
    return;
  }
  address.public_ip = public_ip;
}

std::optional<Ipv4Address> ReadAssociation(ObjectReader& reader) {
  std::optional<ObjectReader> association =
      reader.Object("Association", Shape::kInterfaceAssociation);
  return association ? association->Address("PublicIp") : std::nullopt;
}

void LoadAddresses(ObjectReader& reader, NetworkInterface& value) {
  const std::optional<Ipv4Address> primary = reader.Address("PrivateIpAddress");
  if (primary) {
    value.addresses.push_back({*primary, std::nullopt});
  }
  bool primary_seen = false;
  for (const JsonValue element : reader.List("PrivateIpAddresses")) {
    ObjectReader item = reader.Nested(element, Shape::kInterfaceAddress);
    const std::optional<Ipv4Address> address = item.Address("PrivateIpAddress");
    const bool is_primary = item.Bool("Primary", false);
    const std::optional<Ipv4Address> public_ip = ReadAssociation(item);
    if (!address) {
      if (!item.Has("PrivateIpAddress")) {
        item.Error({}, "PrivateIpAddress is missing", "MissingParameter");
      }
      continue;
    }
    if (is_primary && (primary_seen || (primary && *primary != *address))) {
      item.Error("PrivateIpAddress", "the interface has two primary addresses", kInvalidValue);
    }
    primary_seen = primary_seen || is_primary;
    auto known = std::find_if(value.addresses.begin(), value.addresses.end(),
                              [&](const PrivateAddress& a) { return a.address == *address; });
    if (known == value.addresses.end()) {
      known = value.addresses.insert(is_primary ? value.addresses.begin() : value.addresses.end(),
                                     {*address, std::nullopt});
    } else if (known != value.addresses.begin() || !primary) {
      item.Error("PrivateIpAddress", "the address is listed twice", kInvalidValue);
    }
    if (public_ip) {
      SetPublic(item, *known, *public_ip);
    }
  }
  const std::optional<Ipv4Address> public_ip = ReadAssociation(reader);
  if (public_ip && !value.addresses.empty()) {
    SetPublic(reader, value.addresses.front(), *public_ip);
  }
}

void LoadTracking(ObjectReader& reader, ConnectionTracking& tracking) {
  std::optional<ObjectReader> settings =
      reader.Object("ConnectionTrackingConfiguration", Shape::kConnectionTracking);
  if (!settings) {
    return;
  }
  const auto read = [&settings](std::string_view member, int64_t min, int64_t max,
                                uint32_t& seconds) {
    if (const std::optional<int64_t> value = settings->Integer(member, min, max)) {
      seconds = static_cast<uint32_t>(*value);
    }
  };
  read("TcpEstablishedTimeout", 60, 432000, tracking.tcp_established_seconds);
  read("UdpStreamTimeout", 60, 180, tracking.udp_stream_seconds);
  read("UdpTimeout", 30, 60, tracking.udp_seconds);
}

void LoadMac(ObjectReader& reader, NetworkInterface& value) {
  const std::string text = reader.String("MacAddress");
  if (text.empty()) {
    return;
  }
  value.mac = ParseMacAddress(text);
  if (!value.mac || value.mac->IsMulticast() || value.mac->ToUint64() == 0) {
    reader.Error("MacAddress", "\"" + text + "\" is not a unicast MAC address", kInvalidValue);
    value.mac.reset();
  }
}

}  // namespace

void LoadNetworkInterface(LoadContext& context, JsonValue object, std::string_view id) {
  DraftedInterface draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kNetworkInterface, id, &draft.broken);
  NetworkInterface& value = draft.value;
  value.id = id;
  value.json_path = object.Path();
  value.subnet_id = reader.RequiredString("SubnetId");
  value.vpc_id = reader.String("VpcId");
  value.owner_id = reader.String("OwnerId");
  draft.availability_zone = reader.String("AvailabilityZone");
  value.interface_type = reader.String("InterfaceType");
  value.kind = KindOf(value.interface_type, reader.Bool("RequesterManaged", false));
  value.source_dest_check = reader.Bool("SourceDestCheck", true);
  if (std::optional<ObjectReader> attachment =
          reader.Object("Attachment", Shape::kInterfaceAttachment)) {
    value.instance_id = attachment->String("InstanceId");
  }
  LoadMac(reader, value);
  LoadAddresses(reader, value);
  for (const JsonValue element : reader.List("Ipv4Prefixes")) {
    ObjectReader item = reader.Nested(element, Shape::kInterfacePrefix);
    if (const std::optional<Ipv4Prefix> prefix = item.Prefix("Ipv4Prefix", true)) {
      value.prefixes.push_back(*prefix);
    }
  }
  if (!reader.List("Ipv6Addresses").empty()) {
    WarnIpv6(context, object.Find("Ipv6Addresses"), id);
  }
  value.group_ids = reader.StringsOf("Groups", Shape::kGroupIdentifier, "GroupId");
  LoadTracking(reader, value.tracking);
  if (value.addresses.empty() && !draft.broken) {
    if (!reader.List("Ipv6Addresses").empty()) {
      context.draft.ignored_ids.emplace(id);
      return;
    }
    reader.Error({}, "PrivateIpAddress is missing", "MissingParameter");
  }
  context.draft.network_interfaces.push_back(std::move(draft));
}

void LoadAddress(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<ElasticAddress> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kAddress, id, &draft.broken);
  draft.value.json_path = object.Path();
  if (!reader.Has("PublicIp") && (reader.Has("CarrierIp") || reader.Has("CustomerOwnedIp"))) {
    context.issues.WarnOnce("carrier address", object, id,
                            "carrier and customer-owned addresses are not carried: ignored");
    return;
  }
  if (!reader.RequiredString("PublicIp").empty()) {
    draft.value.public_ip = reader.Address("PublicIp").value_or(Ipv4Address());
  }
  draft.value.allocation_id = reader.String("AllocationId");
  draft.value.network_interface_id = reader.String("NetworkInterfaceId");
  draft.value.private_ip = reader.Address("PrivateIpAddress");
  context.draft.addresses.push_back(std::move(draft));
}

}  // namespace sluice
