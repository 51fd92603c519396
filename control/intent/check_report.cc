#include "control/intent/check_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

size_t CountErrors(const ValidationResult& result) {
  return static_cast<size_t>(
      std::count_if(result.issues.begin(), result.issues.end(),
                    [](const IntentIssue& issue) { return !issue.is_warning; }));
}

std::string Counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

std::string CheckReportText(const ValidationResult& result) {
  std::string text;
  for (const IntentIssue& issue : result.issues) {
    text += issue.is_warning ? "warning: " : "error: ";
    for (const std::string* part : {&issue.json_path, &issue.object_id}) {
      if (!part->empty()) {
        text += *part;
        text += ": ";
      }
    }
    text += issue.what;
    if (!issue.code.empty()) {
      text += " (" + issue.code + ")";
    }
    text += '\n';
  }
  const size_t errors = CountErrors(result);
  text += errors == 0 ? "valid: " : "not valid: ";
  return text + Counted(errors, "error") + ", " +
         Counted(result.issues.size() - errors, "warning") + "\n";
}

std::string CheckReportJson(const ValidationResult& result) {
  using Json = nlohmann::ordered_json;
  const size_t errors = CountErrors(result);
  Json issues = Json::array();
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json() : Json(text);
  };
  for (const IntentIssue& issue : result.issues) {
    issues.push_back({{"Severity", issue.is_warning ? "warning" : "error"},
                      {"Path", text_or_null(issue.json_path)},
                      {"ObjectId", text_or_null(issue.object_id)},
                      {"What", issue.what},
                      {"Code", text_or_null(issue.code)}});
  }
  const Json report = {{"Valid", errors == 0},
                       {"Errors", errors},
                       {"Warnings", result.issues.size() - errors},
                       {"Issues", std::move(issues)}};
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice
