#include "control/intent/issue_list.h"

#include <algorithm>

namespace sluice {
namespace {

// Texts of a configuration are quoted in findings; nobody reads more of them than this.
constexpr size_t kMaxIdBytes = 255;
constexpr size_t kMaxTextBytes = 2000;

std::string Clipped(std::string text, size_t max_bytes) {
  if (text.size() <= max_bytes) {
    return text;
  }
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;  // not inside a UTF-8 sequence
  }
  text.resize(end);
  return text + "…";
}

}  // namespace

void IssueList::Add(JsonValue where, std::string_view object_id, std::string what,
                    std::string_view code, bool is_warning) {
  IntentIssue issue;
  issue.json_path = Clipped(where.Path(), kMaxTextBytes);
  issue.object_id = Clipped(std::string(object_id), kMaxIdBytes);
  issue.what = Clipped(std::move(what), kMaxTextBytes);
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
