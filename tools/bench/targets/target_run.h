// Measures targets by running subcommands of a sluice-bench, each once, and reading their reports.
// Main thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench/report_reader.h"
#include "tools/bench/targets/target_table.h"

namespace sluice {

struct GoalResult {
  Goal goal;
  double wanted = 0;  // the bound, multiplied where it is a multiple
  std::optional<double> measured;
  bool met = false;
  std::string why;  // not measured: why
  // Of the figure, where the number is or follows from a time: 0 otherwise.
  double ns = 0;
  double ticks = 0;
  double source_ns = 0;
};

struct RivalResult {
  std::string name;  // with the reason when it was not measured: then ns is 0
  double ns = 0;
  double ticks = 0;
};

struct TargetResult {
  Target target;
  std::vector<GoalResult> goals;
  std::vector<RivalResult> rivals;  // measured in the same run

  bool Met() const;
  bool Measured() const;  // every goal
};

class TargetRunner {
 public:
  // `program` is a sluice-bench; every command gets these flags too.
  TargetRunner(std::string program, std::vector<std::string> flags)
      : program_(std::move(program)), flags_(std::move(flags)) {}

  // Says on stderr what runs.
  TargetResult Run(const Target& target);

 private:
  struct Answer {
    std::optional<ReadReport> report;
    std::string why;  // without one
  };

  const Answer& Ask(const std::vector<std::string>& command);
  // The figure that is worst for this relation; nullptr after saying why in `why`.
  const ReadFigure* Read(const Reading& reading, Relation relation, std::string& why);
  GoalResult Measure(const Goal& goal);

  std::string program_;
  std::vector<std::string> flags_;
  std::map<std::vector<std::string>, Answer> answers_;
};

}  // namespace sluice
