#include "control/intent/check_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

size_t CountErrors(const ValidationResult& result) {
  return static_cast<size_t>(
      std::count_if(result.issues.begin(), result.issues.end(),
                    [](const IntentIssue& issue) { return !issue.is_warning; }));
}

std::string Counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// A piece of a report's line: whatever the configuration holds, no line break, no terminal's escape
// sequence and no megabyte comes out.
std::string OneLine(std::string_view text) {
  constexpr size_t kMaxBytes = 1000;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    if (line.size() >= kMaxBytes && (byte & 0xc0) != 0x80) {  // not inside a character
      return line + "…";
    }
    if (byte >= 0x20 && byte != 0x7f) {
      line += text[i];
    } else {
      line += std::string("\\u00") + kDigits[byte >> 4] + kDigits[byte & 0xf];
    }
  }
  return line;
}

Json ToJson(const std::vector<IntentIssue>& issues) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json() : Json(text);
  };
  Json list = Json::array();
  for (const IntentIssue& issue : issues) {
    list.push_back({{"Severity", issue.is_warning ? "warning" : "error"},
                    {"Path", text_or_null(issue.json_path)},
                    {"ObjectId", text_or_null(issue.object_id)},
                    {"What", issue.what},
                    {"Code", text_or_null(issue.code)}});
  }
  return list;
}

}  // namespace

std::string CheckReportText(const ValidationResult& result) {
  std::string text;
  for (const IntentIssue& issue : result.issues) {
    text += issue.is_warning ? "warning: " : "error: ";
    for (const std::string* part : {&issue.json_path, &issue.object_id}) {
      if (!part->empty()) {
        text += OneLine(*part);
        text += ": ";
      }
    }
    text += OneLine(issue.what);
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
  const size_t errors = CountErrors(result);
  const Json report = {{"Valid", errors == 0},
                       {"Errors", errors},
                       {"Warnings", result.issues.size() - errors},
                       {"Issues", ToJson(result.issues)}};
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string IssueListJson(const std::vector<IntentIssue>& issues) {
  return ToJson(issues).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice
