#include "tests/property/config_mutator.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace sluice::testing {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPieces[] = {
    "{",     "}",    "[",  "]",  "\"",      ":",       ",",   "null", "-1",
    "1e999", "\xff", "//", "/*", "\\u0000", "\\ud800", "\\n", "NaN ", "18446744073709551616"};

const std::vector<Json>& OddValues() {
  static const std::vector<Json> values = {nullptr,
                                           true,
                                           -1,
                                           0,
                                           65536,
                                           4294967296,
                                           INT64_MIN,
                                           UINT64_MAX,
                                           1.5,
                                           "",
                                           " ",
                                           "x",
                                           "0.0.0.0/0",
                                           "10.0.0.0",
                                           "10.0.1.7/8",
                                           "255.255.255.255/32",
                                           "0.0.0.0",
                                           "::/0",
                                           "-1",
                                           "local",
                                           "internet",
                                           "services",
                                           "default",
                                           "deleted",
                                           "blackhole",
                                           "vgw-1",
                                           "pl-none",
                                           "ff:ff:ff:ff:ff:ff",
                                           std::string(1, '\0'),
                                           "a\nb",
                                           Json::array(),
                                           Json::object(),
                                           Json::array({nullptr}),
                                           Json::array({Json::object()})};
  return values;
}

void Collect(Json& value, std::vector<Json*>& nodes) {
  for (Json& child : value) {
    nodes.push_back(&child);
    if (child.is_structured()) {
      Collect(child, nodes);
    }
  }
}

void ChangeContainer(Json& node, const std::vector<Json*>& nodes, Random& random) {
  if (node.is_array()) {
    const size_t at = Below(random, static_cast<uint32_t>(node.size()));
    switch (Below(random, 3)) {
      case 0:
        node.erase(at);
        return;
      case 1:
        node.push_back(Json(node[at]));
        return;
      default:
        node.push_back(Json(*nodes[Below(random, static_cast<uint32_t>(nodes.size()))]));
        return;
    }
  }
  auto member = node.begin();
  std::advance(member, Below(random, static_cast<uint32_t>(node.size())));
  const std::string name = member.key();
  switch (Below(random, 3)) {
    case 0:
      node.erase(name);
      return;
    case 1:
      node[name + "X"] = Json(node[name]);
      node.erase(name);
      return;
    default:
      node[name] = Json(*nodes[Below(random, static_cast<uint32_t>(nodes.size()))]);
      return;
  }
}

}  // namespace

std::string MutateBytes(std::string text, Random& random) {
  for (uint32_t changes = 1 + Below(random, 4); changes > 0; --changes) {
    const size_t at = Below(random, static_cast<uint32_t>(text.size()));
    switch (Below(random, 4)) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, 1 + Below(random, 40));
        break;
      case 2:
        text.insert(at, kPieces[Below(random, std::size(kPieces))]);
        break;
      default:
        text.insert(
            at, text.substr(Below(random, static_cast<uint32_t>(text.size())), Below(random, 60)));
    }
    if (text.empty()) {
      text.assign(1, ' ');
    }
  }
  return text;
}

std::string MutateValues(const std::string& json_text, Random& random) {
  Json root = Json::parse(json_text);
  for (uint32_t changes = 1 + Below(random, 3); changes > 0; --changes) {
    std::vector<Json*> nodes;
    Collect(root, nodes);
    if (nodes.empty()) {
      break;
    }
    Json& node = *nodes[Below(random, static_cast<uint32_t>(nodes.size()))];
    if (node.is_structured() && !node.empty() && Chance(random, 80)) {
      ChangeContainer(node, nodes, random);
    } else if (Chance(random, 50)) {
      node = Json(OddValues()[Below(random, static_cast<uint32_t>(OddValues().size()))]);
    } else {
      node = Json(*nodes[Below(random, static_cast<uint32_t>(nodes.size()))]);
    }
  }
  return root.dump();
}

}  // namespace sluice::testing
