#include "control/intent/issue_list.h"

#include <algorithm>

namespace sluice {

void IssueList::Add(JsonValue where, std::string_view object_id, std::string what,
                    std::string_view code, bool is_warning) {
  IntentIssue issue;
  issue.json_path = where.Path();
  issue.object_id = object_id;
  issue.what = std::move(what);
  issue.code = code;
  issue.is_warning = is_warning;
  error_count_ += is_warning ? 0 : 1;
  entries_.push_back({where.Order(), std::move(issue)});
}

void IssueList::Error(JsonValue where, std::string_view object_id, std::string what,
                      std::string_view code) {
  Add(where, object_id, std::move(what), code, false);
}

void IssueList::Warning(JsonValue where, std::string_view object_id, std::string what,
                        std::string_view code) {
  Add(where, object_id, std::move(what), code, true);
}

void IssueList::WarnOnce(std::string_view kind, JsonValue where, std::string_view object_id,
                         std::string what) {
  if (warned_kinds_.emplace(kind).second) {
    Add(where, object_id, std::move(what), {}, true);
  }
}

void IssueList::ErrorAt(std::string json_path, std::string what) {
  Add(JsonValue(), {}, std::move(what), {}, false);
  entries_.back().issue.json_path = std::move(json_path);
}

std::vector<IntentIssue> IssueList::Take() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.order < b.order; });
  std::vector<IntentIssue> issues;
  issues.reserve(entries_.size());
  for (Entry& entry : entries_) {
    issues.push_back(std::move(entry.issue));
  }
  entries_.clear();
  error_count_ = 0;
  return issues;
}

}  // namespace sluice
