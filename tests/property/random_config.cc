#include "tests/property/random_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace sluice::testing {
namespace {

using Json = nlohmann::json;

constexpr const char* kRemotePrefixes[] = {
    "0.0.0.0/0",   "8.8.8.8/32",   "8.0.0.0/8",     "203.0.113.0/24",  "10.0.0.0/8", "10.0.1.0/24",
    "10.0.2.0/25", "10.0.1.10/32", "172.16.0.0/16", "198.51.100.0/24", "52.0.0.0/16"};
constexpr int kPorts[] = {22, 53, 80, 443, 1024, 8080, 32768, 40000, 65535};
constexpr int kProtocols[] = {-1, -1, 6, 6, 6, 17, 17, 1, 1, 47, 50};
constexpr int kMaxSessions = 4096;  // far more than a scenario's steps
constexpr const char* kServicesPrefix = "52.0.0.0/16";

template <typename T, size_t N>
const T& Pick(Random& random, const T (&values)[N]) {
  return values[Below(random, N)];
}

struct PortPair {
  int from = 0;
  int to = 65535;
};

PortPair RandomPorts(Random& random) {
  if (Chance(random, 40)) {
    return {};
  }
  const int a = Pick(random, kPorts);
  const int b = Chance(random, 50) ? a : Pick(random, kPorts);
  return {std::min(a, b), std::max(a, b)};
}

// Shorter and longer than those of an interface without its own, whatever of them can be.
Json RandomTimers(Random& random) {
  return {{"TcpEstablishedTimeout", Chance(random, 50) ? 60 : 350},
          {"UdpTimeout", 30 + 15 * Below(random, 3)},
          {"UdpStreamTimeout", 60 + 60 * Below(random, 3)}};
}

// One VPC in the making: names and addresses that its parts share.
struct VpcPlan {
  std::string id;
  uint32_t number = 0;
  std::string block;  // the first two parts of its addresses
  uint32_t subnet_count = 0;
  bool has_igw = false;
  bool has_nat = false;
  bool private_nat = false;
  std::vector<std::string> groups;
  std::vector<std::string> enis;
};

class ConfigMaker {
 public:
  explicit ConfigMaker(uint64_t seed) : random_(seed) {}

  Json Make() {
    open_ = Maybe(35);
    through_nat_ = open_ && Maybe(60);
    const uint32_t count = 1 + Below(random_, 3);
    for (uint32_t i = 0; i < count; ++i) {
      MakeVpc(i);
    }
    if (count > 1 && Chance(random_, 70)) {
      MakePeering();
    }
    for (const VpcPlan& vpc : vpcs_) {
      MakeTables(vpc);
      MakeGroups(vpc);
    }
    MakeHost();
    return config_;
  }

 private:
  bool Maybe(uint32_t percent) { return Chance(random_, percent); }

  void MakeVpc(uint32_t number) {
    VpcPlan vpc;
    vpc.number = number;
    vpc.id = "vpc-" + std::to_string(number);
    vpc.block = number == 1 && Maybe(60) ? "172.16" : "10.0";
    vpc.subnet_count = 1 + Below(random_, 3);
    vpc.has_igw = through_nat_ || Maybe(75);
    vpc.has_nat = through_nat_ || Maybe(65);
    vpc.private_nat = vpc.has_nat && (!vpc.has_igw || Maybe(through_nat_ ? 10 : 25));
    config_["Vpcs"].push_back({{"VpcId", vpc.id}, {"CidrBlock", vpc.block + ".0.0/16"}});
    const uint32_t group_count = 1 + Below(random_, 3);
    for (uint32_t g = 0; g < group_count; ++g) {
      vpc.groups.push_back("sg-" + std::to_string(number) + std::to_string(g));
    }
    if (vpc.has_igw) {
      config_["InternetGateways"].push_back(
          {{"InternetGatewayId", "igw-" + vpc.id},
           {"Attachments", {{{"VpcId", vpc.id}, {"State", "available"}}}}});
    }
    for (uint32_t s = 0; s < vpc.subnet_count; ++s) {
      MakeSubnet(vpc, s);
    }
    if (vpc.has_nat) {
      MakeNat(vpc);
    }
    if (Maybe(50)) {
      MakeEndpoint(vpc);
    }
    vpcs_.push_back(vpc);
  }

