#include <algorithm>
#include <map>
#include <memory>

#include "control/explain/reference_world.h"
#include "tests/property/scenario.h"
#include "tests/support/invariants.h"
#include "tools/sluice/offline_dataplane.h"

namespace sluice::testing {
namespace {

std::shared_ptr<const ValidatedIntent> Load(const std::string& json) {
  return LoadIntentText("scenario", json, {}).intent;
}

std::string Hex(const Frame& frame) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : frame) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

// One input as both sides tell it.
struct Told {
  std::string verdict;
  std::vector<std::pair<std::string, Frame>> outputs;  // port, bytes
};

std::string RuleText(const std::string& nacl, bool egress, int number) {
  return " " + nacl + (egress ? " egress " : " ingress ") + std::to_string(number);
}

Told Tell(const OfflineResult& result, const CompiledConfig& config) {
  Told told;
  told.verdict =
      std::string(VerdictName(result.verdict)) + " " + std::string(DropReasonName(result.reason));
  const std::string sender =
      result.sender.has_value() ? config.interface_names[result.sender.index()] : "";
  told.verdict += " from " + (sender == "internet" || sender == "services" ? "" : sender);
  if (result.rule_subnet.has_value() && result.rule != 0) {
    told.verdict += RuleText(config.nacl_ids[result.rule_subnet.index()],
                             result.reason == DropReason::kNaclEgress, result.rule);
  }
  for (const OfflineOutput& output : result.outputs) {
    told.outputs.push_back({config.port_names[output.port.index()], output.bytes});
  }
  return told;
}

std::string VerdictOf(const Outcome& outcome) {
  std::string verdict = std::string(VerdictName(outcome.verdict)) + " " +
                        std::string(DropReasonName(outcome.reason)) + " from " + outcome.eni_id;
  if (outcome.rule) {
    verdict += RuleText(outcome.rule->nacl_id, outcome.rule->egress, outcome.rule->number);
  }
  return verdict;
}

bool SameBytes(const Emission& expected, const std::pair<std::string, Frame>& observed) {
  return expected.port == observed.first &&
         (expected.frame == observed.second ||
          (expected.identification_is_free &&
           SameExceptIdentification(expected.frame, observed.second)));
}

std::string Compare(const Outcome& expected, const Told& observed) {
  std::string what;
  if (!expected.complaint.empty()) {
    what += "\n  reference world complains: " + expected.complaint;
  }
  const bool limited = expected.answer_is_rate_limited && observed.outputs.empty();
  if (VerdictOf(expected) != observed.verdict && !limited) {
    what += "\n  expected: " + VerdictOf(expected) + "\n  observed: " + observed.verdict;
  }
  if (!limited && expected.outputs.size() != observed.outputs.size()) {
    what += "\n  expected " + std::to_string(expected.outputs.size()) + " frames, observed " +
            std::to_string(observed.outputs.size());
  }
  for (size_t i = 0; i < std::min(expected.outputs.size(), observed.outputs.size()); ++i) {
    if (!SameBytes(expected.outputs[i], observed.outputs[i])) {
      what += "\n  expected on " + expected.outputs[i].port + ": " +
              Hex(expected.outputs[i].frame) + "\n  observed on " + observed.outputs[i].first +
              ": " + Hex(observed.outputs[i].second);
    }
  }
  return what;
}

// The pipeline's run of the whole scenario: what became of every frame step, by step.
struct PipelineRun {
  std::map<uint64_t, Told> told;
  std::string broken_invariant;
};

class PipelineRunner {
 public:
  PipelineRunner(const Scenario& scenario, const RunOptions& options) : scenario_(scenario) {
    OfflineOptions offline;
    offline.seed = scenario.seed;
    offline.batch_capacity = options.batch_capacity;
    offline.session_cache = options.session_cache;
    dataplane_ = OfflineDataplane::Make(Load(scenario.configs[0]), offline).value();
  }

  PipelineRun Run() {
    const auto sink = [this](const OfflineResult& result) {
      run_.told[result.number] = Tell(result, dataplane_->config());
      checker_.Check(scenario_.steps[result.number].frame, result, run_.broken_invariant);
    };
    size_t i = 0;
    while (i < scenario_.steps.size()) {
      const Step& step = scenario_.steps[i];
      if (step.apply >= 0) {
        dataplane_->AdvanceTo(step.time_ns, sink);
        (void)dataplane_->Apply(Load(scenario_.configs[static_cast<size_t>(step.apply)]));
        ++i;
        continue;
      }
      dataplane_->Receive(step.time_ns, TakeInstant(i), sink);
    }
    dataplane_->Drain(sink);
    checker_.CheckTotals(dataplane_->counters(), run_.broken_invariant);
    return std::move(run_);
  }

