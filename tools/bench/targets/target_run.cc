#include "tools/bench/targets/target_run.h"

#include <algorithm>

#include "tools/bench/child_process.h"

namespace sluice {
namespace {

bool Matches(const std::string& pattern, const std::string& name) {
  return !pattern.empty() && pattern.back() == '*'
             ? name.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0
             : name == pattern;
}

// The figure that is worst for the goal, or nullptr.
const ReadFigure* WorstFigure(const ReadReport& report, const Goal& goal) {
  const ReadFigure* worst = nullptr;
  for (const ReadFigure& figure : report.figures) {
    if (!Matches(goal.figure, figure.name) || figure.numbers.count(goal.key) == 0) {
      continue;
    }
    const double value = figure.Number(goal.key);
    if (worst == nullptr ||
        (goal.relation == Relation::kAtMost ? value > worst->Number(goal.key)
                                            : value < worst->Number(goal.key))) {
      worst = &figure;
    }
  }
  return worst;
}

std::string WhyNot(const std::string& subcommand, const ChildResult& result) {
  if (result.exit_code == 2 && result.err.find("no verb") != std::string::npos) {
    return "no such subcommand yet: " + subcommand;
  }
  return "`" + subcommand + "` ended with exit code " + std::to_string(result.exit_code) + ": " +
         result.err.substr(0, result.err.find('\n'));
}

}  // namespace

bool TargetResult::Met() const {
  return std::all_of(goals.begin(), goals.end(), [](const GoalResult& goal) { return goal.met; });
}

bool TargetResult::Measured() const {
  return std::all_of(goals.begin(), goals.end(),
                     [](const GoalResult& goal) { return goal.measured.has_value(); });
}

const TargetRunner::Answer& TargetRunner::Ask(const std::vector<std::string>& command) {
  const auto known = answers_.find(command);
  if (known != answers_.end()) {
    return known->second;
  }
  std::vector<std::string> words = {program_};
  words.insert(words.end(), command.begin(), command.end());
  words.insert(words.end(), flags_.begin(), flags_.end());
  words.push_back("-j");
  const ChildResult result = RunChild(words);
  Answer answer;
  absl::StatusOr<ReadReport> report = ParseReport(result.out);
  // A claim that does not hold ends it with 1, yet it has measured; the claim is in the report.
  if (report.ok() && report->broken_claims.empty()) {
    answer.report = *std::move(report);
  } else if (report.ok()) {
    answer.why = "not what is named: " + report->broken_claims[0];
  } else {
    answer.why = WhyNot(command[0], result);
  }
  return answers_[command] = std::move(answer);
}

GoalResult TargetRunner::Measure(const Goal& goal) {
  GoalResult result;
  result.goal = goal;
  result.wanted = goal.bound;
  if (!goal.times.empty()) {
    const auto other = first_goals_.find(goal.times);
    if (other == first_goals_.end()) {
      result.why = goal.times + " was not measured";
      return result;
    }
    result.wanted *= other->second;
  }
  if (goal.command.empty()) {
    result.why = goal.why;
    return result;
  }
  const Answer& answer = Ask(goal.command);
  if (!answer.report.has_value()) {
    result.why = answer.why;
    return result;
  }
  const ReadFigure* figure = WorstFigure(*answer.report, goal);
  if (figure == nullptr) {
    result.why = "`" + goal.command[0] + "` reports no " + goal.key + " of " + goal.figure;
    return result;
  }
  result.measured = figure->Number(goal.key);
  result.met = goal.relation == Relation::kAtMost ? *result.measured <= result.wanted
                                                  : *result.measured >= result.wanted;
  result.ns = figure->ns.median;
  result.ticks = figure->Number("ticks");
  result.source_ns = figure->Number("source_ns");
  return result;
}

TargetResult TargetRunner::Run(const Target& target) {
  TargetResult result;
  result.target = target;
  for (const Goal& goal : target.goals) {
    result.goals.push_back(Measure(goal));
  }
  if (!result.goals.empty() && result.goals[0].measured.has_value()) {
    first_goals_[target.id] = *result.goals[0].measured;
  }
  for (const std::string& pattern : target.rivals) {
    for (const auto& [command, answer] : answers_) {
      for (const ReadFigure& figure :
           answer.report.has_value() ? answer.report->figures : std::vector<ReadFigure>()) {
        if (Matches(pattern, figure.name)) {
          result.rivals.push_back({figure.name, figure.ns.median, figure.Number("ticks")});
        }
      }
    }
  }
  return result;
}

}  // namespace sluice
