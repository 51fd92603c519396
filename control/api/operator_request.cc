#include "control/api/operator_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/api/operator_verbs.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

struct VerbMembers {
  std::string_view verb;
  std::vector<std::string_view> members;
};

const std::vector<VerbMembers>& AllVerbMembers() {
  static const std::vector<VerbMembers> verbs = {
      {"apply", {"Paths", "Texts"}},
      {"diff", {"Paths", "Texts"}},
      {"export", {}},
      {"rollback", {"Generation"}},
      {"show", {"What", "Eni", "Vpc", "Table", "Proto", "Src", "Dst", "Port", "Limit"}},
      {"explain", {"From", "To", "Src", "Proto", "Sport", "Dport", "Icmp"}},
      {"top", {}},
      {"stop", {}},
  };
  return verbs;
}

absl::Status Wrong(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

std::string Listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    text += (text.empty() ? "" : ", ") + std::string(word);
  }
  return text;
}

absl::Status CheckMembers(const Json& json, const std::string& verb) {
  std::vector<std::string_view> verbs;
  for (const VerbMembers& known : AllVerbMembers()) {
    verbs.push_back(known.verb);
    if (known.verb != verb) {
      continue;
    }
    for (const auto& [name, value] : json.items()) {
      if (name != "Verb" && name != "As" &&
          std::find(known.members.begin(), known.members.end(), name) == known.members.end()) {
        return Wrong("\"" + verb + "\" has no member \"" + name + "\"; it has: As" +
                     (known.members.empty() ? "" : ", ") + Listed(known.members));
      }
    }
    return absl::OkStatus();
  }
  return Wrong("there is no verb \"" + verb + "\"; there are: " + Listed(verbs));
}

absl::Status ReadString(const Json& json, const char* member, std::string& out) {
  const auto found = json.find(member);
  if (found == json.end()) {
    return absl::OkStatus();
  }
  if (!found->is_string()) {
    return Wrong(std::string("\"") + member + "\" is a string");
  }
  out = found->get<std::string>();
  return absl::OkStatus();
}

// A whole number from `least` to `most`.
template <typename T>
absl::Status ReadNumber(const Json& json, const char* member, uint64_t least, uint64_t most,
                        T& out) {
  const auto found = json.find(member);
  if (found == json.end()) {
    return absl::OkStatus();
  }
  if (!found->is_number_unsigned() || found->get<uint64_t>() < least ||
      found->get<uint64_t>() > most) {
    return Wrong(std::string("\"") + member + "\" is a number from " + std::to_string(least) +
                 " to " + std::to_string(most));
  }
  out = static_cast<T>(found->get<uint64_t>());
  return absl::OkStatus();
}

absl::Status ReadPaths(const Json& json, OperatorRequest& request) {
  const auto found = json.find("Paths");
  if (found == json.end()) {
    return absl::OkStatus();
  }
  const auto is_path = [](const Json& path) {
    return path.is_string() && path.get_ref<const std::string&>().substr(0, 1) == "/";
  };
  if (!found->is_array() || !std::all_of(found->begin(), found->end(), is_path)) {
    return Wrong("\"Paths\" is a list of absolute paths");
  }
  request.paths = found->get<std::vector<std::string>>();
  return absl::OkStatus();
}

absl::Status ReadTexts(const Json& json, OperatorRequest& request) {
  const auto found = json.find("Texts");
  if (found == json.end()) {
    return absl::OkStatus();
  }
  const absl::Status wrong = Wrong("\"Texts\" is a list of {\"Name\": string, \"Text\": string}");
  if (!found->is_array()) {
    return wrong;
  }
  for (const Json& text : *found) {
    if (!text.is_object() || !text.contains("Name") || !text["Name"].is_string() ||
        !text.contains("Text") || !text["Text"].is_string()) {
      return wrong;
    }
    request.texts.push_back({text["Name"].get<std::string>(), text["Text"].get<std::string>()});
  }
  return absl::OkStatus();
}

absl::Status ReadMembers(const Json& json, OperatorRequest& request) {
  std::string as = "json";
  request.limit = kDefaultRows;
  for (const absl::Status& status : {
           ReadString(json, "As", as),
           ReadPaths(json, request),
           ReadTexts(json, request),
           ReadNumber(json, "Generation", 1, INT64_MAX, request.generation),
           ReadString(json, "What", request.what),
           ReadString(json, "Eni", request.eni),
           ReadString(json, "Vpc", request.vpc),
           ReadString(json, "Table", request.table),
           ReadString(json, "Dst", request.dst),
           ReadString(json, "Port", request.port),
           ReadNumber(json, "Limit", 1, kMaxRows, request.limit),
           ReadString(json, "From", request.words.from),
           ReadString(json, "To", request.words.to),
           ReadString(json, "Src", request.words.src),
           ReadString(json, "Proto", request.words.proto),
           ReadString(json, "Sport", request.words.sport),
           ReadString(json, "Dport", request.words.dport),
           ReadString(json, "Icmp", request.words.icmp),
       }) {
    if (!status.ok()) {
      return status;
    }
  }
  if (as != "json" && as != "text") {
    return Wrong("\"As\" is \"json\" or \"text\"");
  }
  request.as_text = as == "text";
  return absl::OkStatus();
}

// What a verb cannot do without.
absl::Status CheckNeeds(const OperatorRequest& request) {
  if ((request.verb == "apply" || request.verb == "diff") &&
      request.paths.empty() == request.texts.empty()) {
    return Wrong("\"" + request.verb + "\" needs either \"Paths\" or \"Texts\"");
  }
  if (request.verb == "rollback" && request.generation == 0) {
    return Wrong("\"rollback\" needs the \"Generation\" to go back to");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OperatorRequest> ParseOperatorRequest(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("Verb") || !json["Verb"].is_string()) {
    return Wrong("a request is one JSON object on one line with a \"Verb\"");
  }
  OperatorRequest request;
  request.verb = json["Verb"].get<std::string>();
  for (const auto& check : {CheckMembers(json, request.verb), ReadMembers(json, request)}) {
    if (!check.ok()) {
      return check;
    }
  }
  if (absl::Status status = CheckNeeds(request); !status.ok()) {
    return status;
  }
  return request;
}

}  // namespace sluice
