// A file with one line a measurement, only ever appended to: what was measured night after night.
// Main thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/bench/report_reader.h"

namespace sluice {

struct TrendEntry {
  std::string time;  // ISO 8601, UTC
  std::string commit;
  std::string machine;               // CPU and memory mode: only equals are compared
  std::map<std::string, double> ns;  // by figure
};

// Appends the report as one JSON line.
absl::Status AppendTrend(const std::string& path, const ReadReport& report,
                         const std::string& time);
// All lines, oldest first. An error names the line that is wrong.
absl::StatusOr<std::vector<TrendEntry>> ReadTrend(const std::string& path);

// One figure on one machine.
struct TrendSeries {
  std::string figure;
  std::string machine;
  std::vector<double> ns;
  std::vector<std::string> commits;
};
std::vector<TrendSeries> SeriesOf(const std::vector<TrendEntry>& entries);

}  // namespace sluice
