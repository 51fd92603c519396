// Answer lines of the operator protocol. Pure; any thread; never throws.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice {

inline constexpr int kAnswerYes = 0;
inline constexpr int kAnswerNo = 1;
inline constexpr int kAnswerUsage = 2;

// `result_json` is one JSON value, on any number of lines.
std::string ResultAnswer(std::string_view result_json, int exit_code = kAnswerYes);
// {"Text": text} as the result.
std::string TextAnswer(std::string_view text, int exit_code = kAnswerYes);
std::string ErrorAnswer(std::string_view what, int exit_code);
// "Unreadable": true beside the error: the client may send the texts instead.
std::string UnreadableAnswer(std::string_view path);
// A configuration that was refused, with the first kMaxToldIssues findings, errors first.
std::string RefusalAnswer(std::string_view what, const std::vector<IntentIssue>& issues);

// A JSON list of findings, at most kMaxToldIssues of them.
std::string IssuesJson(const std::vector<IntentIssue>& issues);
// A JSON string, quotes included; bytes that are no UTF-8 are replaced.
std::string Quoted(std::string_view text);

}  // namespace sluice
