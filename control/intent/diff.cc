// Compares the two exports, which are canonical: sorted by id, defaults included.
#include "control/intent/diff.h"

#include <map>
#include <nlohmann/json.hpp>

#include "control/intent/export_tree.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

struct ListKey {
  const char* list;
  const char* id;
};
constexpr ListKey kKeys[] = {
    {"Vpcs", "VpcId"},
    {"Subnets", "SubnetId"},
    {"RouteTables", "RouteTableId"},
    {"InternetGateways", "InternetGatewayId"},
    {"NatGateways", "NatGatewayId"},
    {"NetworkAcls", "NetworkAclId"},
    {"SecurityGroups", "GroupId"},
    {"SecurityGroupRules", "SecurityGroupRuleId"},
    {"NetworkInterfaces", "NetworkInterfaceId"},
    {"Addresses", "PublicIp"},
    {"PrefixLists", "PrefixListId"},
    {"VpcEndpoints", "VpcEndpointId"},
    {"VpcPeeringConnections", "VpcPeeringConnectionId"},
    {"FlowLogs", "FlowLogId"},
    {"DhcpOptions", "DhcpOptionsId"},
};

// The name of a row, or empty when rows of this member have none.
std::string RowName(const std::string& member, const Json& row) {
  if (member == "Routes") {
    return row.contains("DestinationCidrBlock") ? row["DestinationCidrBlock"]
                                                : row["DestinationPrefixListId"];
  }
  if (member == "Entries" && row.contains("RuleNumber")) {
    return std::string(row["Egress"].get<bool>() ? "egress " : "ingress ") +
           std::to_string(row["RuleNumber"].get<int>());
  }
  if (member == "IpPermissions" || member == "IpPermissionsEgress") {
    return row.dump();  // a permission is its content
  }
  if (member == "PrivateIpAddresses") {
    return row["PrivateIpAddress"];
  }
  if (member == "Cidrs") {
    return row;
  }
  return "";
}

class Differ {
 public:
  std::vector<IntentChange> Run(const Json& before, const Json& after) {
    for (const ListKey& key : kKeys) {
      CompareLists(key, before, after);
    }
    const Json host_before = before.value("Host", Json());
    const Json host_after = after.value("Host", Json());
    if (!host_before.is_null() && !host_after.is_null()) {
      CompareObjects("Host", "Host", host_before, host_after);
    } else if (host_before != host_after) {
      Add(host_before.is_null() ? ChangeKind::kAdded : ChangeKind::kRemoved, "Host", "Host", "",
          Json(), Json());
    }
    return std::move(changes_);
  }

 private:
  static std::string Compact(const Json& value) { return value.is_null() ? "" : value.dump(); }

  void Add(ChangeKind kind, const std::string& list, const std::string& id,
           const std::string& member, const Json& before, const Json& after) {
    IntentChange change;
    change.kind = kind;
    change.list = list;
    change.object_id = id;
    change.member = member;
    change.before = Compact(before);
    change.after = Compact(after);
    changes_.push_back(std::move(change));
  }

  static std::map<std::string, const Json*> ById(const ListKey& key, const Json& root) {
    std::map<std::string, const Json*> objects;
    const auto list = root.find(key.list);
    if (list != root.end()) {
      for (const Json& object : *list) {
        objects.emplace(object[key.id].get<std::string>(), &object);
      }
    }
    return objects;
  }

  void CompareLists(const ListKey& key, const Json& before, const Json& after) {
    const auto old_objects = ById(key, before);
    const auto new_objects = ById(key, after);
    std::map<std::string, int> ids;
    for (const auto& [id, object] : old_objects) ids[id] |= 1;
    for (const auto& [id, object] : new_objects) ids[id] |= 2;
    for (const auto& [id, sides] : ids) {
      if (sides == 3) {
        CompareObjects(key.list, id, *old_objects.at(id), *new_objects.at(id));
      } else {
        Add(sides == 1 ? ChangeKind::kRemoved : ChangeKind::kAdded, key.list, id, "", Json(),
            Json());
      }
    }
  }

