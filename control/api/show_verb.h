// Operator verbs that read the running state: show and top. The operator's thread, without the
// control lock: they take it.
#pragma once

#include <string>

#include "control/api/daemon_view.h"
#include "control/api/operator_request.h"

namespace sluice {

std::string AnswerShow(const DaemonView& view, const OperatorRequest& request);
std::string AnswerTop(const DaemonView& view);

}  // namespace sluice
