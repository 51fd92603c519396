#include "control/api/operator_verbs.h"

#include "control/api/answer.h"
#include "control/api/config_verbs.h"
#include "control/api/show_verb.h"

namespace sluice {
namespace {

bool Runs(const DaemonView& view) {
  const std::lock_guard<std::mutex> lock(view.control);
  return view.applier.running() != nullptr;
}

// A longer line carries the texts of a configuration.
constexpr size_t kMaxShortRequestBytes = 4096;

}  // namespace

bool IsLongRequest(std::string_view request_line) {
  if (request_line.size() > kMaxShortRequestBytes) {
    return true;
  }
  const absl::StatusOr<OperatorRequest> request = ParseOperatorRequest(request_line);
  return request.ok() && request->verb != "show" && request->verb != "top" &&
         request->verb != "stop";
}

std::string AnswerOperator(const DaemonView& view, std::string_view request_line) {
  const absl::StatusOr<OperatorRequest> request = ParseOperatorRequest(request_line);
  if (!request.ok()) {
    return ErrorAnswer(std::string(request.status().message()), kAnswerUsage);
  }
  const std::string& verb = request->verb;
  if (verb != "stop" && !Runs(view)) {
    return ErrorAnswer("sluiced is still starting: ask again", kAnswerNo);
  }
  if (verb == "apply") {
    return AnswerApply(view, *request);
  }
  if (verb == "diff") {
    return AnswerDiff(view, *request);
  }
  if (verb == "export") {
    return AnswerExport(view, *request);
  }
  if (verb == "rollback") {
    return AnswerRollback(view, *request);
  }
  if (verb == "show") {
    return AnswerShow(view, *request);
  }
  if (verb == "explain") {
    return AnswerExplain(view, *request);
  }
  if (verb == "top") {
    return AnswerTop(view);
  }
  view.request_stop();  // "stop": the parser lets no other verb through
  return ResultAnswer("{}");
}

}  // namespace sluice