  std::string Subnet(const VpcPlan& vpc, uint32_t s) const {
    return "subnet-" + std::to_string(vpc.number) + std::to_string(s);
  }

  void MakeSubnet(VpcPlan& vpc, uint32_t s) {
    const std::string base = vpc.block + "." + std::to_string(s + 1) + ".";
    config_["Subnets"].push_back({{"SubnetId", Subnet(vpc, s)},
                                  {"VpcId", vpc.id},
                                  {"CidrBlock", base + "0/24"},
                                  {"AvailabilityZone", "eu-west-1a"}});
    const uint32_t eni_count = 1 + Below(random_, 3);
    for (uint32_t e = 0; e < eni_count; ++e) {
      MakeEni(vpc, s, e, base);
    }
    if (Maybe(open_ ? 15 : 60)) {
      MakeNacl(vpc, s);
    }
  }

  void MakeEni(VpcPlan& vpc, uint32_t s, uint32_t e, const std::string& base) {
    const std::string id =
        "eni-" + std::to_string(vpc.number) + std::to_string(s) + std::to_string(e);
    const std::string last = std::to_string(10 + e);
    Json addresses = Json::array();
    Json primary = {{"PrivateIpAddress", base + last}, {"Primary", true}};
    if (vpc.has_igw && Maybe(50)) {
      primary["Association"] = {{"PublicIp", NextPublic()}};
    }
    addresses.push_back(primary);
    if (Maybe(25)) {
      Json secondary = {{"PrivateIpAddress", base + std::to_string(50 + e)}, {"Primary", false}};
      if (vpc.has_igw && Maybe(50)) {
        secondary["Association"] = {{"PublicIp", NextPublic()}};
      }
      addresses.push_back(secondary);
    }
    Json groups = Json::array();
    for (const std::string& group : vpc.groups) {
      if (groups.empty() || Maybe(30)) {
        groups.push_back({{"GroupId", group}});
      }
    }
    if (Maybe(50) && vpc.groups.size() > 1) {
      groups[0]["GroupId"] = vpc.groups.back();
      groups = Json::array({groups[0]});
    }
    config_["NetworkInterfaces"].push_back(
        {{"NetworkInterfaceId", id},
         {"VpcId", vpc.id},
         {"SubnetId", Subnet(vpc, s)},
         {"PrivateIpAddress", base + last},
         {"PrivateIpAddresses", addresses},
         {"MacAddress", "02:00:00:0" + std::to_string(vpc.number + 1) + ":0" + std::to_string(s) +
                            ":1" + std::to_string(e)},
         {"SourceDestCheck", !Maybe(15)},
         {"Groups", groups}});
    if (Maybe(20)) {
      config_["NetworkInterfaces"].back()["ConnectionTrackingConfiguration"] =
          RandomTimers(random_);
    }
    vpc.enis.push_back(id);
  }

  std::string NextPublic() { return "198.51.100." + std::to_string(100 + public_count_++); }

  void MakeNat(const VpcPlan& vpc) {
    const std::string base = vpc.block + ".1.";
    Json addresses = Json::array();
    const uint32_t count = 1 + (Maybe(30) ? 1 : 0);
    for (uint32_t i = 0; i < count; ++i) {
      Json address = {{"PrivateIp", base + std::to_string(200 + i)}, {"IsPrimary", i == 0}};
      if (!vpc.private_nat) {
        address["PublicIp"] = NextPublic();
      }
      addresses.push_back(address);
    }
    config_["NatGateways"].push_back({{"NatGatewayId", "nat-" + vpc.id},
                                      {"VpcId", vpc.id},
                                      {"SubnetId", Subnet(vpc, 0)},
                                      {"State", "available"},
                                      {"ConnectivityType", vpc.private_nat ? "private" : "public"},
                                      {"NatGatewayAddresses", addresses}});
  }

