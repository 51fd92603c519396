// ExportIntentJson: the shapes of loaders.h written back, made objects included, so that loading
// the text gives an equal intent.
#include <nlohmann/json.hpp>

#include "control/intent/export_tree.h"
#include "control/intent/rule_id.h"
#include "control/intent/validated_intent.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIcmp = 1;
constexpr int kTcp = 6;
constexpr int kUdp = 17;
constexpr int kIcmpV6 = 58;

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

void SetText(Json& object, const char* member, const std::string& text) {
  if (!text.empty()) {
    object[member] = text;
  }
}

Json ExportVpc(const Vpc& vpc) {
  Json object = {{"VpcId", vpc.id}};
  SetText(object, "OwnerId", vpc.owner_id);
  SetText(object, "DhcpOptionsId", vpc.dhcp_options_id);
  object["CidrBlock"] = ToString(vpc.cidrs.front());
  Json set = Json::array();
  for (const Ipv4Prefix& cidr : vpc.cidrs) {
    set.push_back({{"CidrBlock", ToString(cidr)}, {"CidrBlockState", {{"State", "associated"}}}});
  }
  object["CidrBlockAssociationSet"] = std::move(set);
  return object;
}

Json ExportSubnet(const Subnet& subnet) {
  Json object = {
      {"SubnetId", subnet.id}, {"VpcId", subnet.vpc_id}, {"CidrBlock", ToString(subnet.cidr)}};
  SetText(object, "OwnerId", subnet.owner_id);
  SetText(object, "AvailabilityZone", subnet.availability_zone);
  SetText(object, "AvailabilityZoneId", subnet.availability_zone_id);
  return object;
}

const char* TargetMember(const RouteTarget& target) {
  switch (target.kind) {
    case RouteTargetKind::kLocal:
    case RouteTargetKind::kInternetGateway:
    case RouteTargetKind::kGatewayEndpoint:
      return "GatewayId";
    case RouteTargetKind::kNatGateway:
      return "NatGatewayId";
    case RouteTargetKind::kNetworkInterface:
      return "NetworkInterfaceId";
    case RouteTargetKind::kPeering:
      return "VpcPeeringConnectionId";
    case RouteTargetKind::kUnsupported:
      break;
  }
  if (StartsWith(target.id, "eigw-")) return "EgressOnlyInternetGatewayId";
  if (StartsWith(target.id, "cagw-")) return "CarrierGatewayId";
  if (StartsWith(target.id, "lgw-")) return "LocalGatewayId";
  if (StartsWith(target.id, "arn:")) return "CoreNetworkArn";
  if (StartsWith(target.id, "vgw-") || StartsWith(target.id, "vpce-")) return "GatewayId";
  return "TransitGatewayId";
}

Json ExportRoute(const Route& route) {
  Json object;
  if (route.destination) {
    object["DestinationCidrBlock"] = ToString(*route.destination);
  } else {
    object["DestinationPrefixListId"] = route.prefix_list_id;
  }
  const bool local = route.target.kind == RouteTargetKind::kLocal;
  object[TargetMember(route.target)] = local ? "local" : route.target.id;
  object["Origin"] = route.propagated ? "EnableVgwRoutePropagation"
                     : local          ? "CreateRouteTable"
                                      : "CreateRoute";
  object["State"] = route.blackhole ? "blackhole" : "active";
  return object;
}

Json ExportRouteTable(const RouteTable& table) {
  Json associations = Json::array();
  if (table.main) {
    associations.push_back({{"Main", true}, {"RouteTableId", table.id}});
  }
  for (const std::string& subnet : table.subnet_ids) {
    associations.push_back({{"Main", false}, {"RouteTableId", table.id}, {"SubnetId", subnet}});
  }
  if (!table.gateway_id.empty()) {
    associations.push_back(
        {{"Main", false}, {"RouteTableId", table.id}, {"GatewayId", table.gateway_id}});
  }
  Json routes = Json::array();
  for (const Route& route : table.routes) {
    routes.push_back(ExportRoute(route));
  }
  return {{"RouteTableId", table.id},
          {"VpcId", table.vpc_id},
          {"Associations", std::move(associations)},
          {"Routes", std::move(routes)}};
}

