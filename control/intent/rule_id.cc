#include "control/intent/rule_id.h"

#include <cstdio>

namespace sluice {

std::string RuleText(const SecurityGroupRule& rule) {
  std::string text = std::to_string(rule.protocol);
  text += '|';
  text += std::to_string(rule.ports.from);
  text += '|';
  text += std::to_string(rule.ports.to);
  text += '|';
  if (rule.cidr) {
    text += ToString(*rule.cidr);
  }
  text += '|';
  text += rule.prefix_list_id;
  text += '|';
  text += rule.group_id;
  return text;
}

std::string MadeRuleId(std::string_view group_id, bool egress, std::string_view rule_text) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const std::string_view part :
       {group_id, std::string_view(egress ? "|egress|" : "|ingress|"), rule_text}) {
    for (const char c : part) {
      hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    }
  }
  char digits[24];
  std::snprintf(digits, sizeof(digits), "sgr-0%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

}  // namespace sluice
