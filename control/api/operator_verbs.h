// The daemon's side of the operator protocol (protocol.h): a request line in, an answer line out.
// Serves any daemon that fills a DaemonView. The operator socket's threads; configurations are
// read, compiled, compared and explained outside the control lock.
//
// Results, in JSON (with "As": "text" each is {"Text": "…"} instead: what the client prints):
//   apply, rollback  {"Generation", "Summary", "Changes": […] as of diff, "MoreChanges",
//                     "Effective", "Laggard": worker or null, "EffectiveAfterNs",
//                     "Issues": warnings of the configuration}
//   diff             {"Changes": [{"Kind", "List", "ObjectId", "Member", "Before", "After"}],
//                     "MoreChanges", "Refusal": why apply would refuse, or null, "Issues"}
//   export           the configuration
//   show sessions    {"sessions": […], "matched"}        show drops   {"ports": […], "total"}
//   show routes      {"routes": […], "matched"}          show ports   {"ports": […]}
//   show interfaces  {"interfaces": […], "matched"}      show stages  {"stages": […]}
//   show nat         {"nat_gateways": […], "matched",    show generations {"generations": […]}
//                     "nat_ports_exhausted", "nat_idle_timeout"}
//   explain          as `sluice explain -j`
//   top              {"time_ns", "ports", "total", "sessions": {"counted", "cache_only",
//                     "capacity"}, "workers": […], "nat_ports_in_use"}
//   stop             {}
// "ExitCode" beside "Ok" is what the client exits with: 0; 1 when the answer is no (a refused
// configuration, a dropped packet); 2 when the request was wrong.
#pragma once

#include <string>
#include <string_view>

#include "control/api/daemon_view.h"

namespace sluice {

// Bounds of answers.
inline constexpr uint32_t kDefaultRows = 1000;
inline constexpr uint32_t kMaxRows = 100'000;
inline constexpr size_t kMaxToldIssues = 1000;
inline constexpr size_t kMaxToldChanges = 10'000;

// Whether the request reads, compiles, prints or explains a configuration: one of many objects
// takes a while.
bool IsLongRequest(std::string_view request_line);

// Never throws. The answer is one line, without its end.
std::string AnswerOperator(const DaemonView& view, std::string_view request_line);

}  // namespace sluice