Json ExportInternetGateway(const InternetGateway& igw) {
  Json attachments = Json::array();
  if (!igw.vpc_id.empty()) {
    attachments.push_back({{"State", "available"}, {"VpcId", igw.vpc_id}});
  }
  return {{"InternetGatewayId", igw.id}, {"Attachments", std::move(attachments)}};
}

Json ExportNatGateway(const NatGateway& gateway) {
  Json addresses = Json::array();
  for (const NatGatewayAddress& address : gateway.addresses) {
    Json item = {{"NetworkInterfaceId", gateway.network_interface_id},
                 {"PrivateIp", ToString(address.private_ip)}};
    SetText(item, "AllocationId", address.allocation_id);
    if (address.public_ip) {
      item["PublicIp"] = ToString(*address.public_ip);
    }
    item["IsPrimary"] = addresses.empty();
    addresses.push_back(std::move(item));
  }
  return {{"NatGatewayId", gateway.id},
          {"VpcId", gateway.vpc_id},
          {"SubnetId", gateway.subnet_id},
          {"State", "available"},
          {"ConnectivityType", gateway.is_public ? "public" : "private"},
          {"NatGatewayAddresses", std::move(addresses)}};
}

Json ExportNaclRule(const NaclRule& rule, bool egress) {
  Json object = {{"RuleNumber", rule.number},
                 {"Egress", egress},
                 {"Protocol", std::to_string(rule.protocol)},
                 {"CidrBlock", ToString(rule.cidr)},
                 {"RuleAction", rule.allow ? "allow" : "deny"}};
  if (rule.protocol == kTcp || rule.protocol == kUdp) {
    const bool all = rule.ports.from == -1;
    object["PortRange"] = {{"From", all ? 0 : rule.ports.from},
                           {"To", all ? 65535 : rule.ports.to}};
  } else if (rule.protocol == kIcmp || rule.protocol == kIcmpV6) {
    object["IcmpTypeCode"] = {{"Type", rule.ports.from}, {"Code", rule.ports.to}};
  }
  return object;
}

Json ExportNetworkAcl(const NetworkAcl& acl) {
  Json associations = Json::array();
  for (const std::string& subnet : acl.subnet_ids) {
    associations.push_back({{"NetworkAclId", acl.id}, {"SubnetId", subnet}});
  }
  Json entries = Json::array();
  for (const bool egress : {false, true}) {
    for (const NaclRule& rule : egress ? acl.egress : acl.ingress) {
      entries.push_back(ExportNaclRule(rule, egress));
    }
    entries.push_back({{"RuleNumber", 32767},
                       {"Egress", egress},
                       {"Protocol", "-1"},
                       {"CidrBlock", "0.0.0.0/0"},
                       {"RuleAction", "deny"}});
  }
  return {{"NetworkAclId", acl.id},
          {"VpcId", acl.vpc_id},
          {"IsDefault", acl.is_default},
          {"Associations", std::move(associations)},
          {"Entries", std::move(entries)}};
}

void SetProtocol(Json& object, const SecurityGroupRule& rule) {
  object["IpProtocol"] = rule.protocol == kTcp    ? "tcp"
                         : rule.protocol == kUdp  ? "udp"
                         : rule.protocol == kIcmp ? "icmp"
                                                  : std::to_string(rule.protocol);
  const bool ports = rule.protocol == kTcp || rule.protocol == kUdp;
  if (ports && rule.ports.from == -1) {
    object["FromPort"] = 0;
    object["ToPort"] = 65535;
  } else if (ports || rule.protocol == kIcmp || rule.protocol == kIcmpV6) {
    object["FromPort"] = rule.ports.from;
    object["ToPort"] = rule.ports.to;
  }
}

