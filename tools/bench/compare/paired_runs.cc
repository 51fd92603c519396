#include "tools/bench/compare/paired_runs.h"

#include <algorithm>

#include "absl/status/status.h"
#include "tools/bench/child_process.h"
#include "tools/bench/interruption.h"
#include "tools/bench/report_reader.h"

namespace sluice {
namespace {

absl::StatusOr<ReadReport> RunOne(const std::string& program,
                                  const std::vector<std::string>& command) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), command.begin(), command.end());
  words.push_back("-j");
  const ChildResult result = RunChild(words);
  if (Interruption::happened()) {
    return absl::CancelledError("interrupted");
  }
  if (result.exit_code != 0) {
    return absl::FailedPreconditionError(program + " " + command[0] + " ended with exit code " +
                                         std::to_string(result.exit_code) + ":\n" +
                                         LastLines(result.err, 5));
  }
  absl::StatusOr<ReadReport> report = ParseReport(result.out);
  return report.ok()
             ? std::move(report)
             : absl::InvalidArgumentError(program + ": " + std::string(report.status().message()));
}

void Take(const ReadReport& before, const ReadReport& now, std::vector<MeasuredTwice>& measured) {
  for (const ReadFigure& figure : now.figures) {
    const ReadFigure* old = before.Find(figure.name);
    if (old == nullptr) {
      continue;
    }
    auto found = std::find_if(measured.begin(), measured.end(),
                              [&](const MeasuredTwice& m) { return m.name == figure.name; });
    if (found == measured.end()) {
      found = measured.insert(measured.end(), MeasuredTwice{figure.name, {}, {}});
    }
    found->old_ns.push_back(old->ns.median);
    found->new_ns.push_back(figure.ns.median);
  }
}

}  // namespace

absl::StatusOr<std::vector<MeasuredTwice>> RunPairs(const PairedRuns& runs,
                                                    const std::function<void(uint32_t)>& progress) {
  std::vector<MeasuredTwice> measured;
  for (uint32_t pair = 0; pair < runs.pairs; ++pair) {
    const bool old_first = pair % 2 == 0;
    absl::StatusOr<ReadReport> first =
        RunOne(old_first ? runs.old_program : runs.new_program, runs.command);
    if (!first.ok()) {
      return first.status();
    }
    absl::StatusOr<ReadReport> second =
        RunOne(old_first ? runs.new_program : runs.old_program, runs.command);
    if (!second.ok()) {
      return second.status();
    }
    Take(old_first ? *first : *second, old_first ? *second : *first, measured);
    progress(pair + 1);
  }
  if (measured.empty()) {
    return absl::FailedPreconditionError("the two report no figure of the same name");
  }
  return measured;
}

}  // namespace sluice
