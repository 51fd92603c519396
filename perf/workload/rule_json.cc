#include "perf/workload/rule_json.h"

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
  std::string permissions;
  for (const ClassifierRule& rule : set.rules()) {
    permissions += R"({"IpProtocol": ")" + ProtocolText(rule.port) + "\"" +
                   PortsOfGroup(rule.port) + R"(, "IpRanges": [)";
    const char* comma = "";
    for (const Ipv4Prefix& prefix : rule.prefixes) {
      permissions += comma + (R"({"CidrIp": ")" + ToString(prefix)) + "\"}";
      comma = ", ";
    }
    permissions += "]},";
  }
  return permissions;
}

}  // namespace sluice
