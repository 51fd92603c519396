// Reports in the forms that continuous benchmarking services read. Main thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/bench/report_reader.h"

namespace sluice {

enum class ExportFormat : uint8_t {
  kSmallerIsBetter,  // github-action-benchmark, tool customSmallerIsBetter: ns an item
  kBiggerIsBetter,   // github-action-benchmark, tool customBiggerIsBetter: million items a second
  kBencher,          // Bencher Metric Format: latency in ns, throughput in items a second
};

// A figure of the same name in two of the reports is an error: services would mix them up.
absl::Status CheckNames(const std::vector<ReadReport>& reports);
// Whether anything would be exported: counts alone are not.
bool HasTimes(const std::vector<ReadReport>& reports);
// Figures without a time (counts only) are left out.
std::string ExportJson(ExportFormat format, const std::vector<ReadReport>& reports);

}  // namespace sluice
