// `sluice-bench export`: reports for continuous benchmarking services.
#include <gflags/gflags.h>

#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/export/formats.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/report_reader.h"

DEFINE_string(format, "gab",
              "gab or gab_bigger: github-action-benchmark, customSmallerIsBetter (ns) or "
              "customBiggerIsBetter (millions a second); bmf: Bencher Metric Format.");

namespace sluice {
namespace {

int RunExportCommand(const Arguments& arguments) {
  ExportFormat format = ExportFormat::kBencher;
  if (!OneOf<ExportFormat>("format", FLAGS_format,
                           {{"gab", ExportFormat::kSmallerIsBetter},
                            {"gab_bigger", ExportFormat::kBiggerIsBetter},
                            {"bmf", ExportFormat::kBencher}},
                           format)) {
    return kExitUsage;
  }
  if (arguments.words.empty()) {
    return UsageError("`export` needs reports: files with what `sluice-bench … -j` printed");
  }
  std::vector<ReadReport> reports;
  for (const std::string& path : arguments.words) {
    absl::StatusOr<ReadReport> report = ReadReportFile(path);
    if (!report.ok()) {
      std::fprintf(stderr, "sluice-bench: %s\n", std::string(report.status().message()).c_str());
      return kExitNo;
    }
    reports.push_back(*std::move(report));
  }
  if (const absl::Status names = CheckNames(reports); !names.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(names.message()).c_str());
    return kExitNo;
  }
  if (!HasTimes(reports)) {
    std::fprintf(stderr, "sluice-bench: no figure of these reports has a time; name other ones\n");
    return kExitNo;
  }
  std::fputs(ExportJson(format, reports).c_str(), stdout);
  return kExitYes;
}

}  // namespace

Verb ExportCommand() {
  return {"export",
          "[--format=gab|gab_bigger|bmf] REPORT…",
          "Reports for continuous benchmarking services.",
          "Reads what `sluice-bench … -j` printed, or Google Benchmark JSON, and prints all "
          "figures of\n"
          "all files in the form of a service. docs/benchmarking.md has a workflow that uses it.",
          {"format"},
          RunExportCommand};
}

}  // namespace sluice
