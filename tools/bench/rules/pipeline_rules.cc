#include "tools/bench/rules/pipeline_rules.h"

#include <string>

#include "absl/status/status.h"
#include "perf/workload/rule_json.h"
#include "perf/workload/sample_network.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_request.h"
#include "tools/bench/forward_run.h"
#include "tools/sluice/config_source.h"

namespace sluice {
namespace {

constexpr uint32_t kFlows = 1000;
constexpr uint32_t kMostGroupRules = 100'000;  // more is hundreds of megabytes of JSON

std::shared_ptr<const ValidatedIntent> Network(const RuleSetOptions& options) {
  const RuleSet set(options);
  SampleNetwork network;
  network.rules = 1;
  network.senders = FLAGS_senders;
  network.seed = FLAGS_seed;
  network.max_sessions = 4096;
  if (options.list == RuleListKind::kNacl) {
    network.app_ingress_entries = NaclEntriesJson(set, false);
    network.app_egress_entries = NaclEntriesJson(set, true);
  } else {
    network.app_egress_permissions = GroupPermissionsJson(set);
  }
  return LoadIntentText("generated", SampleNetworkJson(network), {}).intent;
}

absl::Status Measure(const std::string& name, ForwardRequest& request, ContestRow& row) {
  const auto bench = Workbench::Make(request.bench);
  if (!bench.ok()) {
    return bench.status();
  }
  const ForwardResult result = RunForward(**bench, request.forward);
  Figure figure = MakeForwardFigure(**bench, request, result);
  figure.name = name;
  row.figures.push_back(std::move(figure));
  for (const std::string& claim : BrokenClaims(result.totals, request.forward.session_cache)) {
    row.mistaken.push_back(name + ": " + claim);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ContestRow> MeasurePipelineRules(const RuleSetOptions& set) {
  ContestRow row;
  const std::string name =
      "rules/" + std::string(RuleShapeName(set.shape)) + "/pipeline:" + std::to_string(set.rules);
  const bool nacl = set.list == RuleListKind::kNacl;
  const uint32_t most = nacl ? kMostNaclRules : kMostGroupRules;
  row.memory_mode = MemoryModeNow();
  if (set.rules > most) {
    row.absent.push_back(name + ": " + (nacl ? "a network ACL" : "a generated security group") +
                         " holds at most " + std::to_string(most) + " rules");
    return row;
  }
  ForwardRequest request;
  if (!ReadForwardFlags(request)) {
    return absl::InvalidArgumentError("the flags of `forward` are wrong");
  }
  SetFlows(kFlows, request);
  request.bench.intent = Network(set);
  if (request.bench.intent == nullptr) {
    return absl::InternalError(name + ": the generated configuration is wrong");
  }
  for (const bool cache : {true, false}) {
    if (cache && !FLAGS_session_cache) {
      continue;
    }
    request.bench.session_cache = request.forward.session_cache = cache;
    const absl::Status status = Measure(name + (cache ? "/cache:on" : "/cache:off"), request, row);
    if (!status.ok()) {
      return status;
    }
  }
  return row;
}

}  // namespace sluice
