#include "control/telemetry/flow_path.h"

#include <algorithm>
#include <map>
#include <string>

#include "control/telemetry/flow_log_plan.h"

namespace sluice {
namespace {

template <typename T>
std::map<std::string, const T*> ById(const std::vector<T>& objects) {
  std::map<std::string, const T*> result;
  for (const T& object : objects) {
    result[object.id] = &object;
  }
  return result;
}

std::string RegionOf(const Intent& intent, const std::string& vpc_id) {
  for (const Subnet& subnet : intent.subnets) {
    const ZoneName zone = ParseZoneName(subnet.availability_zone);
    if (subnet.vpc_id == vpc_id && !zone.region.empty()) {
      return std::string(zone.region);
    }
  }
  return {};
}

// A region that is not known counts as the same one.
FlowPath PeeringPath(const Intent& intent, const VpcPeering* peering) {
  if (peering == nullptr) {
    return FlowPath::kUnknown;
  }
  const std::string one = RegionOf(intent, peering->requester_vpc_id);
  const std::string two = RegionOf(intent, peering->accepter_vpc_id);
  const bool apart = !one.empty() && !two.empty() && one != two;
  return apart ? FlowPath::kPeeringOtherRegion : FlowPath::kPeeringSameRegion;
}

FlowPath PathOf(const Intent& intent, const Route& route,
                const std::map<std::string, const VpcPeering*>& peerings) {
  if (route.blackhole) {
    return FlowPath::kUnknown;
  }
  switch (route.target.kind) {
    case RouteTargetKind::kLocal:
    case RouteTargetKind::kNatGateway:
    case RouteTargetKind::kNetworkInterface:
      return FlowPath::kSameVpc;
    case RouteTargetKind::kInternetGateway:
      return FlowPath::kInternetGateway;
    case RouteTargetKind::kGatewayEndpoint:
      return FlowPath::kGatewayEndpoint;
    case RouteTargetKind::kPeering: {
      const auto peering = peerings.find(route.target.id);
      return PeeringPath(intent, peering == peerings.end() ? nullptr : peering->second);
    }
    case RouteTargetKind::kUnsupported:
      break;
  }
  return FlowPath::kUnknown;
}

}  // namespace

FlowPaths::FlowPaths(const Intent& intent, const std::vector<InterfaceIdentity>& identities) {
  const auto lists = ById(intent.prefix_lists);
  const auto peerings = ById(intent.vpc_peerings);
  const auto subnets = ById(intent.subnets);
  const auto enis = ById(intent.network_interfaces);
  std::map<std::string, uint32_t> table_idx;
  for (const RouteTable& table : intent.route_tables) {
    std::vector<Row> rows;
    for (const Route& route : table.routes) {
      const FlowPath path = PathOf(intent, route, peerings);
      if (route.destination.has_value()) {
        rows.push_back({*route.destination, path});
      } else if (const auto list = lists.find(route.prefix_list_id); list != lists.end()) {
        for (const Ipv4Prefix& prefix : list->second->cidrs) {
          rows.push_back({prefix, path});
        }
      }
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.prefix.length > b.prefix.length; });
    table_idx[table.id] = static_cast<uint32_t>(tables_.size());
    tables_.push_back(std::move(rows));
  }
  for (const InterfaceIdentity& identity : identities) {
    uint32_t table = kNoRow;
    if (const auto eni = enis.find(identity.eni_id); eni != enis.end()) {
      const auto subnet = subnets.find(eni->second->subnet_id);
      if (subnet != subnets.end() && table_idx.contains(subnet->second->route_table_id)) {
        table = table_idx[subnet->second->route_table_id];
      }
    }
    table_of_.push_back(table);
  }
}

FlowPath FlowPaths::Of(uint32_t interface_idx, Ipv4Address destination) const {
  if (interface_idx >= table_of_.size() || table_of_[interface_idx] == kNoRow) {
    return FlowPath::kUnknown;
  }
  for (const Row& row : tables_[table_of_[interface_idx]]) {
    if (row.prefix.Contains(destination)) {
      return row.path;
    }
  }
  return FlowPath::kUnknown;
}

}  // namespace sluice
