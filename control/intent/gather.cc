#include "control/intent/gather.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <string>

#include "control/intent/loaders.h"
#include "control/intent/nearest.h"

namespace sluice {
namespace {

using Loader = void (*)(LoadContext&, JsonValue, std::string_view);

struct ListKind {
  std::string_view key;        // of the describe output
  std::string_view id_member;  // tells its objects apart
  Loader load;
};

constexpr std::array<ListKind, 17> kLists = {{
    {"Vpcs", "VpcId", LoadVpc},
    {"Subnets", "SubnetId", LoadSubnet},
    {"RouteTables", "RouteTableId", LoadRouteTable},
    {"InternetGateways", "InternetGatewayId", LoadInternetGateway},
    {"EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId", LoadEgressOnlyInternetGateway},
    {"NatGateways", "NatGatewayId", LoadNatGateway},
    {"NetworkAcls", "NetworkAclId", LoadNetworkAcl},
    {"SecurityGroups", "GroupId", LoadSecurityGroup},
    {"SecurityGroupRules", "SecurityGroupRuleId", LoadSecurityGroupRule},
    {"NetworkInterfaces", "NetworkInterfaceId", LoadNetworkInterface},
    {"Addresses", "PublicIp", LoadAddress},
    {"PrefixLists", "PrefixListId", LoadPrefixList},
    {"ManagedPrefixLists", "PrefixListId", LoadPrefixList},
    {"VpcEndpoints", "VpcEndpointId", LoadVpcEndpoint},
    {"VpcPeeringConnections", "VpcPeeringConnectionId", LoadVpcPeering},
    {"FlowLogs", "FlowLogId", LoadFlowLog},
    {"DhcpOptions", "DhcpOptionsId", LoadDhcpOptions},
}};

constexpr size_t kMaxIdBytes = 255;

// What clients add around the lists.
constexpr std::array<std::string_view, 2> kEnvelope = {"ResponseMetadata", "RequestId"};

// The same text for the same content: members sorted, lists as sets (AWS promises no order), absent
// = null. Tags may differ and are left out. Bounded by JsonTree::kMaxDepth.
std::string CanonicalText(JsonValue value, bool top) {
  switch (value.kind()) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBool:
      return value.AsBool() ? "true" : "false";
    case JsonKind::kInteger:
      return std::to_string(value.AsInteger());
    case JsonKind::kFloat:
      return "f" + std::to_string(value.AsFloat());
    case JsonKind::kString:
      return "\"" + std::to_string(value.AsString().size()) + ":" + std::string(value.AsString());
    case JsonKind::kArray:
    case JsonKind::kObject:
      break;
  }
  std::vector<std::string> parts;
  for (JsonValue child = value.FirstChild(); child.exists(); child = child.NextSibling()) {
    if (!value.IsObject()) {
      parts.push_back(CanonicalText(child, false));
    } else if (child.kind() != JsonKind::kNull &&
               !(top && (child.Name() == "Tags" || child.Name() == "TagSet"))) {
      parts.push_back(std::string(child.Name()) + "=" + CanonicalText(child, false));
    }
  }
  std::sort(parts.begin(), parts.end());
  std::string text(value.IsObject() ? "{" : "[");
  for (const std::string& part : parts) {
    text += part;
    text += ',';
  }
  return text + (value.IsObject() ? "}" : "]");
}

class Gatherer {
 public:
  explicit Gatherer(LoadContext& context) : context_(context) {}

  void AddDocument(JsonValue root) {
    if (!root.IsObject()) {
      context_.issues.Error(root, {},
                            "an object is expected here, not " + std::string(Describe(root.kind())),
                            "InvalidParameterValue");
      return;
    }
    for (JsonValue member = root.FirstChild(); member.exists(); member = member.NextSibling()) {
      AddKey(member);
    }
  }

  void Load() {
    for (size_t i = 0; i < kLists.size(); ++i) {
      for (const Element& element : elements_[i]) {
        kLists[i].load(context_, element.object, element.id);
      }
    }
    if (host_.exists()) {
      LoadHost(context_, host_);
    }
  }

 private:
  struct Element {
    JsonValue object;
    std::string_view id;
  };

  void AddKey(JsonValue member) {
    const std::string_view key = member.Name();
    for (size_t i = 0; i < kLists.size(); ++i) {
      if (kLists[i].key == key) {
        AddList(i, member);
        return;
      }
    }
    if (key == "Host") {
      AddHost(member);
    } else if (key == "NextToken") {
      if (member.kind() == JsonKind::kString && !member.AsString().empty()) {
        context_.issues.Warning(member, {},
                                "this output is one page of several: the rest is in "
                                "the pages that follow NextToken");
      }
    } else if (key == "Reservations") {
      AddInstances(member);
    } else if (std::find(kEnvelope.begin(), kEnvelope.end(), key) == kEnvelope.end()) {
      NearestName nearest(key);
      for (const ListKind& list : kLists) {
        nearest.Offer(list.key);
      }
      nearest.Offer("Host");
      context_.issues.WarnOnce(
          "key " + std::string(key), member, {},
          "unknown key \"" + std::string(key) + "\" is ignored" + nearest.Advice(""));
    }
  }