 private:
  std::vector<OfflineInput> TakeInstant(size_t& i) {
    std::vector<OfflineInput> inputs;
    const int64_t time_ns = scenario_.steps[i].time_ns;
    while (i < scenario_.steps.size() && scenario_.steps[i].apply < 0 &&
           scenario_.steps[i].time_ns == time_ns) {
      inputs.push_back({i, PortOf(scenario_.steps[i].port), scenario_.steps[i].frame});
      ++i;
    }
    return inputs;
  }
  PortIdx PortOf(const std::string& name) const {
    const std::vector<std::string>& names = dataplane_->config().port_names;
    const auto it = std::find(names.begin(), names.end(), name);
    return PortIdx(static_cast<uint16_t>(it - names.begin()));
  }

  const Scenario& scenario_;
  std::unique_ptr<OfflineDataplane> dataplane_;
  InvariantChecker checker_;
  PipelineRun run_;
};

}  // namespace

std::optional<Mismatch> RunScenario(const Scenario& scenario, const RunOptions& options) {
  const PipelineRun run = PipelineRunner(scenario, options).Run();
  if (!run.broken_invariant.empty()) {
    return Mismatch{0, run.broken_invariant};
  }
  ObservedNatPorts ports;
  ReferenceWorld world(Load(scenario.configs[0]), &ports);
  std::vector<size_t> step_of_arrival;
  std::map<size_t, Outcome> outcomes;
  const auto keep = [&](const Outcome& outcome) {
    if (outcome.verdict != Verdict::kHold) {
      outcomes[step_of_arrival[outcome.arrival_number]] = outcome;
    }
  };
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    if (step.apply >= 0) {
      world.Replace(Load(scenario.configs[static_cast<size_t>(step.apply)]));
      continue;
    }
    const auto told = run.told.find(i);
    if (told == run.told.end()) {
      return Mismatch{i, "the pipeline never said what became of it"};
    }
    std::vector<Bytes> sent;
    for (const auto& output : told->second.outputs) {
      sent.push_back(output.second);
    }
    ports.Observe(sent, told->second.verdict.find("nat_ports_exhausted") != std::string::npos);
    step_of_arrival.push_back(i);
    const Receipt receipt = world.Receive(step.time_ns, {step.port, step.frame});
    for (const Outcome& settled : receipt.settled) {
      keep(settled);
    }
    keep(receipt.outcome);
  }
  for (const Outcome& outcome :
       world.Finish(scenario.steps.empty() ? 0 : scenario.steps.back().time_ns)) {
    keep(outcome);
  }
  for (const auto& [step, outcome] : outcomes) {
    const std::string what = Compare(outcome, run.told.at(step));
    if (!what.empty()) {
      return Mismatch{step, what};
    }
  }
  return std::nullopt;
}

Scenario Shrink(Scenario scenario, const RunOptions& options) {
  std::optional<Mismatch> mismatch = RunScenario(scenario, options);
  if (!mismatch) {
    return scenario;
  }
  scenario.steps.resize(std::min(scenario.steps.size(), mismatch->step + 1));
  for (size_t chunk = std::max<size_t>(scenario.steps.size() / 2, 1); chunk > 0; chunk /= 2) {
    for (size_t begin = 0; begin < scenario.steps.size();) {
      Scenario smaller = scenario;
      const size_t end = std::min(begin + chunk, smaller.steps.size());
      smaller.steps.erase(smaller.steps.begin() + static_cast<ptrdiff_t>(begin),
                          smaller.steps.begin() + static_cast<ptrdiff_t>(end));
      if (!smaller.steps.empty() && RunScenario(smaller, options)) {
        scenario = std::move(smaller);
      } else {
        begin += chunk;
      }
    }
  }
  return scenario;
}

std::string Describe(const Scenario& scenario) {
  std::string text;
  for (size_t i = 0; i < scenario.configs.size(); ++i) {
    text += "config " + std::to_string(i) + ": " + scenario.configs[i] + "\n";
  }
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    text += std::to_string(i) + ": t=" + std::to_string(step.time_ns) + " ";
    text += step.apply >= 0 ? "apply config " + std::to_string(step.apply)
                            : step.port + " " + Hex(step.frame);
    text += "\n";
  }
  return text;
}

}  // namespace sluice::testing