  void MakeEndpoint(const VpcPlan& vpc) {
    if (!config_.contains("PrefixLists")) {
      config_["PrefixLists"].push_back({{"PrefixListId", "pl-s3"},
                                        {"PrefixListName", "com.amazonaws.eu-west-1.s3"},
                                        {"Cidrs", {kServicesPrefix}}});
    }
    config_["VpcEndpoints"].push_back({{"VpcEndpointId", "vpce-" + vpc.id},
                                       {"VpcEndpointType", "Gateway"},
                                       {"VpcId", vpc.id},
                                       {"State", "available"},
                                       {"ServiceName", "com.amazonaws.eu-west-1.s3"},
                                       {"RouteTableIds", {"rtb-" + vpc.id}}});
  }

  Json NaclEntry(bool egress, int number) {
    const int protocol = Pick(random_, kProtocols);
    Json entry = {{"Egress", egress},
                  {"RuleNumber", number},
                  {"Protocol", std::to_string(protocol)},
                  {"RuleAction", Maybe(75) ? "allow" : "deny"},
                  {"CidrBlock", Pick(random_, kRemotePrefixes)}};
    if (protocol == 6 || protocol == 17) {
      const PortPair ports = RandomPorts(random_);
      entry["PortRange"] = {{"From", ports.from}, {"To", ports.to}};
    } else if (protocol == 1) {
      entry["IcmpTypeCode"] = {{"Type", Maybe(50) ? -1 : 8}, {"Code", -1}};
    }
    return entry;
  }

  void MakeNacl(const VpcPlan& vpc, uint32_t s) {
    Json entries = Json::array();
    for (const bool egress : {false, true}) {
      const uint32_t count = Below(random_, 5);
      for (uint32_t i = 0; i < count; ++i) {
        entries.push_back(NaclEntry(egress, static_cast<int>(10 * i + 5)));
      }
      if (Maybe(70)) {
        entries.push_back({{"Egress", egress},
                           {"RuleNumber", 1000},
                           {"Protocol", "-1"},
                           {"RuleAction", "allow"},
                           {"CidrBlock", "0.0.0.0/0"}});
      }
    }
    const std::string id = "acl-" + std::to_string(vpc.number) + std::to_string(s);
    config_["NetworkAcls"].push_back(
        {{"NetworkAclId", id},
         {"VpcId", vpc.id},
         {"IsDefault", false},
         {"Entries", entries},
         {"Associations", {{{"SubnetId", Subnet(vpc, s)}, {"NetworkAclId", id}}}}});
  }

  void MakePeering() {
    if (vpcs_[0].block == vpcs_[1].block) {
      return;
    }
    peered_ = true;
    config_["VpcPeeringConnections"].push_back(
        {{"VpcPeeringConnectionId", "pcx-01"},
         {"Status", {{"Code", "active"}}},
         {"RequesterVpcInfo", {{"VpcId", vpcs_[0].id}, {"CidrBlock", vpcs_[0].block + ".0.0/16"}}},
         {"AccepterVpcInfo", {{"VpcId", vpcs_[1].id}, {"CidrBlock", vpcs_[1].block + ".0.0/16"}}}});
  }

