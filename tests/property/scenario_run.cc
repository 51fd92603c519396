#include <algorithm>
#include <map>
#include <memory>

#include "control/explain/reference_world.h"
#include "tests/property/scenario.h"

namespace sluice::testing {
namespace {

std::string Hex(const Frame& frame) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : frame) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

Told ToldBy(const Outcome& outcome) {
  Told told;
  told.ended = true;
  told.verdict = outcome.verdict;
  told.reason = outcome.reason;
  told.sender = outcome.eni_id;
  if (outcome.rule) {
    told.rule = outcome.rule->nacl_id + (outcome.rule->egress ? " egress " : " ingress ") +
                std::to_string(outcome.rule->number);
  }
  return told;
}

bool SameVerdict(const Told& a, const Told& b) {
  return a.verdict == b.verdict && a.reason == b.reason && a.sender == b.sender && a.rule == b.rule;
}

bool SameBytes(const Emission& expected, const SentFrame& observed) {
  return expected.port == observed.port &&
         (expected.frame == observed.bytes ||
          (expected.identification_is_free &&
           SameExceptIdentification(expected.frame, observed.bytes)));
}

std::string Compare(const Outcome& expected, const Told& observed) {
  std::string what;
  if (!expected.complaint.empty()) {
    what += "\n  reference world complains: " + expected.complaint;
  }
  if (expected.answer_is_rate_limited && observed.sent.empty()) {
    return what;
  }
  const Told wanted = ToldBy(expected);
  if (!SameVerdict(wanted, observed)) {
    what += "\n  expected: " + ToString(wanted) + "\n  observed: " + ToString(observed);
  }
  if (expected.outputs.size() != observed.sent.size()) {
    what += "\n  expected " + std::to_string(expected.outputs.size()) + " frames, observed " +
            std::to_string(observed.sent.size());
  }
  for (size_t i = 0; i < std::min(expected.outputs.size(), observed.sent.size()); ++i) {
    if (!SameBytes(expected.outputs[i], observed.sent[i])) {
      what += "\n  expected on " + expected.outputs[i].port + ": " +
              Hex(expected.outputs[i].frame) + "\n  observed on " + observed.sent[i].port + ": " +
              Hex(observed.sent[i].bytes);
    }
  }
  return what;
}

bool IsAsWritten(const std::string& by_hand, const Told& observed) {
  const std::string verdict(VerdictName(observed.verdict));
  return by_hand.empty() || by_hand == verdict ||
         by_hand == verdict + " " + std::string(DropReasonName(observed.reason));
}

// The reference world's way through a scenario whose run by the pipeline is known.
class Judge {
 public:
  Judge(const Scenario& scenario, const PipelineRun& run)
      : scenario_(scenario), run_(run), world_(scenario.configs[0].intent, &ports_) {}

  std::optional<Mismatch> Run() {
    for (size_t i = 0; i < scenario_.steps.size(); ++i) {
      const Step& step = scenario_.steps[i];
      if (step.apply >= 0) {
        world_.Replace(scenario_.configs[static_cast<size_t>(step.apply)].intent);
      } else {
        Receive(i);
      }
    }
    const int64_t end_ns = scenario_.steps.empty() ? 0 : scenario_.steps.back().time_ns;
    for (const Outcome& outcome : world_.Finish(end_ns)) {
      Settle(outcome);
    }
    return first_;
  }

 private:
  void Receive(size_t i) {
    const Told& told = run_.told[i];
    if (!told.ended) {
      Note(i, "the pipeline never said what became of it");
    }
    if (!IsAsWritten(scenario_.steps[i].expected, told)) {
      Note(i, "\n  written: " + scenario_.steps[i].expected + "\n  observed: " + ToString(told));
    }
    std::vector<Bytes> sent;
    for (const SentFrame& frame : told.sent) {
      sent.push_back(frame.bytes);
    }
    ports_.Observe(std::move(sent), told.reason == DropReason::kNatPortsExhausted);
    step_of_arrival_.push_back(i);
    const Receipt receipt = world_.Receive(scenario_.steps[i].time_ns,
                                           {scenario_.steps[i].port, scenario_.steps[i].frame});
    for (const Outcome& settled : receipt.settled) {
      Settle(settled);
    }
    Settle(receipt.outcome);
  }

