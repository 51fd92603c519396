#include "control/intent/object_reader.h"

#include <algorithm>
#include <charconv>

#include "control/intent/nearest.h"

namespace sluice {
namespace {

constexpr std::string_view kInvalidValue = "InvalidParameterValue";

bool IsWordOf(std::string_view words, std::string_view word) {
  size_t at = words.find(word);
  while (at != std::string_view::npos) {
    const bool starts = at == 0 || words[at - 1] == ' ';
    const size_t end = at + word.size();
    if (starts && (end == words.size() || words[end] == ' ')) {
      return true;
    }
    at = words.find(word, at + 1);
  }
  return false;
}

}  // namespace

bool LoadContext::CheckMembers(JsonValue object, Shape shape, std::string_view object_id) {
  std::vector<char>& known = known_[static_cast<size_t>(shape)];
  known.resize(std::max(known.size(), names.size()));
  seen_.resize(std::max(seen_.size(), names.size()));
  ++object_number_;
  bool unique = true;
  for (JsonValue member = object.FirstChild(); member.exists(); member = member.NextSibling()) {
    const uint32_t id = member.NameId();
    if (seen_[id] == object_number_) {
      issues.Error(member, object_id, "the member is given twice in one object", kInvalidValue);
      unique = false;
    }
    seen_[id] = object_number_;
    if (known[id] == 0) {
      known[id] = IsWordOf(KnownMembers(shape), member.Name()) ? 1 : 2;
    }
    if (known[id] == 2 && warned_names_.emplace(member.Name()).second) {
      NearestName nearest(member.Name());
      nearest.OfferWords(KnownMembers(shape));
      issues.Warning(member, object_id,
                     "unknown member \"" + std::string(member.Name()) +
                         "\" is ignored here and wherever it appears" + nearest.Advice(""));
    }
  }
  return unique;
}

void LoadContext::Quota(JsonValue where, std::string_view object_id, std::string what,
                        std::string_view code) {
  if (options.enforce_quotas) {
    issues.Error(where, object_id, std::move(what), code);
  } else {
    issues.Warning(where, object_id, std::move(what), code);
  }
}

ObjectReader::ObjectReader(LoadContext* context, JsonValue object, Shape shape,
                           std::string_view object_id, bool* broken)
    : context_(context), object_(object), object_id_(object_id), broken_(broken) {
  if (!object.IsObject()) {
    WrongKind(object, "an object");
  } else if (!context->CheckMembers(object, shape, object_id)) {
    *broken_ = true;
  }
}

JsonValue ObjectReader::Get(std::string_view member) const {
  const JsonValue value = object_.Find(member);
  return value.exists() && value.kind() == JsonKind::kNull ? JsonValue() : value;
}

bool ObjectReader::Has(std::string_view member) const {
  const JsonValue value = Get(member);
  return value.exists() && (value.kind() != JsonKind::kString || !value.AsString().empty());
}

JsonValue ObjectReader::Where(std::string_view member) const {
  const JsonValue value = member.empty() ? JsonValue() : object_.Find(member);
  return value.exists() ? value : object_;
}

void ObjectReader::Error(std::string_view member, std::string what, std::string_view code) {
  *broken_ = true;
  if (object_.IsObject()) {  // else refused as a whole already
    context_->issues.Error(Where(member), object_id_, std::move(what), code);
  }
}

void ObjectReader::Warning(std::string_view member, std::string what, std::string_view code) {
  context_->issues.Warning(Where(member), object_id_, std::move(what), code);
}

void ObjectReader::WrongKind(JsonValue value, std::string_view expected) {
  *broken_ = true;
  context_->issues.Error(
      value, object_id_,
      std::string(expected) + " is expected here, not " + std::string(Describe(value.kind())),
      kInvalidValue);
}

std::optional<std::string> ObjectReader::Text(JsonValue value) {
  if (value.kind() == JsonKind::kString) {
    return std::string(value.AsString());
  }
  if (value.kind() == JsonKind::kInteger) {
    return std::to_string(value.AsInteger());
  }
  WrongKind(value, "a string");
  return std::nullopt;
}

std::string ObjectReader::String(std::string_view member) {
  const JsonValue value = Get(member);
  return value.exists() ? Text(value).value_or("") : "";
}

std::string ObjectReader::RequiredString(std::string_view member) {
  const JsonValue value = Get(member);
  if (!value.exists()) {
    Error({}, std::string(member) + " is missing", "MissingParameter");
    return "";
  }
  std::string text = Text(value).value_or("");
  if (text.empty() && value.kind() == JsonKind::kString) {
    Error(member, std::string(member) + " is empty", kInvalidValue);
  }
  return text;
}

std::optional<int64_t> ObjectReader::Integer(std::string_view member, int64_t min, int64_t max) {
  const JsonValue value = Get(member);
  if (!value.exists()) {
    return std::nullopt;
  }
  int64_t number = 0;
  bool whole = value.kind() == JsonKind::kInteger;
  if (whole) {
    number = value.AsInteger();
  } else if (value.kind() == JsonKind::kString) {
    const std::string_view text = value.AsString();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    whole = error == std::errc() && end == text.data() + text.size();
  }
  if (!whole) {
    WrongKind(value, "an integer");
    return std::nullopt;
  }
  if (number < min || number > max) {
    Error(
        member,
        std::to_string(number) + " is outside " + std::to_string(min) + ".." + std::to_string(max),
        kInvalidValue);
    return std::nullopt;
  }
  return number;
}

bool ObjectReader::Bool(std::string_view member, bool otherwise) {
  const JsonValue value = Get(member);
  if (!value.exists()) {
    return otherwise;
  }
  if (value.kind() != JsonKind::kBool) {
    WrongKind(value, "true or false");
    return otherwise;
  }
  return value.AsBool();
}

std::optional<Ipv4Address> ObjectReader::Address(std::string_view member) {
  const std::string text = String(member);
  if (text.empty()) {
    return std::nullopt;
  }
  const std::optional<Ipv4Address> address = ParseIpv4Address(text);
  if (!address) {
    Error(member, "\"" + text + "\" is not an IPv4 address", kInvalidValue);
  }
  return address;
}

std::optional<Ipv4Prefix> ObjectReader::Prefix(std::string_view member, bool keep_host_bits) {
  const std::string text = String(member);
  if (text.empty()) {
    return std::nullopt;
  }
  const std::optional<Ipv4Prefix> prefix = ParseIpv4Prefix(text);
  if (!prefix) {
    Error(member, "\"" + text + "\" is not an IPv4 CIDR block such as 10.0.0.0/16", kInvalidValue);
    return std::nullopt;
  }
  return keep_host_bits ? *prefix : prefix->Canonical();
}

std::vector<JsonValue> ObjectReader::List(std::string_view member) {
  std::vector<JsonValue> elements;
  const JsonValue value = Get(member);
  if (!value.exists()) {
    return elements;
  }
  if (!value.IsArray()) {
    WrongKind(value, "a list");
    return elements;
  }
  elements.reserve(value.ChildCount());
  for (JsonValue child = value.FirstChild(); child.exists(); child = child.NextSibling()) {
    elements.push_back(child);
  }
  return elements;
}

std::vector<std::string> ObjectReader::Strings(std::string_view member) {
  std::vector<std::string> strings;
  for (const JsonValue element : List(member)) {
    if (std::optional<std::string> text = Text(element)) {
      strings.push_back(*std::move(text));
    }
  }
  return strings;
}

std::optional<ObjectReader> ObjectReader::Object(std::string_view member, Shape shape) {
  const JsonValue value = Get(member);
  if (!value.exists()) {
    return std::nullopt;
  }
  return Nested(value, shape);
}

ObjectReader ObjectReader::Nested(JsonValue element, Shape shape) {
  return ObjectReader(context_, element, shape, object_id_, broken_);
}

std::vector<std::string> ObjectReader::StringsOf(std::string_view list, Shape shape,
                                                 std::string_view member) {
  std::vector<std::string> strings;
  for (const JsonValue element : List(list)) {
    std::string text = Nested(element, shape).RequiredString(member);
    if (!text.empty()) {
      strings.push_back(std::move(text));
    }
  }
  return strings;
}

}  // namespace sluice
