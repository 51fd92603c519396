#include "tools/sluice/daemon_client.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "control/api/protocol.h"
#include "control/intent/check_report.h"
#include "control/intent/documents.h"
#include "tools/sluice/command_line.h"
#include "tools/sluice/flags.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

int ExitCodeOf(const Json& answer, int otherwise) {
  return answer.contains("ExitCode") && answer["ExitCode"].is_number_integer()
             ? answer["ExitCode"].get<int>()
             : otherwise;
}

std::string TextAt(const Json& json, const char* member) {
  return json.is_object() && json.contains(member) && json[member].is_string()
             ? json[member].get<std::string>()
             : std::string();
}

std::vector<IntentIssue> IssuesOf(const Json& answer) {
  std::vector<IntentIssue> issues;
  if (!answer.contains("Issues") || !answer["Issues"].is_array()) {
    return issues;
  }
  for (const Json& issue : answer["Issues"]) {
    issues.push_back({TextAt(issue, "Path"), TextAt(issue, "ObjectId"), TextAt(issue, "What"),
                      TextAt(issue, "Code"), TextAt(issue, "Severity") == "warning"});
  }
  return issues;
}

int PrintError(const Json& answer) {
  if (FLAGS_j) {
    std::printf("%s\n", Dump(answer, 2).c_str());
  } else {
    const std::vector<IntentIssue> issues = IssuesOf(answer);
    if (!issues.empty()) {
      std::fputs(CheckReportText({nullptr, issues}).c_str(), stderr);
    }
    std::fprintf(stderr, "sluice: %s\n", TextAt(answer, "Error").c_str());
  }
  return ExitCodeOf(answer, kExitNo);
}

int Print(const Json& answer) {
  if (answer.value("Ok", Json()) != true) {
    return PrintError(answer);
  }
  const Json result = answer.value("Result", Json());
  if (FLAGS_j) {
    std::printf("%s\n", Dump(result, 2).c_str());
  } else {
    std::fputs(TextAt(result, "Text").c_str(), stdout);
  }
  return ExitCodeOf(answer, kExitYes);
}

int PrintStatus(const absl::Status& status) {
  return PrintError({{"Ok", false}, {"Error", std::string(status.message())}});
}

Json Absolute(const std::vector<std::string>& paths) {
  Json absolute = Json::array();
  for (const std::string& path : paths) {
    std::error_code ignored;
    absolute.push_back(std::filesystem::absolute(path, ignored).lexically_normal().string());
  }
  return absolute;
}

absl::StatusOr<Json> ReadTexts(const std::vector<std::string>& paths) {
  Json texts = Json::array();
  for (const std::string& path : paths) {
    const absl::StatusOr<std::vector<std::string>> files = ListConfigFiles(path);
    if (!files.ok()) {
      return absl::NotFoundError(path + ": " + std::string(files.status().message()));
    }
    for (const std::string& file : *files) {
      absl::StatusOr<std::string> text = ReadConfigFile(file);
      if (!text.ok()) {
        return absl::Status(text.status().code(),
                            file + ": " + std::string(text.status().message()));
      }
      texts.push_back({{"Name", file}, {"Text", *std::move(text)}});
    }
  }
  return texts;
}

}  // namespace

absl::StatusOr<Json> Ask(const Json& request, int timeout_ms) {
  const std::string socket = FLAGS_socket.empty() ? DefaultSocketPath() : FLAGS_socket;
  const absl::StatusOr<std::string> line = AskDaemon(socket, Dump(request, -1), timeout_ms);
  if (!line.ok()) {
    return line.status();
  }
  Json answer = Json::parse(*line, nullptr, false);
  if (!answer.is_object() || !answer.contains("Ok")) {
    return absl::InternalError("what listens at " + socket + " is no sluiced");
  }
  return answer;
}

int AskAndPrint(Json request, int timeout_ms) {
  if (!FLAGS_j) {
    request["As"] = "text";
  }
  const absl::StatusOr<Json> answer = Ask(request, timeout_ms);
  return answer.ok() ? Print(*answer) : PrintStatus(answer.status());
}

int AskAboutPaths(Json request, const std::vector<std::string>& paths) {
  if (!FLAGS_j) {
    request["As"] = "text";
  }
  // A pipe or standard input is nothing to the daemon.
  const bool files = std::all_of(paths.begin(), paths.end(), [](const std::string& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error) ||
           std::filesystem::is_directory(path, error);
  });
  if (files) {
    Json with_paths = request;
    with_paths["Paths"] = Absolute(paths);
    const absl::StatusOr<Json> answer = Ask(with_paths, kConfigTimeoutMs);
    if (!answer.ok()) {
      return PrintStatus(answer.status());
    }
    if (answer->value("Unreadable", Json()) != true) {
      return Print(*answer);
    }
  }
  absl::StatusOr<Json> texts = ReadTexts(paths);
  if (!texts.ok()) {
    return PrintStatus(texts.status());
  }
  request["Texts"] = *std::move(texts);
  const absl::StatusOr<Json> answer = Ask(request, kConfigTimeoutMs);
  return answer.ok() ? Print(*answer) : PrintStatus(answer.status());
}

}  // namespace sluice
