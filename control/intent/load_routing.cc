// RouteTables, InternetGateways, EgressOnlyInternetGateways.
#include <array>

#include "control/intent/loaders.h"

namespace sluice {
namespace {

struct TargetMember {
  std::string_view name;
  RouteTargetKind kind;
};

// GatewayId is sorted out by validation: it may name an internet gateway, an endpoint, or a kind
// not carried here.
constexpr std::array<TargetMember, 11> kTargetMembers = {{
    {"NatGatewayId", RouteTargetKind::kNatGateway},
    {"NetworkInterfaceId", RouteTargetKind::kNetworkInterface},
    {"VpcPeeringConnectionId", RouteTargetKind::kPeering},
    {"GatewayId", RouteTargetKind::kInternetGateway},
    {"InstanceId", RouteTargetKind::kNetworkInterface},
    {"TransitGatewayId", RouteTargetKind::kUnsupported},
    {"EgressOnlyInternetGatewayId", RouteTargetKind::kUnsupported},
    {"LocalGatewayId", RouteTargetKind::kUnsupported},
    {"CarrierGatewayId", RouteTargetKind::kUnsupported},
    {"CoreNetworkArn", RouteTargetKind::kUnsupported},
    {"OdbNetworkArn", RouteTargetKind::kUnsupported},
}};

// An instance stands beside its interface in AWS's output; any other pair of targets is refused.
bool ReadTarget(ObjectReader& route, RouteTarget& target) {
  bool found = false;
  for (const TargetMember& member : kTargetMembers) {
    const std::string id = route.String(member.name);
    if (id.empty()) {
      continue;
    }
    if (found) {
      if (member.name == "InstanceId" && target.kind == RouteTargetKind::kNetworkInterface) {
        continue;
      }
      route.Error(member.name, "the route has more than one target", "InvalidParameterCombination");
      return false;
    }
    found = true;
    target = {member.kind, id};
    if (member.name == "GatewayId" && id == "local") {
      target = {RouteTargetKind::kLocal, ""};
    }
  }
  if (!found) {
    route.Error({}, "the route has no target", "MissingParameter");
  }
  return found;
}

void LoadRoute(LoadContext& context, ObjectReader& table, JsonValue element,
               DraftedRouteTable& draft) {
  ObjectReader reader = table.Nested(element, Shape::kRoute);
  if (!element.IsObject()) {
    return;
  }
  if (reader.Has("DestinationIpv6CidrBlock")) {
    WarnIpv6(context, element, table.object_id());
    return;
  }
  Route route;
  route.destination = reader.Prefix("DestinationCidrBlock");
  route.prefix_list_id = reader.String("DestinationPrefixListId");
  if (!reader.Has("DestinationCidrBlock") && route.prefix_list_id.empty()) {
    reader.Error({}, "the route has no destination", "MissingParameter");
    return;
  }
  if (reader.Has("DestinationCidrBlock") && !route.prefix_list_id.empty()) {
    reader.Error({}, "the route has two destinations", "InvalidParameterCombination");
    return;
  }
  const std::string origin = reader.String("Origin");
  route.propagated = origin == "EnableVgwRoutePropagation";
  route.blackhole = reader.String("State") == "blackhole";
  const bool has_target = ReadTarget(reader, route.target);
  if (has_target && (route.destination || !route.prefix_list_id.empty())) {
    draft.value.routes.push_back(std::move(route));
    draft.route_origins.push_back(element);
  }
}

void LoadAssociation(LoadContext& context, ObjectReader& table, JsonValue element,
                     DraftedRouteTable& draft) {
  ObjectReader reader = table.Nested(element, Shape::kRouteTableAssociation);
  if (std::optional<ObjectReader> state =
          reader.Object("AssociationState", Shape::kAssociationState)) {
    const std::string word = state->String("State");
    if (word == "disassociated" || word == "disassociating" || word == "failed") {
      context.issues.WarnOnce(
          "final route table association", element, table.object_id(),
          "a route table association that is " + word + ": ignored, and so is every other");
      return;
    }
  }
  const bool main = reader.Bool("Main", false);
  const std::string subnet_id = reader.String("SubnetId");
  const std::string gateway_id = reader.String("GatewayId");
  draft.value.main = draft.value.main || main;
  if (!subnet_id.empty()) {
    draft.value.subnet_ids.push_back(subnet_id);
  }
  if (!gateway_id.empty()) {
    if (!draft.value.gateway_id.empty() && draft.value.gateway_id != gateway_id) {
      reader.Error("GatewayId",
                   "one table serves one gateway here; it already serves " + draft.value.gateway_id,
                   "InvalidParameterValue");
    }
    draft.value.gateway_id = gateway_id;
  }
  if (!main && subnet_id.empty() && gateway_id.empty()) {
    reader.Error({}, "the association names neither Main nor a subnet nor a gateway",
                 "MissingParameter");
  }
}

bool IsAttached(std::string_view state) {
  return state.empty() || state == "available" || state == "attached" || state == "attaching";
}

}  // namespace

void LoadRouteTable(LoadContext& context, JsonValue object, std::string_view id) {
  DraftedRouteTable draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kRouteTable, id, &draft.broken);
  draft.value.id = id;
  draft.value.json_path = object.Path();
  draft.value.vpc_id = reader.RequiredString("VpcId");
  for (const JsonValue element : reader.List("Associations")) {
    LoadAssociation(context, reader, element, draft);
  }
  for (const JsonValue element : reader.List("Routes")) {
    LoadRoute(context, reader, element, draft);
  }
  context.draft.route_tables.push_back(std::move(draft));
}

void LoadInternetGateway(LoadContext& context, JsonValue object, std::string_view id) {
  Drafted<InternetGateway> draft;
  draft.origin = object;
  ObjectReader reader(&context, object, Shape::kInternetGateway, id, &draft.broken);
  draft.value.id = id;
  draft.value.json_path = object.Path();
  for (const JsonValue element : reader.List("Attachments")) {
    ObjectReader attachment = reader.Nested(element, Shape::kGatewayAttachment);
    const std::string vpc_id = attachment.RequiredString("VpcId");
    if (!IsAttached(attachment.String("State"))) {
      continue;
    }
    if (!draft.value.vpc_id.empty() && draft.value.vpc_id != vpc_id) {
      attachment.Error("VpcId", "the gateway is attached to " + draft.value.vpc_id + " already",
                       "Resource.AlreadyAssociated");
    } else {
      draft.value.vpc_id = vpc_id;
    }
  }
  context.draft.internet_gateways.push_back(std::move(draft));
}

void LoadEgressOnlyInternetGateway(LoadContext& context, JsonValue object, std::string_view id) {
  bool broken = false;
  ObjectReader reader(&context, object, Shape::kEgressOnlyInternetGateway, id, &broken);
  for (const JsonValue element : reader.List("Attachments")) {
    reader.Nested(element, Shape::kGatewayAttachment).RequiredString("VpcId");
  }
  WarnIpv6(context, object, id);
  context.draft.ignored_ids.emplace(id);
}

}  // namespace sluice
