#include "tools/bench/targets/target_run.h"

#include <algorithm>
#include <cstdio>

#include "tools/bench/child_process.h"
#include "tools/bench/interruption.h"

namespace sluice {
namespace {

bool Matches(const std::string& pattern, const std::string& name) {
  return !pattern.empty() && pattern.back() == '*'
             ? name.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0
             : name == pattern;
}

const ReadFigure* WorstFigure(const ReadReport& report, const Reading& reading, Relation relation) {
  const ReadFigure* worst = nullptr;
  for (const ReadFigure& figure : report.figures) {
    if (!Matches(reading.figure, figure.name) || figure.numbers.count(reading.key) == 0) {
      continue;
    }
    const double value = figure.Number(reading.key);
    if (worst == nullptr || (relation == Relation::kAtMost ? value > worst->Number(reading.key)
                                                           : value < worst->Number(reading.key))) {
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

// Whether a figure's number follows from its time.
bool IsOfTime(std::string_view key) {
  constexpr std::string_view kKeys[] = {"ns", "ticks", "ratio", "mpps", "connections_per_second"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
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
  std::string shown = "sluice-bench";
  for (const std::string& word : command) {
    shown += " " + word;
  }
  std::fprintf(stderr, "%s\n", shown.c_str());  // some take minutes
  words.insert(words.end(), flags_.begin(), flags_.end());
  words.push_back("-j");
  Answer answer;
  if (Interruption::happened()) {
    answer.why = "interrupted";
    return answers_[command] = std::move(answer);
  }
  const ChildResult result = RunChild(words);
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

const ReadFigure* TargetRunner::Read(const Reading& reading, Relation relation, std::string& why) {
  const Answer& answer = Ask(reading.command);
  if (!answer.report.has_value()) {
    why = answer.why;
    return nullptr;
  }
  const ReadFigure* figure = WorstFigure(*answer.report, reading, relation);
  if (figure == nullptr) {
    why = "`" + reading.command[0] + "` reports no " + reading.key + " of " + reading.figure;
  }
  return figure;
}

GoalResult TargetRunner::Measure(const Goal& goal) {
  GoalResult result;
  result.goal = goal;
  result.wanted = goal.bound;
  result.why = goal.why;
  if (goal.reading.command.empty()) {
    return result;
  }
  if (!goal.times.command.empty()) {
    const ReadFigure* other = Read(goal.times, goal.relation, result.why);
    if (other == nullptr) {
      return result;
    }
    result.wanted *= other->Number(goal.times.key);
  }
  const ReadFigure* figure = Read(goal.reading, goal.relation, result.why);
  if (figure == nullptr) {
    return result;
  }
  result.measured = figure->Number(goal.reading.key);
  result.met = goal.relation == Relation::kAtMost ? *result.measured <= result.wanted
                                                  : *result.measured >= result.wanted;
  if (IsOfTime(goal.reading.key)) {
    result.ns = figure->ns.median;
    result.ticks = figure->Number("ticks");
    result.source_ns = figure->Number("source_ns");
  }
  return result;
}

TargetResult TargetRunner::Run(const Target& target) {
  TargetResult result;
  result.target = target;
  for (const Goal& goal : target.goals) {
    result.goals.push_back(Measure(goal));
  }
  for (const Reading& rival : target.rivals) {
    const Answer& answer = Ask(rival.command);
    if (!answer.report.has_value()) {
      result.rivals.push_back({rival.figure + ": " + answer.why, 0, 0});
      continue;
    }
    for (const ReadFigure& figure : answer.report->figures) {
      if (Matches(rival.figure, figure.name)) {
        result.rivals.push_back({figure.name, figure.ns.median, figure.Number("ticks")});
      }
    }
  }
  return result;
}

}  // namespace sluice
