// Route tables: targets resolved (AWS-RT-09), local and endpoint routes completed (AWS-ADDR-06,
// AWS-EP-01), and what a route may not be: AWS-RT-05, -06, -11, AWS-ADDR-04, AWS-IGW-01.
#include <algorithm>
#include <map>

#include "control/intent/validation.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";
constexpr size_t kTableQuota = 200;
constexpr size_t kRouteQuota = 50;
constexpr Ipv4Prefix kLinkLocalServices{Ipv4Address(169, 254, 168, 0), 22};

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// "vgw-1" -> "vgw-": how messages name a kind that is not carried.
std::string TypeOf(std::string_view id) {
  const size_t dash = id.find('-');
  if (StartsWith(id, "arn:")) {
    return "core network";
  }
  return dash == std::string_view::npos ? std::string(id) : std::string(id.substr(0, dash + 1));
}

class TableValidator {
 public:
  TableValidator(Validation& v, DraftedRouteTable& table, const Vpc& vpc,
                 const std::vector<const Subnet*>& subnets)
      : v_(v), table_(table), vpc_(vpc), subnets_(subnets) {}

  void Run() {
    const bool edge = !table_.value.gateway_id.empty();
    ForgetFormerLocalRoutes();
    std::vector<Route>& routes = table_.value.routes;
    for (size_t i = 0; i < routes.size(); ++i) {
      where_ = table_.route_origins[i];
      ResolveTarget(routes[i]);
      if (routes[i].destination) {
        CheckDestination(routes[i], edge);
      } else {
        CheckListRoute(routes[i], edge);
      }
    }
    AddLocalRoutes();
    UniteDuplicates();
    const size_t counted = static_cast<size_t>(
        std::count_if(routes.begin(), routes.end(), [](const Route& r) { return !r.propagated; }));
    if (counted > kRouteQuota) {
      v_.context.Quota(table_.Member("Routes"), table_.value.id,
                       "more than 50 routes: AWS's default quota", "RouteLimitExceeded");
    }
  }

 private:
  void Error(std::string what, std::string_view code = kInvalidValue) {
    v_.issues.Error(where_, table_.value.id, std::move(what), code);
  }
  void Blackhole(Route& route, std::string why) {
    route.blackhole = true;
    v_.issues.Warning(where_, table_.value.id, why + ": the route is a blackhole");
  }
  static std::string Destination(const Route& route) {
    return route.destination ? ToString(*route.destination) : route.prefix_list_id;
  }

  void ResolveTarget(Route& route) {
    switch (route.target.kind) {
      case RouteTargetKind::kLocal:
      case RouteTargetKind::kGatewayEndpoint:
        return;
      case RouteTargetKind::kUnsupported:
        return Unsupported(route);
      case RouteTargetKind::kInternetGateway:
        return ResolveGateway(route);
      case RouteTargetKind::kNatGateway:
        return ResolveIn(route, v_.nat_gateways.Find(route.target.id), "NAT gateway");
      case RouteTargetKind::kNetworkInterface:
        ResolveInstance(route);
        return ResolveIn(route, v_.network_interfaces.Find(route.target.id), "network interface");
      case RouteTargetKind::kPeering:
        return ResolvePeering(route);
    }
  }

  void Unsupported(Route& route) {
    route.target.kind = RouteTargetKind::kUnsupported;
    Blackhole(route, "targets of type " + TypeOf(route.target.id) + " (" + route.target.id +
                         ") are not carried");
  }

  void ResolveGateway(Route& route) {
    const std::string& id = route.target.id;
    if (const auto* igw = v_.internet_gateways.Find(id)) {
      if (igw->value.vpc_id != table_.value.vpc_id) {
        Blackhole(route, id + (igw->value.vpc_id.empty() ? " is attached to no VPC"
                                                         : " is attached to another VPC"));
      }
      return;
    }
    if (const auto* endpoint = v_.vpc_endpoints.Find(id)) {
      if (!endpoint->value.is_gateway) {
        Error(id + " is an interface endpoint: no route leads to it");
      } else if (endpoint->value.vpc_id != table_.value.vpc_id) {
        Error(id + " belongs to " + endpoint->value.vpc_id);
      } else if (route.prefix_list_id.empty()) {
        Error("a route to a gateway endpoint has a prefix list as destination");
      }
      route.target.kind = RouteTargetKind::kGatewayEndpoint;
      return;
    }
    if (StartsWith(id, "vpce-") && !route.prefix_list_id.empty()) {
      route.target.kind = RouteTargetKind::kGatewayEndpoint;
      Blackhole(route, "there is no VPC endpoint " + id);
    } else if (StartsWith(id, "igw-") || TypeOf(id) == id) {
      Blackhole(route, "there is no internet gateway " + id);
    } else if (StartsWith(id, "vpce-") || StartsWith(id, "vgw-") || StartsWith(id, "lgw-") ||
               StartsWith(id, "cagw-") || StartsWith(id, "tgw-") || StartsWith(id, "eigw-")) {
      Unsupported(route);
    } else {
      Blackhole(route, "there is no gateway " + id);
    }
  }

