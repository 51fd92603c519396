// Route tables (RIB) to FIBs. Priority for one destination: local and static CIDR routes, then
// prefix-list routes (the lowest list id first, D-PREFIX), then propagated ones (AWS-RT-07, 08); a
// longer prefix always wins.
#include <map>

#include "absl/status/statusor.h"
#include "control/compile/passes.h"

namespace sluice {
namespace {

uint32_t NextHopOf(SnapshotDraft& draft, NextHopKind kind, uint32_t index) {
  const auto [it, added] = draft.next_hop_idx.try_emplace(
      {static_cast<int>(kind), index}, static_cast<uint32_t>(draft.next_hops.size()));
  if (added) {
    draft.next_hops.push_back({.kind = kind, .index = index});
  }
  return it->second;
}

uint32_t EndpointNextHop(SnapshotDraft& draft, const std::string& endpoint_id) {
  const auto named = draft.endpoint_side.find(endpoint_id);
  const InterfaceIdx side =
      named != draft.endpoint_side.end() ? named->second : draft.default_services;
  return side.has_value() ? NextHopOf(draft, NextHopKind::kServices, side.value)
                          : NextHopOf(draft, NextHopKind::kUnavailable, kNoTable);
}

uint32_t CompileTarget(SnapshotDraft& draft, const Route& route, const std::string& vpc_id) {
  if (route.blackhole) {
    return NextHopOf(draft, NextHopKind::kBlackhole, kNoTable);
  }
  switch (route.target.kind) {
    case RouteTargetKind::kLocal:
      return NextHopOf(draft, NextHopKind::kLocal, kNoTable);
    case RouteTargetKind::kInternetGateway:
      return NextHopOf(draft, NextHopKind::kInternet, kNoTable);
    case RouteTargetKind::kNatGateway: {
      const NatGateway* gateway = draft.intent.FindNatGateway(route.target.id);
      return NextHopOf(draft, NextHopKind::kNatGateway,
                       draft.interface_idx.at(gateway->network_interface_id).value);
    }
    case RouteTargetKind::kNetworkInterface:
      return NextHopOf(draft, NextHopKind::kInterface,
                       draft.interface_idx.at(route.target.id).value);
    case RouteTargetKind::kPeering: {
      const VpcPeering* peering = draft.intent.FindVpcPeering(route.target.id);
      const std::string& other = peering->requester_vpc_id == vpc_id ? peering->accepter_vpc_id
                                                                     : peering->requester_vpc_id;
      const auto vpc = draft.vpc_idx.find(other);
      // The other VPC of a peering may live on another host: nothing here can carry it.
      return vpc == draft.vpc_idx.end()
                 ? NextHopOf(draft, NextHopKind::kBlackhole, kNoTable)
                 : NextHopOf(draft, NextHopKind::kPeering, vpc->second.value);
    }
    case RouteTargetKind::kGatewayEndpoint:
      return EndpointNextHop(draft, route.target.id);
    case RouteTargetKind::kUnsupported:
      break;
  }
  return NextHopOf(draft, NextHopKind::kBlackhole, kNoTable);
}

// Lower wins among routes of one destination.
struct Precedence {
  int origin = 0;  // 0 static, 1 prefix list, 2 propagated
  std::string prefix_list_id;
  friend auto operator<=>(const Precedence&, const Precedence&) = default;
};

class RouteMerger {
 public:
  void Add(const Ipv4Prefix& prefix, const Precedence& precedence, uint32_t next_hop) {
    const auto [it, added] = best_.try_emplace(prefix, precedence, next_hop);
    if (!added && precedence < it->second.first) {
      it->second = {precedence, next_hop};
    }
  }
  std::vector<FibRoute> Take() const {
    std::vector<FibRoute> routes;
    routes.reserve(best_.size());
    for (const auto& [prefix, winner] : best_) {
      routes.push_back({prefix, winner.second});
    }
    return routes;
  }

 private:
  std::map<Ipv4Prefix, std::pair<Precedence, uint32_t>> best_;
};

std::vector<FibRoute> RoutesOf(SnapshotDraft& draft, const RouteTable& table) {
  RouteMerger merger;
  for (const Route& route : table.routes) {
    const uint32_t next_hop = CompileTarget(draft, route, table.vpc_id);
    if (route.destination) {
      merger.Add(*route.destination, {route.propagated ? 2 : 0, ""}, next_hop);
      continue;
    }
    const PrefixList* list = draft.intent.FindPrefixList(route.prefix_list_id);
    if (list == nullptr) {
      continue;  // an absent prefix list matches nothing
    }
    for (const Ipv4Prefix& cidr : list->cidrs) {
      merger.Add(cidr, {1, list->id}, next_hop);
    }
  }
  return merger.Take();
}

absl::StatusOr<uint32_t> AddFib(SnapshotDraft& draft, const std::vector<FibRoute>& routes,
                                const std::string& what) {
  absl::StatusOr<std::shared_ptr<const Fib>> fib = draft.fib_builder.Build(routes);
  if (!fib.ok()) {
    return absl::Status(fib.status().code(), what + ": " + std::string(fib.status().message()));
  }
  draft.fibs.push_back(*std::move(fib));
  return static_cast<uint32_t>(draft.fibs.size() - 1);
}

absl::Status CompilePlaces(SnapshotDraft& draft, const Vpc& vpc) {
  std::map<Ipv4Prefix, uint32_t> places;
  for (const Ipv4Prefix& cidr : vpc.cidrs) {
    places[cidr] = kPlaceWithoutSubnet;
  }
  for (const Subnet& subnet : draft.intent.intent().subnets) {
    if (subnet.vpc_id == vpc.id) {
      places[subnet.cidr] = draft.subnet_idx.at(subnet.id).value;
    }
  }
  std::vector<FibRoute> routes;
  for (const auto& [prefix, place] : places) {
    routes.push_back({prefix, place});
  }
  absl::StatusOr<uint32_t> fib = AddFib(draft, routes, vpc.id);
  if (!fib.ok()) {
    return fib.status();
  }
  draft.vpcs[draft.vpc_idx.at(vpc.id).index()].places_fib = *fib;
  return absl::OkStatus();
}

}  // namespace

absl::Status CompileRoutes(SnapshotDraft& draft) {
  const Intent& intent = draft.intent.intent();
  if (absl::StatusOr<uint32_t> empty = AddFib(draft, {}, "empty table"); !empty.ok()) {
    return empty.status();
  }
  std::unordered_map<std::string, uint32_t> fib_of_table;
  for (const RouteTable& table : intent.route_tables) {
    absl::StatusOr<uint32_t> fib = AddFib(draft, RoutesOf(draft, table), table.id);
    if (!fib.ok()) {
      return fib.status();
    }
    fib_of_table[table.id] = *fib;
    const InternetGateway* gateway = draft.intent.FindInternetGateway(table.gateway_id);
    if (gateway != nullptr && !gateway->vpc_id.empty()) {
      draft.vpcs[draft.vpc_idx.at(gateway->vpc_id).index()].gateway_fib = *fib;
    }
  }
  for (const Vpc& vpc : intent.vpcs) {
    if (absl::Status status = CompilePlaces(draft, vpc); !status.ok()) {
      return status;
    }
  }
  for (const NetworkInterface& eni : intent.network_interfaces) {
    const Subnet* subnet = draft.intent.FindSubnet(eni.subnet_id);
    draft.interfaces[draft.interface_idx.at(eni.id).index()].fib =
        fib_of_table.at(subnet->route_table_id);
  }
  return absl::OkStatus();
}

}  // namespace sluice
