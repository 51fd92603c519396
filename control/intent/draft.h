// What loading hands to validation: every object as a value, with the places it and its rows were
// read from. Control thread or an offline tool.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/intent/intent.h"
#include "control/intent/issue_list.h"
#include "control/intent/json_tree.h"

namespace sluice {

template <class T>
struct Drafted {
  T value;
  JsonValue origin;     // absent for what validation made
  bool broken = false;  // a member was refused: checks that would only repeat it are left out

  JsonValue Member(std::string_view name) const {
    const JsonValue member = origin.Find(name);
    return member.exists() ? member : origin;
  }
};

struct DraftedRouteTable : Drafted<RouteTable> {
  std::vector<JsonValue> route_origins;  // beside value.routes
};

struct DraftedNetworkAcl : Drafted<NetworkAcl> {
  std::vector<JsonValue> ingress_origins;
  std::vector<JsonValue> egress_origins;
};

// A rule and what is known of its peer beyond the id.
struct GroupRuleOrigin {
  JsonValue where;
  std::string group_name;     // the pair names a group of the same VPC by name only
  bool peering_gone = false;  // PeeringStatus other than active
};

struct DraftedSecurityGroup : Drafted<SecurityGroup> {
  std::vector<GroupRuleOrigin> ingress_origins;
  std::vector<GroupRuleOrigin> egress_origins;
};

// One element of the list SecurityGroupRules.
struct LooseGroupRule {
  std::string id;
  std::string group_id;
  bool egress = false;
  SecurityGroupRule rule;
  GroupRuleOrigin origin;
};

struct DraftedInterface : Drafted<NetworkInterface> {
  std::string availability_zone;
};

struct DraftedPrefixList : Drafted<PrefixList> {
  bool has_content = false;  // Cidrs or Entries were given
  std::optional<int64_t> max_entries;
};

struct Draft {
  std::vector<Drafted<Vpc>> vpcs;
  std::vector<Drafted<Subnet>> subnets;
  std::vector<DraftedRouteTable> route_tables;
  std::vector<Drafted<InternetGateway>> internet_gateways;
  std::vector<Drafted<NatGateway>> nat_gateways;
  std::vector<DraftedNetworkAcl> network_acls;
  std::vector<DraftedSecurityGroup> security_groups;
  std::vector<LooseGroupRule> group_rules;
  std::vector<DraftedInterface> network_interfaces;
  std::vector<Drafted<ElasticAddress>> addresses;
  std::vector<DraftedPrefixList> prefix_lists;
  std::vector<Drafted<VpcEndpoint>> vpc_endpoints;
  std::vector<Drafted<VpcPeering>> vpc_peerings;
  std::vector<Drafted<FlowLog>> flow_logs;
  std::vector<Drafted<DhcpOptions>> dhcp_options;
  std::optional<Host> host;
  JsonValue host_origin;
  // Ids of objects that are listed but ignored (a final state, an unsupported kind): a reference to
  // one is to an absent target, not a dangling one.
  std::set<std::string, std::less<>> ignored_ids;
  // CIDRs a VPC had (its id, the block): listed with their association, but not associated.
  std::set<std::pair<std::string, Ipv4Prefix>> former_cidrs;
  // Interfaces of ignored gateways and endpoints that are still listed: nobody's any more.
  std::vector<std::string> orphan_interface_ids;
};

}  // namespace sluice