  Json RandomRoutes(const VpcPlan& vpc) {
    Json routes = Json::array();
    if (vpc.has_nat && Maybe(through_nat_ ? 95 : 65)) {
      routes.push_back({{"DestinationCidrBlock", "0.0.0.0/0"}, {"NatGatewayId", "nat-" + vpc.id}});
    } else if (vpc.has_igw && Maybe(85)) {
      routes.push_back({{"DestinationCidrBlock", "0.0.0.0/0"}, {"GatewayId", "igw-" + vpc.id}});
    }
    if (vpc.has_igw && Maybe(20)) {
      routes.push_back(
          {{"DestinationCidrBlock", "203.0.113.0/24"}, {"GatewayId", "igw-" + vpc.id}});
    } else if (Maybe(15)) {
      routes.push_back({{"DestinationCidrBlock", "203.0.113.0/24"},
                        {"NetworkInterfaceId",
                         vpc.enis[Below(random_, static_cast<uint32_t>(vpc.enis.size()))]}});
    } else if (Maybe(10)) {
      routes.push_back({{"DestinationCidrBlock", "203.0.113.0/24"}, {"NatGatewayId", "nat-gone"}});
    }
    if (peered_ && vpc.number < 2 && Maybe(85)) {
      const std::string other = vpcs_[1 - vpc.number].block;
      routes.push_back(
          {{"DestinationCidrBlock", (Maybe(80) ? other + ".0.0/16" : std::string("172.0.0.0/8"))},
           {"VpcPeeringConnectionId", "pcx-01"}});
    }
    if (vpc.subnet_count > 2 && Maybe(20)) {
      routes.push_back(
          {{"DestinationCidrBlock", vpc.block + ".3.0/24"}, {"NetworkInterfaceId", vpc.enis[0]}});
    }
    return routes;
  }

  void MakeTables(const VpcPlan& vpc) {
    // The main table, and one for the NAT gateway's subnet that leads to the internet where that is
    // possible.
    Json main = {{"RouteTableId", "rtb-" + vpc.id},
                 {"VpcId", vpc.id},
                 {"Associations", {{{"Main", true}, {"RouteTableId", "rtb-" + vpc.id}}}},
                 {"Routes", RandomRoutes(vpc)}};
    config_["RouteTables"].push_back(main);
    Json first = Json::array();
    if (vpc.has_igw && Maybe(90)) {
      first.push_back({{"DestinationCidrBlock", "0.0.0.0/0"}, {"GatewayId", "igw-" + vpc.id}});
    } else {
      first = RandomRoutes(vpc);
    }
    config_["RouteTables"].push_back(
        {{"RouteTableId", "rtb-nat-" + vpc.id},
         {"VpcId", vpc.id},
         {"Associations",
          {{{"Main", false}, {"SubnetId", Subnet(vpc, 0)}, {"RouteTableId", "rtb-nat-" + vpc.id}}}},
         {"Routes", first}});
  }

  Json Permission(const VpcPlan& vpc, bool open) {
    const int protocol = open ? -1 : Pick(random_, kProtocols);
    Json permission = {{"IpProtocol", std::to_string(protocol)}};
    if (protocol == 6 || protocol == 17) {
      const PortPair ports = RandomPorts(random_);
      permission["FromPort"] = ports.from;
      permission["ToPort"] = ports.to;
    } else if (protocol == 1) {
      permission["FromPort"] = Maybe(60) ? -1 : 8;
      permission["ToPort"] = -1;
    }
    if (!open && Maybe(30)) {
      const std::string group =
          peered_ && vpc.number < 2 && Maybe(40)
              ? vpcs_[1 - vpc.number].groups[0]
              : vpc.groups[Below(random_, static_cast<uint32_t>(vpc.groups.size()))];
      permission["UserIdGroupPairs"] = {{{"GroupId", Maybe(95) ? group : std::string("sg-gone")}}};
    } else if (!open && config_.contains("PrefixLists") && Maybe(10)) {
      permission["PrefixListIds"] = {{{"PrefixListId", "pl-s3"}}};
    } else {
      permission["IpRanges"] = {{{"CidrIp", open ? "0.0.0.0/0" : Pick(random_, kRemotePrefixes)}}};
    }
    return permission;
  }

  Json Permissions(const VpcPlan& vpc, uint32_t open_percent) {
    Json permissions = Json::array();
    if (Maybe(open_percent)) {
      permissions.push_back(Permission(vpc, true));
    }
    const uint32_t count = Below(random_, 4);
    for (uint32_t i = 0; i < count; ++i) {
      permissions.push_back(Permission(vpc, false));
    }
    return permissions;
  }