  void CompareObjects(const std::string& list, const std::string& id, const Json& before,
                      const Json& after) {
    const Json nothing;
    for (const auto& [member, value] : before.items()) {
      const auto found = after.find(member);
      const Json& other = found == after.end() ? nothing : *found;
      if (value != other) {
        CompareMembers(list, id, member, value, other);
      }
    }
    for (const auto& [member, value] : after.items()) {
      if (!before.contains(member)) {
        CompareMembers(list, id, member, Json(), value);
      }
    }
  }

  void CompareMembers(const std::string& list, const std::string& id, const std::string& member,
                      const Json& before, const Json& after) {
    std::map<std::string, Json> old_rows;
    std::map<std::string, Json> new_rows;
    if (!Rows(member, before, old_rows) || !Rows(member, after, new_rows) ||
        (before.is_null() && after.is_null())) {
      Add(ChangeKind::kChanged, list, id, member, before, after);
      return;
    }
    const size_t count = changes_.size();
    for (const auto& [name, row] : old_rows) {
      const auto other = new_rows.find(name);
      const Json now = other == new_rows.end() ? Json() : other->second;
      if (row != now) {
        Add(ChangeKind::kChanged, list, id, RowPath(member, name, row), row, now);
      }
    }
    for (const auto& [name, row] : new_rows) {
      if (old_rows.count(name) == 0) {
        Add(ChangeKind::kChanged, list, id, RowPath(member, name, row), Json(), row);
      }
    }
    if (changes_.size() == count) {  // the same rows in another order
      Add(ChangeKind::kChanged, list, id, member, before, after);
    }
  }

  static std::string RowPath(const std::string& member, const std::string& name, const Json& row) {
    return row.is_object() && name == row.dump() ? member + "[]" : member + "[" + name + "]";
  }

  static bool Rows(const std::string& member, const Json& value,
                   std::map<std::string, Json>& rows) {
    if (value.is_null()) {
      return true;
    }
    if (!value.is_array()) {
      return false;
    }
    for (const Json& row : value) {
      const std::string name = RowName(member, row);
      if (name.empty() || !rows.emplace(name, row).second) {
        return false;
      }
    }
    return true;
  }

  std::vector<IntentChange> changes_;
};

}  // namespace

std::vector<IntentChange> DiffIntents(const ValidatedIntent& before, const ValidatedIntent& after) {
  return Differ().Run(ExportIntentTree(before), ExportIntentTree(after));
}

std::string DiffText(const std::vector<IntentChange>& changes) {
  if (changes.empty()) {
    return "no change\n";
  }
  std::string text;
  for (const IntentChange& change : changes) {
    text += change.kind == ChangeKind::kAdded     ? "+ "
            : change.kind == ChangeKind::kRemoved ? "- "
                                                  : "~ ";
    text += change.list;
    if (change.object_id != change.list) {
      text += ' ';
      text += change.object_id;
    }
    if (!change.member.empty()) {
      text += ' ';
      text += change.member;
      text += ": ";
      text += change.before.empty() ? "nothing" : change.before;
      text += " -> ";
      text += change.after.empty() ? "nothing" : change.after;
    }
    text += '\n';
  }
  return text;
}

std::string DiffJson(const std::vector<IntentChange>& changes) {
  Json list = Json::array();
  for (const IntentChange& change : changes) {
    const char* kind = change.kind == ChangeKind::kAdded     ? "added"
                       : change.kind == ChangeKind::kRemoved ? "removed"
                                                             : "changed";
    list.push_back({{"Kind", kind},
                    {"List", change.list},
                    {"ObjectId", change.object_id},
                    {"Member", change.member.empty() ? Json() : Json(change.member)},
                    {"Before", change.before.empty() ? Json() : Json::parse(change.before)},
                    {"After", change.after.empty() ? Json() : Json::parse(change.after)}});
  }
  return Json({{"Changes", std::move(list)}}).dump(2) + "\n";
}

}  // namespace sluice
