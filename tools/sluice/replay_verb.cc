// `sluice replay`: captures through the real pipeline with the captures' clock (interface.md §6).
#include <signal.h>

#include <atomic>
#include <cstdio>

#include "dataplane/packet/lanes.h"
#include "tools/sluice/config_source.h"
#include "tools/sluice/flags.h"
#include "tools/sluice/packet_words.h"
#include "tools/sluice/replay/replay.h"
#include "tools/sluice/replay/replay_words.h"
#include "tools/sluice/verbs.h"

namespace sluice {
namespace {

std::atomic<bool> interrupted{false};

// A signal ends the run in good order: what was written so far is taken away. System calls that
// wait return.
void EndOnSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted.store(true, std::memory_order_relaxed); };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool Wrong(std::string_view what) {
  UsageError(what);
  return false;
}

// Everything but the configurations; false after a message.
bool ReadFlags(const Arguments& arguments, ReplayPlan& plan,
               std::vector<ReplayChangeWords>& changes) {
  if (!arguments.Has("config") || !arguments.Has("in") || FLAGS_out.empty()) {
    return Wrong("`sluice replay` needs --config, --in and --out");
  }
  if (!arguments.words.empty()) {
    return Wrong("`sluice replay` takes flags only, not " + arguments.words.front());
  }
  for (const std::string& text : arguments.All("in")) {
    absl::StatusOr<ReplayInput> input = ParseReplayInput(text);
    if (!input.ok()) {
      return Wrong(std::string(input.status().message()));
    }
    plan.inputs.push_back(*std::move(input));
  }
  for (const std::string& text : arguments.All("at")) {
    absl::StatusOr<ReplayChangeWords> change = ParseReplayChange(text);
    if (!change.ok()) {
      return Wrong(std::string(change.status().message()));
    }
    changes.push_back(*std::move(change));
  }
  const auto idle_after_ns = ParseSeconds(FLAGS_idle_after);
  if (!idle_after_ns) {
    return Wrong("--idle-after=" + FLAGS_idle_after +
                 " is no number of seconds with at most nine decimals");
  }
  if (FLAGS_burst < 1 || FLAGS_burst > kMaxBatch) {
    return Wrong("--burst is 1.." + std::to_string(kMaxBatch));
  }
  plan.out = FLAGS_out;
  plan.idle_after_ns = *idle_after_ns;
  plan.seed = FLAGS_seed;
  plan.burst = FLAGS_burst;
  plan.session_cache = FLAGS_session_cache;
  return true;
}

// All of them, so that every error is told; false when one is not valid.
bool LoadConfigurations(const Arguments& arguments, const std::vector<ReplayChangeWords>& changes,
                        ReplayPlan& plan) {
  plan.intent = LoadOrReport(SplitPaths(arguments.All("config")));
  bool valid = plan.intent != nullptr;
  for (const ReplayChangeWords& words : changes) {
    ReplayChange change;
    change.since_first_packet = words.since_first_packet;
    change.time_ns = words.time_ns;
    change.name = words.paths;
    change.intent = LoadOrReport(SplitPaths({words.paths}));
    valid &= change.intent != nullptr;
    plan.changes.push_back(std::move(change));
  }
  return valid;
}

}  // namespace

int RunReplayVerb(const Arguments& arguments) {
  ReplayPlan plan;
  std::vector<ReplayChangeWords> changes;
  if (!ReadFlags(arguments, plan, changes)) {
    return kExitUsage;
  }
  if (!LoadConfigurations(arguments, changes, plan)) {
    return kExitNo;
  }
  EndOnSignals();
  plan.interrupted = &interrupted;
  const absl::StatusOr<ReplayReport> report = RunReplay(plan);
  if (!report.ok()) {
    const std::string what(report.status().message());
    if (absl::IsInvalidArgument(report.status())) {
      return UsageError(what);
    }
    std::fprintf(stderr, "sluice: %s\n", what.c_str());
    return kExitNo;
  }
  for (const std::string& note : report->notes) {
    std::fprintf(stderr, "sluice: %s\n", note.c_str());
  }
  const std::string text = FLAGS_j ? report->summary.Json() : report->summary.Text();
  std::fputs(text.c_str(), stdout);
  return kExitYes;
}

}  // namespace sluice
