// Operator verbs about the configuration as a whole: apply, diff, export, rollback, explain. The
// operator's thread, without the control lock: they take it where they need it.
#pragma once

#include <string>

#include "control/api/daemon_view.h"
#include "control/api/operator_request.h"

namespace sluice {

std::string AnswerApply(const DaemonView& view, const OperatorRequest& request);
std::string AnswerDiff(const DaemonView& view, const OperatorRequest& request);
std::string AnswerExport(const DaemonView& view, const OperatorRequest& request);
std::string AnswerRollback(const DaemonView& view, const OperatorRequest& request);
std::string AnswerExplain(const DaemonView& view, const OperatorRequest& request);

}  // namespace sluice