  void MakeGroups(const VpcPlan& vpc) {
    for (const std::string& id : vpc.groups) {
      config_["SecurityGroups"].push_back(
          {{"GroupId", id},
           {"GroupName", "n" + id.substr(3)},
           {"VpcId", vpc.id},
           {"IpPermissions", Permissions(vpc, open_ ? 80 : 35)},
           {"IpPermissionsEgress", Permissions(vpc, open_ ? 95 : 65)}});
    }
  }

  // Mostly a port an interface; some share one and are told apart by VLAN or by MAC, and some hang
  // nowhere.
  void MakeHost() {
    Json ports = Json::array();
    Json attachments = Json::array();
    constexpr int kMtus[] = {576, 1280, 1500, 9001};
    const auto add_port = [&](const std::string& name) {
      ports.push_back({{"Name", name}});
      if (Maybe(15)) {
        ports.back()["Mtu"] = Pick(random_, kMtus);
      }
    };
    add_port("trunk");
    int vlan = 0;
    for (const VpcPlan& vpc : vpcs_) {
      for (const std::string& eni : vpc.enis) {
        if (Maybe(4)) {
          continue;
        }
        Json attachment = {{"NetworkInterfaceId", eni}, {"Port", eni}};
        if (Maybe(10)) {
          attachment["Port"] = "trunk";
          vlan += vlan == 0 || Maybe(70) ? 1 : 0;
          attachment["Vlan"] = vlan;
        } else {
          add_port(eni);
        }
        attachments.push_back(attachment);
      }
    }
    Json host = {{"Attachments", attachments}, {"MaxSessions", kMaxSessions}};
    const auto side = [&](const std::string& port, const std::string& network) {
      add_port(port);
      Json made = {{"Port", port}, {"Address", network + "2/24"}, {"NextHop", network + "1"}};
      if (Maybe(5)) {
        made["Vlan"] = 100;
      }
      return made;
    };
    if (Maybe(97)) {
      host["Uplink"] = side("internet", "198.51.100.");
    }
    if (Maybe(95)) {
      host["Services"] = Json::array({side("services", "192.0.2.")});
    }
    host["Ports"] = ports;
    config_["Host"] = host;
  }

  Random random_;
  Json config_;
  std::vector<VpcPlan> vpcs_;
  uint32_t public_count_ = 0;
  bool peered_ = false;
  // What rare ends need is made in scenarios of their own: those of many steps are too seldom the
  // work of chance.
  bool open_ = false;         // rules let most through, so that what lies behind them is met
  bool through_nat_ = false;  // and most of what leaves passes a NAT gateway
};

// Removes one element of the named list of one random object, where there is one.
void DropOne(Json& config, const char* objects, const char* member, Random& random) {
  if (!config.contains(objects)) {
    return;
  }
  Json& list = config[objects];
  Json& object = list[Below(random, static_cast<uint32_t>(list.size()))];
  if (object.contains(member) && !object[member].empty()) {
    object[member].erase(Below(random, static_cast<uint32_t>(object[member].size())));
  }
}

void SetTimersOfOne(Json& config, Random& random) {
  Json& list = config["NetworkInterfaces"];
  Json& eni = list[Below(random, static_cast<uint32_t>(list.size()))];
  eni["ConnectionTrackingConfiguration"] = RandomTimers(random);
}

}  // namespace

std::string RandomConfig(uint64_t seed) {
  return ConfigMaker(seed).Make().dump(1);
}

std::string ChangedConfig(const std::string& config, uint64_t seed) {
  Random random(seed);
  Json changed = Json::parse(config);
  const uint32_t changes = 1 + Below(random, 3);
  for (uint32_t i = 0; i < changes; ++i) {
    switch (Below(random, 5)) {
      case 0:
        DropOne(changed, "SecurityGroups", "IpPermissions", random);
        break;
      case 1:
        DropOne(changed, "SecurityGroups", "IpPermissionsEgress", random);
        break;
      case 2:
        DropOne(changed, "NetworkAcls", "Entries", random);
        break;
      case 3:
        SetTimersOfOne(changed, random);
        break;
      default:
        DropOne(changed, "RouteTables", "Routes", random);
        break;
    }
  }
  return changed.dump(1);
}

}  // namespace sluice::testing
