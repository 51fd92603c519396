#include "control/api/config_verbs.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "control/api/answer.h"
#include "control/api/operator_verbs.h"
#include "control/explain/explanation.h"
#include "control/intent/diff.h"
#include "control/intent/documents.h"

namespace sluice {
namespace {

std::string Counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// The first of the paths that this process cannot read, or empty. The client may be another user,
// see other mounts or mean a pipe of its own: it then sends the texts.
std::string FirstUnreadable(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const absl::StatusOr<std::vector<std::string>> files = ListConfigFiles(path);
    if (!files.ok()) {
      return path;
    }
    for (const std::string& file : *files) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error) || access(file.c_str(), R_OK) != 0) {
        return file;
      }
    }
  }
  return "";
}

ValidationResult Load(const DaemonView& view, const OperatorRequest& request) {
  const ValidationOptions options = {.enforce_quotas = view.enforce_quotas};
  return request.paths.empty() ? LoadIntentTexts(request.texts, options)
                               : LoadIntent(request.paths, options);
}

struct Running {
  uint64_t generation = 0;
  std::shared_ptr<const ValidatedIntent> intent;
};

Running RunningNow(const DaemonView& view) {
  const std::lock_guard<std::mutex> lock(view.control);
  return {view.applier.generation(), view.applier.running()->intent};
}

std::string Refusal(const DaemonView& view, const ValidationResult& loaded) {
  const auto errors = static_cast<size_t>(
      std::count_if(loaded.issues.begin(), loaded.issues.end(),
                    [](const IntentIssue& issue) { return !issue.is_warning; }));
  return RefusalAnswer("the configuration is not valid (" + Counted(errors, "error") +
                           "); generation " + std::to_string(RunningNow(view).generation) +
                           " goes on",
                       loaded.issues);
}

// The first kMaxToldChanges changes and how many more there are.
struct ToldChanges {
  explicit ToldChanges(std::vector<IntentChange> changes)
      : more(changes.size() - std::min(changes.size(), kMaxToldChanges)) {
    changes.resize(changes.size() - more);
    told = std::move(changes);
  }
  std::string Text() const {
    return DiffText(told) + (more == 0 ? "" : "and " + std::to_string(more) + " more\n");
  }
  // DiffJson's one member, open for more: {"Changes": […]
  std::string OpenJson() const {
    std::string json = DiffJson(told);
    json.resize(json.rfind('}'));
    return json + ",\"MoreChanges\":" + std::to_string(more);
  }

  size_t more;
  std::vector<IntentChange> told;
};

std::string WarningsText(const std::vector<IntentIssue>& warnings) {
  return warnings.empty() ? ""
                          : Counted(warnings.size(), "warning") + "; `sluice check` lists them\n";
}

std::string ReportAnswer(const OperatorRequest& request, ApplyReport report,
                         const std::vector<IntentIssue>& warnings) {
  const uint64_t changes = report.changes.size();
  const ToldChanges told(std::move(report.changes));
  if (request.as_text) {
    std::string text = "generation " + std::to_string(report.generation);
    text += report.effective ? " runs: " + Counted(changes, "change") + "\n"
                             : " is published, but worker " + std::to_string(report.laggard) +
                                   " has not taken it up within 1 s; it will as soon as it comes "
                                   "round\n";
    return TextAnswer(text + (changes == 0 ? "" : told.Text()) + WarningsText(warnings));
  }
  return ResultAnswer(told.OpenJson() + ",\"Generation\":" + std::to_string(report.generation) +
                      ",\"Summary\":" + Quoted(report.summary) +
                      ",\"Effective\":" + (report.effective ? "true" : "false") + ",\"Laggard\":" +
                      (report.laggard == kNoWorker ? "null" : std::to_string(report.laggard)) +
                      ",\"EffectiveAfterNs\":" + std::to_string(report.effective_after_ns) +
                      ",\"Issues\":" + IssuesJson(warnings) + "}");
}

std::string NotDone(const DaemonView& view, const absl::Status& status) {
  return ErrorAnswer(std::string(status.message()) + "; generation " +
                         std::to_string(RunningNow(view).generation) + " goes on",
                     kAnswerNo);
}

}  // namespace

std::string AnswerApply(const DaemonView& view, const OperatorRequest& request) {
  if (const std::string path = FirstUnreadable(request.paths); !path.empty()) {
    return UnreadableAnswer(path);
  }
  const ValidationResult loaded = Load(view, request);
  if (loaded.intent == nullptr) {
    return Refusal(view, loaded);
  }
  absl::StatusOr<ApplyReport> report = view.applier.Apply(loaded.intent);
  return report.ok() ? ReportAnswer(request, *std::move(report), loaded.issues)
                     : NotDone(view, report.status());
}

std::string AnswerRollback(const DaemonView& view, const OperatorRequest& request) {
  absl::StatusOr<ApplyReport> report = view.applier.Rollback(request.generation);
  return report.ok() ? ReportAnswer(request, *std::move(report), {})
                     : NotDone(view, report.status());
}

std::string AnswerDiff(const DaemonView& view, const OperatorRequest& request) {
  if (const std::string path = FirstUnreadable(request.paths); !path.empty()) {
    return UnreadableAnswer(path);
  }
  const ValidationResult loaded = Load(view, request);
  if (loaded.intent == nullptr) {
    return Refusal(view, loaded);
  }
  const Running running = RunningNow(view);
  const ToldChanges told(DiffIntents(*running.intent, *loaded.intent));
  const absl::Status host = CheckSameHost(running.intent->host(), *loaded.intent);
  const std::string refusal(host.message());
  const int exit_code = host.ok() ? kAnswerYes : kAnswerNo;
  if (request.as_text) {
    return TextAnswer(told.Text() + (host.ok() ? "" : "apply would refuse it: " + refusal + "\n") +
                          WarningsText(loaded.issues),
                      exit_code);
  }
  return ResultAnswer(told.OpenJson() + ",\"Refusal\":" + (host.ok() ? "null" : Quoted(refusal)) +
                          ",\"Issues\":" + IssuesJson(loaded.issues) + "}",
                      exit_code);
}

std::string AnswerExport(const DaemonView& view, const OperatorRequest& request) {
  const std::string json = ExportIntentJson(*RunningNow(view).intent);
  return request.as_text ? TextAnswer(json) : ResultAnswer(json);
}

std::string AnswerExplain(const DaemonView& view, const OperatorRequest& request) {
  const absl::StatusOr<Question> question = ReadQuestion(request.words);
  if (!question.ok()) {
    return ErrorAnswer(std::string(question.status().message()), kAnswerUsage);
  }
  const absl::StatusOr<Explanation> explanation = Explain(*RunningNow(view).intent, *question);
  if (!explanation.ok()) {
    return ErrorAnswer(std::string(explanation.status().message()), kAnswerUsage);
  }
  return request.as_text
             ? TextAnswer(RenderExplanationText(*explanation), explanation->exit_code())
             : ResultAnswer(RenderExplanationJson(*explanation), explanation->exit_code());
}

}  // namespace sluice