  // Instances say nothing about packets here; those that are gone get their warning all the same.
  void AddInstances(JsonValue reservations) {
    for (JsonValue r = reservations.IsArray() ? reservations.FirstChild() : JsonValue(); r.exists();
         r = r.NextSibling()) {
      const JsonValue instances = r.Find("Instances");
      for (JsonValue i = instances.IsArray() ? instances.FirstChild() : JsonValue(); i.exists();
           i = i.NextSibling()) {
        const JsonValue state = i.Find("State").Find("Name");
        const JsonValue id = i.Find("InstanceId");
        if (state.exists() && state.kind() == JsonKind::kString && id.exists() &&
            id.kind() == JsonKind::kString) {
          IsIgnoredState(context_, i, id.AsString(), "instance", state.AsString(), "terminated");
        }
      }
    }
  }

  void AddHost(JsonValue member) {
    if (member.kind() == JsonKind::kNull) {
      return;
    }
    if (!host_.exists()) {
      host_ = member;
    } else if (CanonicalText(host_, false) != CanonicalText(member, false)) {
      context_.issues.Error(member, "Host",
                            "Host is given differently here and at " + host_.Path());
    }
  }

  void AddList(size_t list, JsonValue member) {
    if (member.kind() == JsonKind::kNull) {
      return;
    }
    if (!member.IsArray()) {
      context_.issues.Error(member, {},
                            "a list is expected here, not " + std::string(Describe(member.kind())),
                            "InvalidParameterValue");
      return;
    }
    for (JsonValue object = member.FirstChild(); object.exists(); object = object.NextSibling()) {
      AddElement(list, object);
    }
  }

  // Ids name files, ports and columns of flow logs, besides objects.
  void CheckId(const ListKind& kind, JsonValue id) {
    const std::string_view text = id.AsString();
    const bool plain =
        text.size() <= kMaxIdBytes && std::none_of(text.begin(), text.end(), [](char c) {
          return (c >= 0 && c <= ' ') || c == 0x7f || c == '/';
        });
    if (!plain) {
      context_.issues.Error(
          id, text,
          "an id has 1 to 255 bytes, none of them a blank, a slash or a control character",
          "InvalidParameterValue");
    } else if (kind.load == LoadNetworkInterface && (text == "internet" || text == "services")) {
      context_.issues.Error(
          id, text, "\"" + std::string(text) + "\" names a side of the router: use another id",
          "InvalidParameterValue");
    }
  }

  void AddElement(size_t list, JsonValue object) {
    const ListKind& kind = kLists[list];
    if (!object.IsObject()) {
      context_.issues.Error(
          object, {}, "an object is expected here, not " + std::string(Describe(object.kind())),
          "InvalidParameterValue");
      return;
    }
    JsonValue id = object.Find(kind.id_member);
    if (kind.key == "Addresses" && !id.exists()) {
      id = object.Find("AllocationId");
    }
    if (!id.exists() || id.kind() != JsonKind::kString || id.AsString().empty()) {
      const std::string member(kind.id_member);
      context_.issues.Error(
          id.exists() ? id : object, {},
          !id.exists() ? member + " is missing" : member + " must be a string that is not empty",
          id.exists() ? "InvalidParameterValue" : "MissingParameter");
      return;
    }
    if (kind.key != "Addresses") {  // an address has a form of its own
      CheckId(kind, id);
    }
    const auto [first, inserted] = first_[list].try_emplace(
        absl::string_view(id.AsString().data(), id.AsString().size()), object);
    // These have views of their own that unite: the two accounts of a peering, and the two
    // commands that print prefix lists under the one key PrefixLists.
    const bool unites = kind.key == "VpcPeeringConnections" || kind.load == LoadPrefixList;
    if (!inserted && !unites) {
      if (CanonicalText(first->second, true) != CanonicalText(object, true)) {
        context_.issues.Error(object, id.AsString(),
                              "the object is given twice with different content; the other is at " +
                                  first->second.Path());
      }
      return;
    }
    elements_[list].push_back({object, id.AsString()});
  }

  LoadContext& context_;
  std::array<std::vector<Element>, kLists.size()> elements_;
  std::array<absl::flat_hash_map<absl::string_view, JsonValue>, kLists.size()> first_;
  JsonValue host_;
};

}  // namespace

void GatherDraft(const Documents& documents, LoadContext& context) {
  Gatherer gatherer(context);
  for (const std::unique_ptr<JsonTree>& tree : documents.trees()) {
    gatherer.AddDocument(tree->Root());
  }
  gatherer.Load();
}

}  // namespace sluice
