// Collects findings while loading and validating, each at its place in the text. Control thread or
// an offline tool.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/intent/json_tree.h"
#include "control/intent/validated_intent.h"

namespace sluice {

class IssueList {
 public:
  // `where` may be absent: a finding about something nobody wrote.
  void Error(JsonValue where, std::string_view object_id, std::string what,
             std::string_view code = {});
  void Warning(JsonValue where, std::string_view object_id, std::string what,
               std::string_view code = {});
  // One warning for each distinct `kind`, however often it is found.
  void WarnOnce(std::string_view kind, JsonValue where, std::string_view object_id,
                std::string what);
  // For findings outside any document (a file that cannot be read).
  void ErrorAt(std::string json_path, std::string what);

  size_t error_count() const { return error_count_; }
  // All findings in the order of the files and of the text; empties the list.
  std::vector<IntentIssue> Take();

 private:
  struct Entry {
    uint64_t order;
    IntentIssue issue;
  };
  void Add(JsonValue where, std::string_view object_id, std::string what, std::string_view code,
           bool is_warning);

  std::vector<Entry> entries_;
  std::set<std::string, std::less<>> warned_kinds_;
  size_t error_count_ = 0;
};

}  // namespace sluice
