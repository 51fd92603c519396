#include "tools/bench/rules/pipeline_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "perf/workload/rule_network.h"
#include "tools/bench/flags.h"
#include "tools/bench/forward_run.h"
#include "tools/sluice/config_source.h"

namespace sluice {
namespace {

constexpr uint32_t kMostTargets = 65'536;
// The reference world reads a list from its beginning for every sampled packet: 100 at least, and
// as many as take it seconds.
constexpr uint32_t kLeastSamples = 100;
constexpr uint32_t kMostRulesRead = 100'000'000;
constexpr std::string_view kUntracked =
    "flows are to port 443, which is open to everybody: they are not tracked, so that every packet "
    "outwards asks its group; no NAT gateway";

size_t Destinations(const Workbench& bench) {
  std::set<uint32_t> destinations;
  for (const OpenFlow& flow : bench.flows()) {
    destinations.insert(flow.initiator.dst);
  }
  return destinations.size();
}

// Subnets of the senders; each has a list of its own, or all have the group's.
size_t Subnets(const Workbench& bench) {
  std::map<uint32_t, std::string> subnet_of;
  for (const NetworkInterface& eni : bench.config().intent->intent().network_interfaces) {
    subnet_of[eni.addresses.front().address.value] = eni.subnet_id;
  }
  std::set<std::string> subnets;
  for (const OpenFlow& flow : bench.flows()) {
    subnets.insert(subnet_of.at(flow.initiator.src));
  }
  return subnets.size();
}

class PipelineRules {
 public:
  PipelineRules(const RuleSetOptions& set, ForwardRequest& request)
      : set_(set), lists_(RuleListsOf(set.list, set.rules)), request_(request) {
    name_ = "rules/" + std::string(RuleShapeName(set.shape)) +
            "/pipeline:" + std::to_string(set.rules) +
            (lists_ == 1 ? "" : "/acls:" + std::to_string(lists_));
  }

  absl::StatusOr<ContestRow> Run();

 private:
  absl::Status Load();
  absl::Status Measure(bool cache);
  void TakeNotes();

  const RuleSetOptions set_;
  const uint32_t lists_;
  ForwardRequest& request_;
  std::string name_;
  uint64_t rules_ = 0;  // in the loaded configuration
  ContestRow row_;
};

absl::Status PipelineRules::Load() {
  const uint32_t flows = request_.bench.flows;
  uint32_t& samples = request_.forward.sampled_packets;
  samples = std::min(samples, std::max(kLeastSamples, kMostRulesRead / set_.rules));
  RuleNetwork made =
      MakeRuleNetwork(set_, FLAGS_senders, std::min(flows + flows / 4, kMostTargets));
  made.network.max_sessions = std::max<uint64_t>(4096, uint64_t{flows} + flows / 16);
  request_.bench.targets = std::move(made.targets);
  request_.bench.intent = LoadIntentText("generated", SampleNetworkJson(made.network), {}).intent;
  if (request_.bench.intent == nullptr) {
    return absl::InternalError(name_ + ": the generated configuration is wrong");
  }
  rules_ = CountNetworkRules(*request_.bench.intent, set_.list);
  if (set_.list == RuleListKind::kNacl && rules_ != set_.rules) {
    row_.mistaken.push_back(name_ + ": the configuration holds " + std::to_string(rules_) +
                            " rules");
  }
  return absl::OkStatus();
}

absl::Status PipelineRules::Measure(bool cache) {
  request_.bench.session_cache = request_.forward.session_cache = cache;
  const auto bench = Workbench::Make(request_.bench);
  if (!bench.ok()) {
    return bench.status();
  }
  const ForwardResult result = RunForward(**bench, request_.forward);
  Figure figure = MakeForwardFigure(**bench, request_, result);
  figure.name = name_ + (cache ? "/cache:on" : "/cache:off");
  figure.counters.insert(
      figure.counters.end(),
      {{"rules", static_cast<double>(rules_)},
       {"lists", lists_},
       {"bytes", static_cast<double>((*bench)->config().snapshot->classifiers->bytes())},
       {"destinations", static_cast<double>(Destinations(**bench))}});
  std::vector<std::string> broken = BrokenClaims(result.totals, cache);
  if (const size_t met = Subnets(**bench); met != lists_) {
    broken.push_back("flows have met " + std::to_string(met) + " lists, expected " +
                     std::to_string(lists_));
  }
  const uint32_t tracked = (*bench)->dataplane().sessions().Counts().counted;
  if (set_.list == RuleListKind::kGroups && tracked != 0) {
    broken.push_back(std::to_string(tracked) + " flows are tracked and do not ask their group");
  }
  for (const std::string& claim : broken) {
    row_.mistaken.push_back(figure.name + ": " + claim);
  }
  row_.figures.push_back(std::move(figure));
  return absl::OkStatus();
}

absl::StatusOr<ContestRow> PipelineRules::Run() {
  row_.memory_mode = MemoryModeNow();
  if (absl::Status status = Load(); !status.ok()) {
    return status;
  }
  for (const bool cache : {true, false}) {
    if (cache && !FLAGS_session_cache) {
      continue;
    }
    if (absl::Status status = Measure(cache); !status.ok()) {
      return status;
    }
  }
  TakeNotes();
  return std::move(row_);
}

void PipelineRules::TakeNotes() {
  const std::string row = "pipeline:" + std::to_string(set_.rules);
  if (lists_ != 1) {
    row_.notes.push_back(row + ": " + std::to_string(lists_) +
                         " network ACLs, each of a subnet of its own: one ends with rule 32,766; "
                         "packets over all of them");
  }
  if (rules_ != set_.rules) {
    row_.notes.push_back(row + ": " + std::to_string(rules_) +
                         " rules, a group has none of them twice");
  }
  if (set_.list == RuleListKind::kGroups) {
    row_.notes.push_back("security groups: " + std::string(kUntracked));
  }
}

}  // namespace

uint64_t PipelineRuleBytes(const RuleSetOptions& set) {
  return (uint64_t{256} << 20) + uint64_t{set.rules} * 1800;  // 1,510 seen, with a million
}

absl::StatusOr<ContestRow> MeasurePipelineRules(const RuleSetOptions& set, ForwardRequest request) {
  return PipelineRules(set, request).Run();
}

}  // namespace sluice
