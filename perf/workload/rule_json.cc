#include "perf/workload/rule_json.h"

#include <map>

#include "dataplane/packet/protocol.h"

namespace sluice {
namespace {

std::string Member(const char* name, uint32_t value) {
  return "\"" + std::string(name) + "\": " + std::to_string(value);
}

std::string PortsOfNacl(const PortRule& port) {
  if (port.protocol == kProtocolIcmp) {
    const bool all = port.key_high == 0xffff;
    return R"(, "IcmpTypeCode": {"Type": )" + (all ? "-1" : std::to_string(port.key_low >> 8)) +
           R"(, "Code": -1})";
  }
  if (port.protocol != kProtocolTcp && port.protocol != kProtocolUdp) {
    return "";
  }
  return R"(, "PortRange": {)" + Member("From", port.key_low) + ", " + Member("To", port.key_high) +
         "}";
}

std::string PortsOfGroup(const PortRule& port) {
  if (port.protocol == kProtocolIcmp) {
    const bool all = port.key_high == 0xffff;
    return R"(, "FromPort": )" + (all ? "-1" : std::to_string(port.key_low >> 8)) +
           R"(, "ToPort": -1)";
  }
  if (port.protocol != kProtocolTcp && port.protocol != kProtocolUdp) {
    return "";
  }
  return ", " + Member("FromPort", port.key_low) + ", " + Member("ToPort", port.key_high);
}

std::string ListName(size_t list) {
  return "pl-rules-" + std::to_string(list);
}

std::string ProtocolText(const PortRule& port) {
  return port.protocol == kAnyProtocol ? "-1" : std::to_string(port.protocol);
}

}  // namespace

std::string NaclEntriesJson(const RuleSet& set, bool egress) {
  std::string entries;
  uint32_t number = 0;
  for (const ClassifierRule& rule : set.rules()) {
    entries += "{" + Member("RuleNumber", ++number) + R"(, "Egress": )" +
               (egress ? "true" : "false") + R"(, "Protocol": ")" + ProtocolText(rule.port) +
               R"(", "RuleAction": "allow", "CidrBlock": ")" + ToString(rule.prefixes[0]) + "\"" +
               PortsOfNacl(rule.port) + "},";
  }
  return entries;
}

std::string GroupPermissionsJson(const RuleSet& set) {
  std::map<const Ipv4Prefix*, std::string> names;
  for (size_t list = 0; list < set.lists().size(); ++list) {
    names[set.lists()[list].data()] = ListName(list);
  }
  std::string permissions;
  for (const ClassifierRule& rule : set.rules()) {
    const auto named = names.find(rule.prefixes.data());
    permissions +=
        R"({"IpProtocol": ")" + ProtocolText(rule.port) + "\"" + PortsOfGroup(rule.port) +
        (named != names.end() ? R"(, "PrefixListIds": [{"PrefixListId": ")" + named->second
                              : R"(, "IpRanges": [{"CidrIp": ")" + ToString(rule.prefixes[0])) +
        "\"}]},";
  }
  return permissions;
}

std::string PrefixListsJson(const RuleSet& set) {
  std::string lists;
  for (size_t list = 0; list < set.lists().size(); ++list) {
    const std::vector<Ipv4Prefix>& prefixes = set.lists()[list];
    lists += (list == 0 ? "" : ",") + (R"({"PrefixListId": ")" + ListName(list)) +
             R"(", "PrefixListName": ")" + ListName(list) + "\", " +
             Member("MaxEntries", static_cast<uint32_t>(prefixes.size())) + R"(, "Entries": [)";
    const char* comma = "";
    for (const Ipv4Prefix& prefix : prefixes) {
      lists += comma + (R"({"Cidr": ")" + ToString(prefix)) + "\"}";
      comma = ", ";
    }
    lists += "]}";
  }
  return lists;
}

}  // namespace sluice
