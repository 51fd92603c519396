#include "control/api/answer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/api/operator_verbs.h"
#include "control/intent/check_report.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// JSON text has line ends between values only, never inside one (a string's are escaped).
std::string OnOneLine(std::string_view json) {
  std::string line;
  line.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    const size_t end = std::min(json.find('\n', at), json.size());
    line.append(json.substr(at, end - at));
    at = std::min(json.find_first_not_of(" \n", end), json.size());
  }
  return line;
}

}  // namespace

std::string Quoted(std::string_view text) {
  return Dump(std::string(text));
}

std::string ResultAnswer(std::string_view result_json, int exit_code) {
  return "{\"Ok\":true,\"ExitCode\":" + std::to_string(exit_code) +
         ",\"Result\":" + OnOneLine(result_json) + "}";
}

std::string TextAnswer(std::string_view text, int exit_code) {
  return ResultAnswer("{\"Text\":" + Quoted(text) + "}", exit_code);
}

std::string ErrorAnswer(std::string_view what, int exit_code) {
  return "{\"Ok\":false,\"ExitCode\":" + std::to_string(exit_code) + ",\"Error\":" + Quoted(what) +
         "}";
}

std::string UnreadableAnswer(std::string_view path) {
  return "{\"Ok\":false,\"ExitCode\":1,\"Error\":" +
         Quoted("sluiced cannot read " + std::string(path) +
                ": let its user read it, or send the texts") +
         ",\"Unreadable\":true}";
}

std::string RefusalAnswer(std::string_view what, const std::vector<IntentIssue>& issues) {
  std::vector<IntentIssue> sorted = issues;
  std::stable_partition(sorted.begin(), sorted.end(),
                        [](const IntentIssue& issue) { return !issue.is_warning; });
  return "{\"Ok\":false,\"ExitCode\":1,\"Error\":" + Quoted(what) +
         ",\"Issues\":" + IssuesJson(sorted) + "}";
}

std::string IssuesJson(const std::vector<IntentIssue>& issues) {
  const size_t told = std::min(issues.size(), kMaxToldIssues);
  return IssueListJson({issues.begin(), issues.begin() + static_cast<std::ptrdiff_t>(told)});
}

}  // namespace sluice