  template <class D>
  void ResolveIn(Route& route, const D* target, std::string_view noun) {
    if (target == nullptr) {
      Blackhole(route, "there is no " + std::string(noun) + " " + route.target.id);
    } else if (target->value.vpc_id != table_.value.vpc_id && !target->value.vpc_id.empty()) {
      Error(route.target.id + " belongs to " + target->value.vpc_id + ", the table to " +
            table_.value.vpc_id);
    }
  }

  // A route to an instance alone means its interface, when it has just one.
  void ResolveInstance(Route& route) {
    if (v_.network_interfaces.Find(route.target.id) != nullptr) {
      return;
    }
    const DraftedInterface* found = nullptr;
    for (const DraftedInterface& eni : v_.draft.network_interfaces) {
      if (eni.value.instance_id == route.target.id) {
        if (found != nullptr) {
          Error(route.target.id + " has several interfaces: name one", "InvalidInstanceID");
          return;
        }
        found = &eni;
      }
    }
    if (found != nullptr) {
      route.target.id = found->value.id;
    }
  }

  void ResolvePeering(Route& route) {
    const Drafted<VpcPeering>* peering = v_.vpc_peerings.Find(route.target.id);
    if (peering == nullptr) {
      return Blackhole(route, "there is no active peering " + route.target.id);
    }
    if (peering->value.requester_vpc_id != table_.value.vpc_id &&
        peering->value.accepter_vpc_id != table_.value.vpc_id) {
      Error(route.target.id + " does not join " + table_.value.vpc_id);
    }
  }

  bool IsVpcCidr(const Ipv4Prefix& cidr) const {
    return std::find(vpc_.cidrs.begin(), vpc_.cidrs.end(), cidr) != vpc_.cidrs.end();
  }
  bool IsSubnetCidr(const Ipv4Prefix& cidr) const {
    return std::any_of(subnets_.begin(), subnets_.end(),
                       [&](const Subnet* subnet) { return subnet->cidr == cidr; });
  }
  bool InVpc(const Ipv4Prefix& cidr) const {
    return std::any_of(vpc_.cidrs.begin(), vpc_.cidrs.end(),
                       [&](const Ipv4Prefix& block) { return block.Contains(cidr); });
  }
  // What may replace or refine a local route: AWS-RT-03, AWS-RT-05. A load balancer's endpoint
  // ("vpce-") is allowed there and not carried here.
  static bool IsMiddlebox(const Route& route, bool edge) {
    return route.target.kind == RouteTargetKind::kNetworkInterface ||
           (route.target.kind == RouteTargetKind::kNatGateway && !edge) ||
           StartsWith(route.target.id, "vpce-");
  }

  void CheckDestination(const Route& route, bool edge) {
    const Ipv4Prefix& destination = *route.destination;
    const std::string text = ToString(destination);
    const bool local = route.target.kind == RouteTargetKind::kLocal;
    if (kLinkLocalServices.Contains(destination)) {
      return Error(text + " lies in 169.254.168.0/22, which no route may name");
    }
    if (edge) {
      return CheckEdgeRoute(route);
    }
    if (local && !IsVpcCidr(destination)) {
      return Error("a local route's destination is a CIDR of the VPC; " + text + " is none");
    }
    if (local || !InVpc(destination)) {
      return;
    }
    if (!IsMiddlebox(route, edge)) {
      return Error("the destination " + text +
                   " is equal to or more specific than a CIDR of the VPC: only a NAT gateway, a "
                   "network interface or a load balancer's endpoint may be the target");
    }
    if (!IsVpcCidr(destination) && !IsSubnetCidr(destination)) {
      Error("the destination " + text +
            " is more specific than a local route and is not the whole CIDR of a subnet");
    }
  }

  void CheckEdgeRoute(const Route& route) {
    const Ipv4Prefix& destination = *route.destination;
    if (!IsVpcCidr(destination) && !IsSubnetCidr(destination)) {
      Error("a gateway route table leads only to a whole CIDR of the VPC or of a subnet, not to " +
            ToString(destination));
    }
    if (route.propagated) {
      Error("a gateway route table takes no propagated routes");
    }
    if (route.target.kind == RouteTargetKind::kLocal) {
      return;
    }
    if (!IsMiddlebox(route, true)) {
      return Error(
          "a gateway route table's targets are local, network interfaces and load "
          "balancers' endpoints");
    }
    const DraftedInterface* eni = v_.network_interfaces.Find(route.target.id);
    if (eni != nullptr && !eni->value.addresses.empty() && !eni->value.addresses[0].public_ip) {
      v_.issues.Warning(where_, table_.value.id,
                        route.target.id +
                            " has no public address; AWS asks for one on the target "
                            "of a gateway route table");
    }
  }

  void CheckListRoute(Route& route, bool edge) {
    if (edge) {
      return Error("a gateway route table has no prefix-list routes");
    }
    if (route.target.kind == RouteTargetKind::kLocal) {
      return Error("a local route's destination is a CIDR of the VPC");
    }
    if (v_.prefix_lists.Find(route.prefix_list_id) == nullptr) {
      v_.issues.Warning(
          where_, table_.value.id,
          "there is no prefix list " + route.prefix_list_id + ": the route matches nothing");
    }
  }

  // A local route may outlive the association of its CIDR in a listing; it goes with it.
  void ForgetFormerLocalRoutes() {
    std::vector<Route> kept;
    std::vector<JsonValue> kept_origins;
    for (size_t i = 0; i < table_.value.routes.size(); ++i) {
      Route& route = table_.value.routes[i];
      if (route.target.kind == RouteTargetKind::kLocal && route.destination &&
          !IsVpcCidr(*route.destination) &&
          v_.draft.former_cidrs.count({vpc_.id, *route.destination}) != 0) {
        v_.issues.WarnOnce("former local route", table_.route_origins[i], table_.value.id,
                           "a local route to " + ToString(*route.destination) +
                               ", which is not associated with the VPC any more: ignored, and so "
                               "is every other");
        continue;
      }
      kept.push_back(std::move(route));
      kept_origins.push_back(table_.route_origins[i]);
    }
    table_.value.routes = std::move(kept);
    table_.route_origins = std::move(kept_origins);
  }

  void AddLocalRoutes() {
    std::vector<Route> locals;
    for (const Ipv4Prefix& cidr : vpc_.cidrs) {
      const bool listed = std::any_of(
          table_.value.routes.begin(), table_.value.routes.end(),
          [&](const Route& route) { return route.destination && *route.destination == cidr; });
      if (!listed) {
        Route local;
        local.destination = cidr;
        locals.push_back(std::move(local));
      }
    }
    table_.value.routes.insert(table_.value.routes.begin(), locals.begin(), locals.end());
    table_.route_origins.insert(table_.route_origins.begin(), locals.size(), JsonValue());
  }

  // One route a destination: the static one beats the propagated one (AWS-RT-07).
  void UniteDuplicates() {
    std::map<std::string, size_t> first;
    std::vector<Route> kept;
    for (size_t i = 0; i < table_.value.routes.size(); ++i) {
      Route& route = table_.value.routes[i];
      const auto [entry, inserted] = first.try_emplace(Destination(route), kept.size());
      if (inserted) {
        kept.push_back(std::move(route));
        continue;
      }
      Route& other = kept[entry->second];
      where_ = table_.route_origins[i];
      if (route.propagated != other.propagated) {
        v_.issues.Warning(
            where_, table_.value.id,
            "the static route to " + Destination(route) + " hides the propagated one");
        if (other.propagated) {
          other = std::move(route);
        }
      } else if (route.target != other.target) {
        Error("there is another route to " + Destination(route), "RouteAlreadyExists");
      } else {
        other.blackhole = other.blackhole || route.blackhole;
      }
    }
    table_.value.routes = std::move(kept);
  }

  Validation& v_;
  DraftedRouteTable& table_;
  const Vpc& vpc_;
  const std::vector<const Subnet*>& subnets_;
  JsonValue where_;
};

// A gateway endpoint's route comes from the table, from RouteTableIds, or both (AWS-EP-01).
void AddEndpointRoutes(Validation& v) {
  for (const DraftedRouteTable& table : v.draft.route_tables) {
    for (const Route& route : table.value.routes) {
      Drafted<VpcEndpoint>* endpoint = v.vpc_endpoints.Find(route.target.id);
      if (endpoint == nullptr || !endpoint->value.is_gateway || route.prefix_list_id.empty()) {
        continue;
      }
      if (endpoint->value.prefix_list_id.empty()) {
        endpoint->value.prefix_list_id = route.prefix_list_id;
      }
      endpoint->value.route_table_ids.push_back(table.value.id);
    }
  }
  for (Drafted<VpcEndpoint>& endpoint : v.draft.vpc_endpoints) {
    std::vector<std::string>& tables = endpoint.value.route_table_ids;
    std::sort(tables.begin(), tables.end());
    tables.erase(std::unique(tables.begin(), tables.end()), tables.end());
    if (!tables.empty() && endpoint.value.prefix_list_id.empty()) {
      v.issues.Warning(endpoint.Member("ServiceName"), endpoint.value.id,
                       "no prefix list is named " + endpoint.value.service_name +
                           ": the endpoint's routes match nothing");
    }
    for (const std::string& table_id : tables) {
      DraftedRouteTable* table = v.route_tables.Find(table_id);
      if (table == nullptr || table->value.vpc_id != endpoint.value.vpc_id) {
        v.issues.Error(endpoint.Member("RouteTableIds"), endpoint.value.id,
                       "there is no route table " + table_id + " in " + endpoint.value.vpc_id,
                       "InvalidRouteTableID.NotFound");
        continue;
      }
      if (endpoint.value.prefix_list_id.empty()) {
        continue;
      }
      Route route;
      route.prefix_list_id = endpoint.value.prefix_list_id;
      route.target = {RouteTargetKind::kGatewayEndpoint, endpoint.value.id};
      const bool listed = std::any_of(table->value.routes.begin(), table->value.routes.end(),
                                      [&](const Route& other) {
                                        return other.prefix_list_id == route.prefix_list_id &&
                                               other.target.id == route.target.id;
                                      });
      if (!listed) {
        table->value.routes.push_back(std::move(route));
        table->route_origins.push_back(endpoint.Member("RouteTableIds"));
      }
    }
  }
}

void ValidateGateways(Validation& v) {
  std::map<std::string, std::string> gateway_of;
  for (const Drafted<InternetGateway>& igw : v.draft.internet_gateways) {
    if (igw.value.vpc_id.empty()) {
      continue;
    }
    v.RequireVpc(igw);
    const auto [first, inserted] = gateway_of.try_emplace(igw.value.vpc_id, igw.value.id);
    if (!inserted) {
      v.issues.Error(igw.Member("Attachments"), igw.value.id,
                     igw.value.vpc_id + " has an internet gateway already: " + first->second,
                     "Resource.AlreadyAssociated");
    }
  }
  for (const DraftedRouteTable& table : v.draft.route_tables) {
    const std::string& id = table.value.gateway_id;
    const Drafted<InternetGateway>* igw = v.internet_gateways.Find(id);
    if (id.empty() || (igw != nullptr && igw->value.vpc_id == table.value.vpc_id)) {
      continue;
    }
    if (StartsWith(id, "vgw-")) {
      v.issues.Warning(table.Member("Associations"), table.value.id,
                       "gateways of type vgw- are not carried: the association has no effect");
    } else {
      v.issues.Error(table.Member("Associations"), table.value.id,
                     "no internet gateway " + id + " is attached to " + table.value.vpc_id,
                     "InvalidGatewayID.NotFound");
    }
  }
}

}  // namespace

void ValidateRouting(Validation& v) {
  ValidateGateways(v);
  AddEndpointRoutes(v);
  std::map<std::string, std::vector<const Subnet*>> subnets_of;
  for (const Drafted<Subnet>& subnet : v.draft.subnets) {
    subnets_of[subnet.value.vpc_id].push_back(&subnet.value);
  }
  std::map<std::string, size_t> tables_of;
  std::map<std::string, std::string> table_of_gateway;
  for (DraftedRouteTable& table : v.draft.route_tables) {
    const Drafted<Vpc>* vpc = v.vpcs.Find(table.value.vpc_id);
    if (vpc == nullptr || vpc->broken) {
      continue;
    }
    TableValidator(v, table, vpc->value, subnets_of[table.value.vpc_id]).Run();
    if (++tables_of[table.value.vpc_id] == kTableQuota + 1) {
      v.context.Quota(vpc->origin, vpc->value.id, "more than 200 route tables: AWS's default quota",
                      "RouteTableLimitExceeded");
    }
    if (!table.value.gateway_id.empty() &&
        !table_of_gateway.try_emplace(table.value.gateway_id, table.value.id).second) {
      v.issues.Error(table.Member("Associations"), table.value.id,
                     table.value.gateway_id + " is associated with " +
                         table_of_gateway[table.value.gateway_id] + " already",
                     "Resource.AlreadyAssociated");
    }
  }
}

}  // namespace sluice