Json ExportPermissions(const std::vector<SecurityGroupRule>& rules) {
  Json permissions = Json::array();
  for (const SecurityGroupRule& rule : rules) {
    Json permission = Json::object();
    SetProtocol(permission, rule);
    if (rule.cidr) {
      permission["IpRanges"].push_back({{"CidrIp", ToString(*rule.cidr)}});
    } else if (!rule.prefix_list_id.empty()) {
      permission["PrefixListIds"].push_back({{"PrefixListId", rule.prefix_list_id}});
    } else {
      Json pair = {{"GroupId", rule.group_id}};
      if (rule.stale) {
        pair["PeeringStatus"] = "deleted";
      }
      permission["UserIdGroupPairs"].push_back(std::move(pair));
    }
    permissions.push_back(std::move(permission));
  }
  return permissions;
}

Json ExportSecurityGroup(const SecurityGroup& group) {
  return {{"GroupId", group.id},
          {"GroupName", group.name},
          {"VpcId", group.vpc_id},
          {"IpPermissions", ExportPermissions(group.ingress)},
          {"IpPermissionsEgress", ExportPermissions(group.egress)}};
}

// Rules whose ids were given, not made: the group's own shape has no place for them.
void ExportGroupRules(const SecurityGroup& group, bool egress, Json& list) {
  for (const SecurityGroupRule& rule : egress ? group.egress : group.ingress) {
    if (rule.id == MadeRuleId(group.id, egress, RuleText(rule))) {
      continue;
    }
    Json object = {{"SecurityGroupRuleId", rule.id}, {"GroupId", group.id}, {"IsEgress", egress}};
    SetProtocol(object, rule);
    if (rule.cidr) {
      object["CidrIpv4"] = ToString(*rule.cidr);
    } else if (!rule.prefix_list_id.empty()) {
      object["PrefixListId"] = rule.prefix_list_id;
    } else {
      object["ReferencedGroupInfo"] = {{"GroupId", rule.group_id}};
      if (rule.stale) {
        object["ReferencedGroupInfo"]["PeeringStatus"] = "deleted";
      }
    }
    list.push_back(std::move(object));
  }
}

Json ExportInterface(const NetworkInterface& eni) {
  Json object = {
      {"NetworkInterfaceId", eni.id}, {"VpcId", eni.vpc_id}, {"SubnetId", eni.subnet_id}};
  SetText(object, "OwnerId", eni.owner_id);
  object["InterfaceType"] = !eni.interface_type.empty()                     ? eni.interface_type
                            : eni.kind == InterfaceKind::kInterfaceEndpoint ? "vpc_endpoint"
                            : eni.kind == InterfaceKind::kNatGateway        ? "nat_gateway"
                                                                            : "interface";
  object["RequesterManaged"] = eni.kind != InterfaceKind::kOrdinary;
  if (!eni.instance_id.empty()) {
    object["Attachment"] = {{"InstanceId", eni.instance_id}, {"Status", "attached"}};
  }
  object["MacAddress"] = ToString(*eni.mac);
  object["PrivateIpAddress"] = ToString(eni.addresses.front().address);
  Json addresses = Json::array();
  for (const PrivateAddress& address : eni.addresses) {
    Json item = {{"PrivateIpAddress", ToString(address.address)}, {"Primary", addresses.empty()}};
    if (address.public_ip) {
      item["Association"] = {{"PublicIp", ToString(*address.public_ip)}};
    }
    addresses.push_back(std::move(item));
  }
  object["PrivateIpAddresses"] = std::move(addresses);
  for (const Ipv4Prefix& prefix : eni.prefixes) {
    object["Ipv4Prefixes"].push_back({{"Ipv4Prefix", ToString(prefix)}});
  }
  object["Groups"] = Json::array();
  for (const std::string& group : eni.group_ids) {
    object["Groups"].push_back({{"GroupId", group}});
  }
  object["SourceDestCheck"] = eni.source_dest_check;
  object["ConnectionTrackingConfiguration"] = {
      {"TcpEstablishedTimeout", eni.tracking.tcp_established_seconds},
      {"UdpStreamTimeout", eni.tracking.udp_stream_seconds},
      {"UdpTimeout", eni.tracking.udp_seconds}};
  return object;
}

