// Vpcs, Subnets, DhcpOptions.
#include <algorithm>

#include "control/intent/loaders.h"

namespace sluice {
namespace {

void AddSecondaryCidr(LoadContext& context, ObjectReader& vpc, JsonValue element, Vpc& value) {
  ObjectReader association = vpc.Nested(element, Shape::kVpcCidrAssociation);
  std::string state = "associated";
  if (std::optional<ObjectReader> cidr_state =
          association.Object("CidrBlockState", Shape::kCidrState)) {
    state = cidr_state->String("State");
  }
  const std::optional<Ipv4Prefix> cidr = association.Prefix("CidrBlock");
  if (state != "associated" && !state.empty()) {
    if (cidr) {
      context.draft.former_cidrs.emplace(value.id, *cidr);
    }
    context.issues.WarnOnce(
        "final CIDR association", element, vpc.object_id(),
        "a CIDR association that is " + state + ", not associated: ignored, and so is every other");
    return;
  }
  if (cidr && std::find(value.cidrs.begin(), value.cidrs.end(), *cidr) == value.cidrs.end()) {
    value.cidrs.push_back(*cidr);
  }
}

}  // namespace

void LoadVpc(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<Vpc> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kVpc, id, &draft.broken);
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.owner_id = reader.String("OwnerId");
  draft.value.dhcp_options_id = reader.String("DhcpOptionsId");
  const std::string written = reader.RequiredString("CidrBlock");
  if (!written.empty()) {
    if (const std::optional<Ipv4Prefix> cidr = reader.Prefix("CidrBlock")) {
      draft.value.cidrs.push_back(*cidr);
    }
  }
  for (const JsonValue element : reader.List("CidrBlockAssociationSet")) {
    AddSecondaryCidr(context, reader, element, draft.value);
  }
  if (!reader.List("Ipv6CidrBlockAssociationSet").empty()) {
    WarnIpv6(context, object.Find("Ipv6CidrBlockAssociationSet"), id);
  }
  context.draft.vpcs.push_back(std::move(draft));
}

void LoadSubnet(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<Subnet> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kSubnet, id, &draft.broken);
  if (reader.Bool("Ipv6Native", false) && !reader.Has("CidrBlock")) {
    WarnIpv6(context, object, id);
    context.draft.ignored_ids.emplace(id);
    return;
  }
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.vpc_id = reader.RequiredString("VpcId");
  draft.value.owner_id = reader.String("OwnerId");
  draft.value.availability_zone = reader.String("AvailabilityZone");
  draft.value.availability_zone_id = reader.String("AvailabilityZoneId");
  if (!reader.RequiredString("CidrBlock").empty()) {
    draft.value.cidr = reader.Prefix("CidrBlock").value_or(Ipv4Prefix{});
  }
  for (const JsonValue element : reader.List("Ipv6CidrBlockAssociationSet")) {
    WarnIpv6(context, element, id);
  }
  context.draft.subnets.push_back(std::move(draft));
}

void LoadDhcpOptions(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<DhcpOptions> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kDhcpOptions, id, &draft.broken);
  draft.value.id = id;
  draft.value.json_path = object.Path();
  for (const JsonValue element : reader.List("DhcpConfigurations")) {
    ObjectReader configuration = reader.Nested(element, Shape::kDhcpConfiguration);
    const std::string key = configuration.RequiredString("Key");
    for (const JsonValue item : configuration.List("Values")) {
      ObjectReader value = configuration.Nested(item, Shape::kAttributeValue);
      const std::string text = value.RequiredString("Value");
      const bool is_address = ParseIpv4Address(text).has_value();
      if (key == "domain-name") {
        draft.value.domain_name = text;
      } else if (key == "domain-name-servers") {
        if (is_address || text == "AmazonProvidedDNS") {
          draft.value.domain_name_servers.push_back(text);
        } else if (text.find(':') != std::string::npos) {
          WarnIpv6(context, item, id);
        } else {
          value.Error("Value", "\"" + text + "\" is neither an address nor AmazonProvidedDNS",
                      "InvalidParameterValue");
        }
      } else if (key == "ntp-servers") {
        if (is_address) {
          draft.value.ntp_servers.push_back(*ParseIpv4Address(text));
        } else if (text.find(':') != std::string::npos) {
          WarnIpv6(context, item, id);
        } else {
          value.Error("Value", "\"" + text + "\" is not an address", "InvalidParameterValue");
        }
      }
    }
  }
  context.draft.dhcp_options.push_back(std::move(draft));
}

}  // namespace sluice