  void Settle(const Outcome& outcome) {
    if (outcome.verdict != Verdict::kHold) {
      const size_t step = step_of_arrival_[outcome.arrival_number];
      Note(step, Compare(outcome, run_.told[step]));
    }
  }

  void Note(size_t step, const std::string& what) {
    if (!what.empty() && (!first_ || step < first_->step)) {
      first_ = Mismatch{step, what};
    }
  }

  const Scenario& scenario_;
  const PipelineRun& run_;
  ObservedNatPorts ports_;
  ReferenceWorld world_;
  std::vector<size_t> step_of_arrival_;
  std::optional<Mismatch> first_;
};

}  // namespace

bool AddConfig(Scenario& scenario, const std::string& json) {
  std::shared_ptr<const ValidatedIntent> intent = LoadIntentText("scenario", json, {}).intent;
  if (intent != nullptr) {
    scenario.configs.push_back({json, intent});
  }
  return intent != nullptr;
}

PipelineRun RunPipeline(const Scenario& scenario, const PipelineOptions& options) {
  PipelineUnderTest pipeline(scenario.seed, scenario.configs[0].intent, options);
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    if (step.apply >= 0) {
      pipeline.Apply(step.time_ns, scenario.configs[static_cast<size_t>(step.apply)].intent);
    } else {
      pipeline.Receive(step.time_ns, i, step.port, step.frame);
    }
  }
  PipelineRun run = pipeline.Finish();
  run.told.resize(scenario.steps.size());
  return run;
}

std::optional<Mismatch> JudgeRun(const Scenario& scenario, const PipelineRun& run) {
  if (!run.broken_invariant.empty()) {
    return Mismatch{scenario.steps.size() - 1, run.broken_invariant};
  }
  return Judge(scenario, run).Run();
}

std::optional<Mismatch> CompareRuns(const PipelineRun& expected, const PipelineRun& observed) {
  if (!observed.broken_invariant.empty()) {
    return Mismatch{observed.told.size() - 1, observed.broken_invariant};
  }
  for (size_t i = 0; i < expected.told.size(); ++i) {
    if (!(expected.told[i] == observed.told[i])) {
      return Mismatch{i, "\n  one run: " + ToString(expected.told[i]) + ", " +
                             std::to_string(expected.told[i].sent.size()) +
                             " frames\n  another: " + ToString(observed.told[i]) + ", " +
                             std::to_string(observed.told[i].sent.size()) + " frames"};
    }
  }
  if (expected.session_cache == observed.session_cache) {
    if (const std::string other = CompareDirections(expected, observed); !other.empty()) {
      return Mismatch{observed.told.size() - 1, other};
    }
  }
  return std::nullopt;
}

Scenario Shrink(Scenario scenario, const PipelineOptions& options) {
  std::optional<Mismatch> mismatch = RunScenario(scenario, options);
  if (!mismatch) {
    return scenario;
  }
  Scenario shorter = scenario;
  shorter.steps.resize(std::min(scenario.steps.size(), mismatch->step + 1));
  if (RunScenario(shorter, options)) {  // else what comes later in the same burst matters
    scenario = std::move(shorter);
  }
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

std::string Describe(const Scenario& scenario, const PipelineRun& run) {
  std::vector<bool> used(scenario.configs.size(), false);
  used[0] = true;
  std::string steps;
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    steps += std::to_string(i) + ": t=" + std::to_string(step.time_ns) + " ";
    if (step.apply >= 0) {
      used[static_cast<size_t>(step.apply)] = true;
      steps += "apply config " + std::to_string(step.apply);
    } else {
      steps += std::string(PacketClassName(step.kind)) + " at " + step.port + " " +
               Hex(step.frame) + "\n   " + ToString(run.told[i]);
      for (const SentFrame& sent : run.told[i].sent) {
        steps += "\n   " + sent.port + " " + Hex(sent.bytes);
      }
    }
    steps += "\n";
  }
  std::string text;
  for (size_t i = 0; i < scenario.configs.size(); ++i) {
    if (used[i]) {
      text += "config " + std::to_string(i) + ": " + scenario.configs[i].json + "\n";
    }
  }
  return text + steps;
}

}  // namespace sluice::testing
