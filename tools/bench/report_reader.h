// Reports as programs read them back: what `sluice-bench … -j` prints, and what Google Benchmark
// writes. Main thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/samples.h"

namespace sluice {

struct ReadFigure {
  std::string name;
  std::string item = "packet";
  Spread ns;
  std::vector<double> rounds_ns;          // none: only the spread is known
  std::map<std::string, double> numbers;  // everything else that is a number, by its key

  // 0 when there is none.
  double Number(const std::string& key) const;
};

struct ReadStage {
  std::string name;
  double ns = 0;
  double ticks = 0;
};

struct ReadReport {
  std::string host;
  std::string cpu;
  std::string memory;
  std::string compiler;
  std::string commit;
  double tsc_hz = 0;
  double load = 0;
  std::map<std::string, std::string> settings;
  std::vector<ReadFigure> figures;
  std::vector<ReadStage> stages;
  std::vector<std::string> broken_claims;

  const ReadFigure* Find(const std::string& name) const;
};

// Either shape. An error says what is not as it should be.
absl::StatusOr<ReadReport> ParseReport(const std::string& text);
// The same of a file, which the error then names.
absl::StatusOr<ReadReport> ReadReportFile(const std::string& path);

}  // namespace sluice
