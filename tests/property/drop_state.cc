#include "tests/property/drop_state.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "control/explain/reference_world.h"
#include "tests/support/frame_view.h"

namespace sluice::testing {
namespace {

bool SameFrame(const SentFrame& a, const SentFrame& b, bool identification_is_free) {
  return a == b ||
         (identification_is_free && a.port == b.port && SameExceptIdentification(a.bytes, b.bytes));
}

bool SameFate(const Told& with, const Told& without) {
  if (with.verdict != without.verdict || with.reason != without.reason ||
      with.sender != without.sender || with.rule != without.rule) {
    return false;
  }
  const bool by_router = with.verdict == Verdict::kConsume;
  if (by_router && (with.sent.empty() || without.sent.empty())) {
    return true;
  }
  return with.sent.size() == without.sent.size() &&
         std::equal(with.sent.begin(), with.sent.end(), without.sent.begin(),
                    [&](const SentFrame& a, const SentFrame& b) {
                      return SameFrame(a, b, by_router || with.sent.size() > 1);
                    });
}

}  // namespace

std::optional<Mismatch> FindStateOfDropped(const Scenario& scenario, const PipelineRun& run,
                                           const PipelineOptions& options) {
  Scenario rest;
  rest.configs = scenario.configs;
  rest.seed = scenario.seed;
  std::vector<size_t> step_of;
  for (size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    const bool last = i + 1 == scenario.steps.size();  // it brings the clock to the end
    const bool dropped =
        !last && step.apply < 0 && run.told[i].verdict == Verdict::kDrop && !IsFragment(step.frame);
    if (!dropped) {
      rest.steps.push_back(step);
      step_of.push_back(i);
    }
  }
  const PipelineRun without = RunPipeline(rest, options);
  if (!without.broken_invariant.empty()) {
    return Mismatch{scenario.steps.size() - 1, without.broken_invariant};
  }
  for (size_t i = 0; i < step_of.size(); ++i) {
    const size_t step = step_of[i];
    if (!SameFate(run.told[step], without.told[i])) {
      return Mismatch{
          step, "\n  P5: " + ToString(run.told[step]) +
                    "\n  without the dropped packets before it: " + ToString(without.told[i])};
    }
  }
  if (run.live_sessions != without.live_sessions) {
    return Mismatch{scenario.steps.size() - 1,
                    "\n  P5: " + std::to_string(run.live_sessions) +
                        " sessions at the end, without the dropped packets " +
                        std::to_string(without.live_sessions)};
  }
  return std::nullopt;
}

}  // namespace sluice::testing