Json ExportAddress(const ElasticAddress& address) {
  Json object = {{"PublicIp", ToString(address.public_ip)}};
  SetText(object, "AllocationId", address.allocation_id);
  SetText(object, "NetworkInterfaceId", address.network_interface_id);
  if (address.private_ip) {
    object["PrivateIpAddress"] = ToString(*address.private_ip);
  }
  return object;
}

Json ExportPrefixList(const PrefixList& list) {
  Json object = {{"PrefixListId", list.id}};
  SetText(object, "PrefixListName", list.name);
  object["Cidrs"] = Json::array();
  for (const Ipv4Prefix& cidr : list.cidrs) {
    object["Cidrs"].push_back(ToString(cidr));
  }
  return object;
}

Json ExportEndpoint(const VpcEndpoint& endpoint) {
  Json object = {{"VpcEndpointId", endpoint.id},
                 {"VpcEndpointType", endpoint.is_gateway ? "Gateway" : "Interface"},
                 {"VpcId", endpoint.vpc_id}};
  SetText(object, "ServiceName", endpoint.service_name);
  object["State"] = "available";
  if (endpoint.is_gateway) {
    object["RouteTableIds"] = endpoint.route_table_ids;
    return object;
  }
  object["SubnetIds"] = endpoint.subnet_ids;
  object["Groups"] = Json::array();
  for (const std::string& group : endpoint.group_ids) {
    object["Groups"].push_back({{"GroupId", group}});
  }
  object["NetworkInterfaceIds"] = endpoint.network_interface_ids;
  return object;
}

Json ExportPeeringSide(const std::string& vpc_id, const std::vector<Ipv4Prefix>& cidrs) {
  Json side = Json::object();
  SetText(side, "VpcId", vpc_id);
  for (const Ipv4Prefix& cidr : cidrs) {
    if (!side.contains("CidrBlock")) {
      side["CidrBlock"] = ToString(cidr);
    }
    side["CidrBlockSet"].push_back({{"CidrBlock", ToString(cidr)}});
  }
  return side;
}

Json ExportPeering(const VpcPeering& peering) {
  return {
      {"VpcPeeringConnectionId", peering.id},
      {"Status", {{"Code", "active"}}},
      {"RequesterVpcInfo", ExportPeeringSide(peering.requester_vpc_id, peering.requester_cidrs)},
      {"AccepterVpcInfo", ExportPeeringSide(peering.accepter_vpc_id, peering.accepter_cidrs)}};
}

Json ExportFlowLog(const FlowLog& log) {
  Json object = {{"FlowLogId", log.id}, {"ResourceId", log.resource_id}};
  object["TrafficType"] = log.traffic == TrafficType::kAccept   ? "ACCEPT"
                          : log.traffic == TrafficType::kReject ? "REJECT"
                                                                : "ALL";
  object["MaxAggregationInterval"] = log.interval_seconds;
  SetText(object, "LogFormat", log.format);
  object["LogDestinationType"] = "s3";
  SetText(object, "LogDestination", log.destination);
  object["DestinationOptions"] = {{"FileFormat", "plain-text"},
                                  {"HiveCompatiblePartitions", log.hive_partitions},
                                  {"PerHourPartition", log.per_hour_partition}};
  return object;
}

Json ExportDhcpOptions(const DhcpOptions& options) {
  Json configurations = Json::array();
  const auto add = [&configurations](const char* key, const std::vector<std::string>& texts) {
    Json values = Json::array();
    for (const std::string& text : texts) {
      values.push_back({{"Value", text}});
    }
    if (!texts.empty()) {
      configurations.push_back({{"Key", key}, {"Values", std::move(values)}});
    }
  };
  if (!options.domain_name.empty()) {
    add("domain-name", {options.domain_name});
  }
  add("domain-name-servers", options.domain_name_servers);
  std::vector<std::string> ntp;
  for (const Ipv4Address& server : options.ntp_servers) {
    ntp.push_back(ToString(server));
  }
  add("ntp-servers", ntp);
  return {{"DhcpOptionsId", options.id}, {"DhcpConfigurations", std::move(configurations)}};
}

