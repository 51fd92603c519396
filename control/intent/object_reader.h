// Typed reading of one JSON object: every refusal becomes a finding with its path, and reading goes
// on. Control thread or an offline tool.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/intent/draft.h"
#include "control/intent/issue_list.h"
#include "control/intent/json_tree.h"
#include "control/intent/shapes.h"

namespace sluice {

// The state of one load.
class LoadContext {
 public:
  explicit LoadContext(const ValidationOptions& validation_options) : options(validation_options) {}

  // Warns about unknown members (once a name) and refuses repeated ones. False when one is
  // repeated.
  bool CheckMembers(JsonValue object, Shape shape, std::string_view object_id);
  // A warning, or an error under enforce_quotas.
  void Quota(JsonValue where, std::string_view object_id, std::string what, std::string_view code);

  const ValidationOptions options;
  JsonNames names;
  IssueList issues;
  Draft draft;

 private:
  std::array<std::vector<char>, kShapeCount> known_;  // by name id: 0 not yet asked, 1 known, 2 not
  std::set<std::string, std::less<>> warned_names_;
  std::vector<uint32_t> seen_;  // by name id: the number of the last object that had it
  uint32_t object_number_ = 0;
};

class ObjectReader {
 public:
  // `object_id` must outlive the reader; `broken` is set when anything is refused.
  ObjectReader(LoadContext* context, JsonValue object, Shape shape, std::string_view object_id,
               bool* broken);

  JsonValue object() const { return object_; }
  std::string_view object_id() const { return object_id_; }
  // Null and "" are as good as absent.
  bool Has(std::string_view member) const;

  // Absent, null or "": empty. Numbers where AWS prints strings are taken as written.
  std::string String(std::string_view member);
  std::string RequiredString(std::string_view member);
  std::optional<int64_t> Integer(std::string_view member, int64_t min, int64_t max);
  bool Bool(std::string_view member, bool otherwise);
  std::optional<Ipv4Address> Address(std::string_view member);
  // In canonical form (AWS-ADDR-02), unless host bits are asked for.
  std::optional<Ipv4Prefix> Prefix(std::string_view member, bool keep_host_bits = false);
  // Elements of a list; empty when absent.
  std::vector<JsonValue> List(std::string_view member);
  std::vector<std::string> Strings(std::string_view member);
  // The member's reader; nullopt when absent.
  std::optional<ObjectReader> Object(std::string_view member, Shape shape);
  ObjectReader Nested(JsonValue element, Shape shape);
  // Strings of one member of each object in a list: Groups[].GroupId.
  std::vector<std::string> StringsOf(std::string_view list, Shape shape, std::string_view member);

  void Error(std::string_view member, std::string what, std::string_view code);
  void Warning(std::string_view member, std::string what, std::string_view code = {});

 private:
  JsonValue Get(std::string_view member) const;  // absent when null
  JsonValue Where(std::string_view member) const;
  void WrongKind(JsonValue value, std::string_view expected);
  std::optional<std::string> Text(JsonValue value);

  LoadContext* context_;
  JsonValue object_;
  std::string_view object_id_;
  bool* broken_;
};

}  // namespace sluice
