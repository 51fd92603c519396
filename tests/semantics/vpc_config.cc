#include "tests/semantics/vpc_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "control/intent/validated_intent.h"

namespace sluice::testing {
namespace {

using Json = nlohmann::json;

constexpr const char* kStandard = R"json({
  "Vpcs": [
    {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"},
    {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16"},
    {"VpcId": "vpc-c", "CidrBlock": "10.0.0.0/16"}],
  "Subnets": [
    {"SubnetId": "subnet-pub", "VpcId": "vpc-a", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-app", "VpcId": "vpc-a", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-db", "VpcId": "vpc-a", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-mid", "VpcId": "vpc-a", "CidrBlock": "10.0.3.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-b", "VpcId": "vpc-b", "CidrBlock": "10.1.0.0/24", "AvailabilityZone": "eu-west-1a"},
    {"SubnetId": "subnet-c", "VpcId": "vpc-c", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"}],
  "InternetGateways": [
    {"InternetGatewayId": "igw-a", "Attachments": [{"VpcId": "vpc-a", "State": "available"}]},
    {"InternetGatewayId": "igw-b", "Attachments": [{"VpcId": "vpc-b", "State": "available"}]}],
  "NatGateways": [{"NatGatewayId": "nat-a", "VpcId": "vpc-a", "SubnetId": "subnet-pub", "State": "available",
    "NatGatewayAddresses": [{"PrivateIp": "10.0.0.200", "PublicIp": "198.51.100.200"}]}],
  "VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-ab", "Status": {"Code": "active"},
    "RequesterVpcInfo": {"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"},
    "AccepterVpcInfo": {"VpcId": "vpc-b", "CidrBlock": "10.1.0.0/16"}}],
  "RouteTables": [
    {"RouteTableId": "rtb-main", "VpcId": "vpc-a", "Associations": [{"Main": true}], "Routes": []},
    {"RouteTableId": "rtb-pub", "VpcId": "vpc-a", "Associations": [{"Main": false, "SubnetId": "subnet-pub"}]},
    {"RouteTableId": "rtb-app", "VpcId": "vpc-a", "Associations": [{"Main": false, "SubnetId": "subnet-app"}]},
    {"RouteTableId": "rtb-mid", "VpcId": "vpc-a", "Associations": [{"Main": false, "SubnetId": "subnet-mid"}]},
    {"RouteTableId": "rtb-b", "VpcId": "vpc-b", "Associations": [{"Main": true}]}],
  "NetworkAcls": [
    {"NetworkAclId": "acl-pub", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-pub"}]},
    {"NetworkAclId": "acl-app", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-app"}]},
    {"NetworkAclId": "acl-db", "VpcId": "vpc-a", "Associations": [{"SubnetId": "subnet-db"}]},
    {"NetworkAclId": "acl-b", "VpcId": "vpc-b", "Associations": [{"SubnetId": "subnet-b"}]}],
  "SecurityGroups": [],
  "NetworkInterfaces": [],
  "Host": {"MaxSessions": 2048, "Ports": [{"Name": "internet"}, {"Name": "services"}],
    "Attachments": [],
    "Uplink": {"Port": "internet", "Address": "192.0.2.2/24", "NextHop": "192.0.2.1"},
    "Services": {"Port": "services", "Address": "192.0.3.2/24", "NextHop": "192.0.3.1"}}
})json";

Words Split(const std::string& line) {
  std::istringstream stream(line);
  Words words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

bool StartsWith(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// The member that holds the objects' ids, by list.
std::string IdMember(const std::string& list) {
  static const std::map<std::string, std::string> kMembers = {
      {"SecurityGroups", "GroupId"},
      {"VpcPeeringConnections", "VpcPeeringConnectionId"},
      {"ManagedPrefixLists", "PrefixListId"}};
  const auto it = kMembers.find(list);
  return it != kMembers.end() ? it->second : list.substr(0, list.size() - 1) + "Id";
}

Json& Object(Json& config, const std::string& list, const std::string& id) {
  for (Json& object : config[list]) {
    if (object.value(IdMember(list), "") == id) {
      return object;
    }
  }
  ADD_FAILURE() << "no " << id << " in " << list;
  static Json nothing;
  return nothing;
}

// "22" or "1000-2000".
std::pair<int, int> Ports(const std::string& word) {
  const size_t dash = word.find('-', 1);
  const int from = std::stoi(word);
  return {from, dash == std::string::npos ? from : std::stoi(word.substr(dash + 1))};
}

// "8/0", "8" or "-1".
std::pair<int, int> TypeAndCode(const std::string& word) {
  const size_t slash = word.find('/');
  return {std::stoi(word), slash == std::string::npos ? -1 : std::stoi(word.substr(slash + 1))};
}

Json Permission(const std::string& rule) {
  const Words words = Split(rule);
  const std::string& peer = words.back();
  Json permission = {{"IpProtocol", words[0] == "all" ? "-1" : words[0]}};
  if (words.size() == 3) {
    const auto [from, to] = words[0] == "icmp" ? TypeAndCode(words[1]) : Ports(words[1]);
    permission["FromPort"] = from;
    permission["ToPort"] = to;
  } else if (words[0] == "tcp" || words[0] == "udp") {
    permission["FromPort"] = 0;
    permission["ToPort"] = 65535;
  } else if (words[0] == "icmp") {
    permission["FromPort"] = -1;
    permission["ToPort"] = -1;
  }
  if (StartsWith(peer, "sg-")) {
    permission["UserIdGroupPairs"] = {{{"GroupId", peer}}};
  } else if (StartsWith(peer, "pl-")) {
    permission["PrefixListIds"] = {{{"PrefixListId", peer}}};
  } else {
    permission["IpRanges"] = {{{"CidrIp", peer}}};
  }
  return permission;
}

Json Entry(const std::string& line) {
  const Words words = Split(line);  // in 100 allow tcp 22 10.0.0.0/8
  const std::string& protocol = words[3];
  const std::map<std::string, std::string> numbers = {
      {"all", "-1"}, {"icmp", "1"}, {"tcp", "6"}, {"udp", "17"}};
  const auto number = numbers.find(protocol);
  Json entry = {{"Egress", words[0] == "out"},
                {"RuleNumber", std::stoi(words[1])},
                {"RuleAction", words[2]},
                {"Protocol", number == numbers.end() ? protocol : number->second},
                {"CidrBlock", words.back()}};
  if (protocol == "icmp") {
    const auto [type, code] = TypeAndCode(words.size() == 6 ? words[4] : "-1");
    entry["IcmpTypeCode"] = {{"Type", type}, {"Code", code}};
  } else if (words.size() == 6) {
    const auto [from, to] = Ports(words[4]);
    entry["PortRange"] = {{"From", from}, {"To", to}};
  }
  return entry;
}

Json RouteOf(const std::string& line) {
  const Words words = Split(line);
  const std::string& target = words[1];
  Json route;
  route[StartsWith(words[0], "pl-") ? "DestinationPrefixListId" : "DestinationCidrBlock"] =
      words[0];
  static const std::vector<std::pair<std::string, std::string>> kMembers = {
      {"nat-", "NatGatewayId"}, {"eni-", "NetworkInterfaceId"}, {"pcx-", "VpcPeeringConnectionId"}};
  std::string member = "GatewayId";  // igw-, vpce-, local
  for (const auto& [prefix, name] : kMembers) {
    member = StartsWith(target, prefix) ? name : member;
  }
  route[member] = target;
  if (words.size() == 3) {
    route["Origin"] = words[2];
  }
  return route;
}

std::string MacText(const std::string& address, int first) {
  std::array<unsigned, 4> bytes{};
  std::sscanf(address.c_str(), "%u.%u.%u.%u", &bytes[0], &bytes[1], &bytes[2], &bytes[3]);
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "02:%02x:%02x:%02x:%02x:%02x",
                static_cast<unsigned>(first) & 0xff, bytes[0] & 0xff, bytes[1] & 0xff,
                bytes[2] & 0xff, bytes[3] & 0xff);
  return text.data();
}

}  // namespace

VpcConfig::VpcConfig() : text_(Json::parse(kStandard).dump()) {
  Eni("eni-web", "subnet-pub", "10.0.0.10");
  Set("NetworkInterfaces", "eni-web", "Association", R"({"PublicIp": "198.51.100.10"})");
  Eni("eni-two", "subnet-pub", "10.0.0.11");
  Set("NetworkInterfaces", "eni-two", "PrivateIpAddresses", R"([
    {"PrivateIpAddress": "10.0.0.11", "Primary": true, "Association": {"PublicIp": "198.51.100.11"}},
    {"PrivateIpAddress": "10.0.0.12", "Primary": false, "Association": {"PublicIp": "198.51.100.12"}},
    {"PrivateIpAddress": "10.0.0.13", "Primary": false}])");
  Eni("eni-app", "subnet-app", "10.0.1.10");
  Eni("eni-app2", "subnet-app", "10.0.1.11");
  Eni("eni-db", "subnet-db", "10.0.2.10");
  Eni("eni-mid", "subnet-mid", "10.0.3.10");
  Set("NetworkInterfaces", "eni-mid", "SourceDestCheck", "false");
  Eni("eni-b", "subnet-b", "10.1.0.10");
  Set("NetworkInterfaces", "eni-b", "Association", R"({"PublicIp": "198.51.101.10"})");
  Eni("eni-c", "subnet-c", "10.0.0.10");
  Eni("eni-c2", "subnet-c", "10.0.0.11");
  Routes("rtb-pub", {"0.0.0.0/0 igw-a"});
  Routes("rtb-app", {"0.0.0.0/0 nat-a", "10.1.0.0/16 pcx-ab"});
  Routes("rtb-mid", {"0.0.0.0/0 igw-a"});
  Routes("rtb-b", {"0.0.0.0/0 igw-b", "10.0.0.0/16 pcx-ab"});
  for (const char* acl : {"acl-pub", "acl-app", "acl-db", "acl-b"}) {
    Acl(acl, {"in 100 allow all 0.0.0.0/0", "out 100 allow all 0.0.0.0/0"});
  }
}

VpcConfig& VpcConfig::In(const std::string& group, const Words& rules) {
  Json list = Json::array();
  std::transform(rules.begin(), rules.end(), std::back_inserter(list), Permission);
  return Set("SecurityGroups", group, "IpPermissions", list.dump());
}

VpcConfig& VpcConfig::Out(const std::string& group, const Words& rules) {
  Json list = Json::array();
  std::transform(rules.begin(), rules.end(), std::back_inserter(list), Permission);
  return Set("SecurityGroups", group, "IpPermissionsEgress", list.dump());
}

VpcConfig& VpcConfig::Acl(const std::string& acl, const Words& entries) {
  Json list = Json::array();
  std::transform(entries.begin(), entries.end(), std::back_inserter(list), Entry);
  return Set("NetworkAcls", acl, "Entries", list.dump());
}

VpcConfig& VpcConfig::Routes(const std::string& table, const Words& routes) {
  Json list = Json::array();
  std::transform(routes.begin(), routes.end(), std::back_inserter(list), RouteOf);
  return Set("RouteTables", table, "Routes", list.dump());
}

VpcConfig& VpcConfig::Groups(const std::string& eni, const Words& groups) {
  Json list = Json::array();
  for (const std::string& group : groups) {
    list.push_back({{"GroupId", group}});
  }
  return Set("NetworkInterfaces", eni, "Groups", list.dump());
}

VpcConfig& VpcConfig::Add(const std::string& list, const std::string& object_json) {
  Json config = Json::parse(text_);
  config[list].push_back(Json::parse(object_json));
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::Remove(const std::string& list, const std::string& id) {
  Json config = Json::parse(text_);
  Json kept = Json::array();
  for (Json& object : config[list]) {
    if (object.value(IdMember(list), "") != id) {
      kept.push_back(object);
    }
  }
  EXPECT_EQ(kept.size() + 1, config[list].size()) << "no " << id << " in " << list;
  config[list] = kept;
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::Set(const std::string& list, const std::string& id, const std::string& member,
                          const std::string& value_json) {
  Json config = Json::parse(text_);
  Object(config, list, id)[member] = Json::parse(value_json);
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::Eni(const std::string& id, const std::string& subnet,
                          const std::string& address) {
  Json config = Json::parse(text_);
  const std::string vpc = Object(config, "Subnets", subnet)["VpcId"];
  const std::string group = "sg-" + id.substr(4);
  const Json all = Json::array({Permission("all 0.0.0.0/0")});
  config["SecurityGroups"].push_back({{"GroupId", group},
                                      {"GroupName", id.substr(4)},
                                      {"VpcId", vpc},
                                      {"IpPermissions", all},
                                      {"IpPermissionsEgress", all}});
  config["NetworkInterfaces"].push_back({{"NetworkInterfaceId", id},
                                         {"SubnetId", subnet},
                                         {"PrivateIpAddress", address},
                                         {"MacAddress", MacText(address, vpc.back())},
                                         {"Groups", {{{"GroupId", group}}}}});
  config["Host"]["Ports"].push_back({{"Name", id}});
  config["Host"]["Attachments"].push_back({{"NetworkInterfaceId", id}, {"Port", id}});
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::Host(const std::string& host_json) {
  Json config = Json::parse(text_);
  config["Host"] = Json::parse(host_json);
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::MaxSessions(uint32_t pairs) {
  Json config = Json::parse(text_);
  config["Host"]["MaxSessions"] = pairs;
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::MaxSessionsPerInterface(uint32_t pairs) {
  Json config = Json::parse(text_);
  config["Host"]["MaxSessionsPerInterface"] = pairs;
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::MaxSessionsAt(const std::string& eni, uint32_t pairs) {
  Json config = Json::parse(text_);
  for (Json& entry : config["Host"]["Attachments"]) {
    if (entry["NetworkInterfaceId"] == eni) {
      entry["MaxSessions"] = pairs;
    }
  }
  text_ = config.dump();
  return *this;
}

VpcConfig& VpcConfig::Mtu(const std::string& port_name, uint32_t bytes) {
  Json config = Json::parse(text_);
  for (Json& entry : config["Host"]["Ports"]) {
    if (entry["Name"] == port_name) {
      entry["Mtu"] = bytes;
    }
  }
  text_ = config.dump();
  return *this;
}

std::string VpcConfig::Text() const {
  return text_;
}

std::shared_ptr<const ValidatedIntent> VpcConfig::Load() const {
  ValidationResult result = LoadIntentText("semantics.json", text_, {});
  std::string errors;
  for (const IntentIssue& issue : result.issues) {
    if (!issue.is_warning) {
      errors += issue.json_path + ": " + issue.what + "\n";
    }
  }
  EXPECT_NE(result.intent, nullptr) << errors;
  return result.intent;
}

}  // namespace sluice::testing