Json ExportSide(const HostSide& side) {
  Json object = {{"Port", side.port}};
  if (side.vlan != 0) {
    object["Vlan"] = side.vlan;
  }
  object["Address"] = ToString(side.address);
  object["NextHop"] = ToString(side.next_hop);
  if (!side.endpoint_ids.empty()) {
    object["VpcEndpointId"] = side.endpoint_ids.front();
  }
  return object;
}

Json ExportHost(const Host& host) {
  Json object = {{"Ports", Json::array()}, {"Attachments", Json::array()}};
  for (const HostPort& port : host.ports) {
    Json item = {{"Name", port.name}};
    SetText(item, "Device", port.device);
    if (port.mtu) {
      item["Mtu"] = *port.mtu;
    }
    object["Ports"].push_back(std::move(item));
  }
  for (const HostAttachment& attachment : host.attachments) {
    Json item = {{"NetworkInterfaceId", attachment.network_interface_id},
                 {"Port", attachment.port}};
    if (attachment.vlan != 0) {
      item["Vlan"] = attachment.vlan;
    }
    if (attachment.max_sessions != 0) {
      item["MaxSessions"] = attachment.max_sessions;
    }
    object["Attachments"].push_back(std::move(item));
  }
  if (host.uplink) {
    object["Uplink"] = ExportSide(*host.uplink);
  }
  for (const HostSide& side : host.services) {
    object["Services"].push_back(ExportSide(side));
  }
  object["Workers"] = host.workers;
  object["MaxSessions"] = host.max_sessions;
  if (host.max_sessions_per_interface != 0) {
    object["MaxSessionsPerInterface"] = host.max_sessions_per_interface;
  }
  object["BehaviorProfile"] = host.behavior_profile;
  object["RouterMac"] = ToString(host.router_mac);
  if (!host.flow_log_folder_for.empty()) {
    object["FlowLogFolder"] = host.flow_log_folder_for;
  } else {
    SetText(object, "FlowLogFolder", host.flow_log_folder);
  }
  return object;
}

template <class T>
void ExportList(Json& root, const char* key, const std::vector<T>& objects,
                Json (*export_one)(const T&)) {
  if (objects.empty()) {
    return;
  }
  Json list = Json::array();
  for (const T& object : objects) {
    list.push_back(export_one(object));
  }
  root[key] = std::move(list);
}

}  // namespace

Json ExportIntentTree(const ValidatedIntent& validated) {
  const Intent& intent = validated.intent();
  Json root = Json::object();
  ExportList(root, "Vpcs", intent.vpcs, ExportVpc);
  ExportList(root, "Subnets", intent.subnets, ExportSubnet);
  ExportList(root, "RouteTables", intent.route_tables, ExportRouteTable);
  ExportList(root, "InternetGateways", intent.internet_gateways, ExportInternetGateway);
  ExportList(root, "NatGateways", intent.nat_gateways, ExportNatGateway);
  ExportList(root, "NetworkAcls", intent.network_acls, ExportNetworkAcl);
  ExportList(root, "SecurityGroups", intent.security_groups, ExportSecurityGroup);
  Json rules = Json::array();
  for (const SecurityGroup& group : intent.security_groups) {
    ExportGroupRules(group, false, rules);
    ExportGroupRules(group, true, rules);
  }
  if (!rules.empty()) {
    root["SecurityGroupRules"] = std::move(rules);
  }
  ExportList(root, "NetworkInterfaces", intent.network_interfaces, ExportInterface);
  ExportList(root, "Addresses", intent.addresses, ExportAddress);
  ExportList(root, "PrefixLists", intent.prefix_lists, ExportPrefixList);
  ExportList(root, "VpcEndpoints", intent.vpc_endpoints, ExportEndpoint);
  ExportList(root, "VpcPeeringConnections", intent.vpc_peerings, ExportPeering);
  ExportList(root, "FlowLogs", intent.flow_logs, ExportFlowLog);
  ExportList(root, "DhcpOptions", intent.dhcp_options, ExportDhcpOptions);
  if (validated.host_was_written()) {
    root["Host"] = ExportHost(validated.host());
  }
  return root;
}

std::string ExportIntentJson(const ValidatedIntent& validated) {
  return ExportIntentTree(validated).dump(2) + "\n";
}

}  // namespace sluice
