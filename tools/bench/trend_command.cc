// `sluice-bench trend`: the figures of many nights, and where they changed.
#include <gflags/gflags.h>

#include <cstdio>
#include <ctime>

#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/trend/steps.h"
#include "tools/bench/trend/trend_file.h"

DEFINE_string(file, "", "The trend file: one JSON line a measurement, only appended to.");
DEFINE_double(step, 3, "Per cent by which a level may lie above the one before it.");
DEFINE_uint32(recent, 5, "A step is news while so many measurements at most lie behind it.");

namespace sluice {
namespace {

std::string NowUtc() {
  char text[64];
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  gmtime_r(&now, &utc);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

absl::Status AppendAll(const std::vector<std::string>& paths) {
  std::vector<ReadReport> reports;  // all are read before the first is written
  for (const std::string& path : paths) {
    absl::StatusOr<ReadReport> report = ReadReportFile(path);
    if (!report.ok()) {
      return report.status();
    }
    reports.push_back(*std::move(report));
  }
  const std::string time = NowUtc();
  for (const ReadReport& report : reports) {
    if (const absl::Status status = AppendTrend(FLAGS_file, report, time); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// Prints the series' levels; true when the last of them is a step up that is news.
bool PrintSeries(const TrendSeries& series) {
  const std::vector<Level> levels = FindLevels(series.ns);
  std::printf("  %-52s %4zu  ", series.figure.c_str(), series.ns.size());
  for (size_t i = 0; i < levels.size(); ++i) {
    const char* since = series.commits[levels[i].first].c_str();
    if (i == 0) {
      std::printf("%.1f ns", levels[i].mean);
    } else {
      std::printf(", %+.1f %% to %.1f ns with %s", 100 * (levels[i].mean / levels[i - 1].mean - 1),
                  levels[i].mean, since);
    }
  }
  std::printf("  (%s)\n", series.machine.c_str());
  if (levels.size() < 2) {
    return false;
  }
  const Level& last = levels.back();
  return last.count <= FLAGS_recent &&
         last.mean > levels[levels.size() - 2].mean * (1 + FLAGS_step / 100);
}

int RunTrendCommand(const Arguments& arguments) {
  if (FLAGS_file.empty()) {
    return UsageError("`trend` needs --file=PATH; it is made when it is not there");
  }
  if (!(FLAGS_step >= 0)) {
    return UsageError("--step is below 0 per cent");
  }
  absl::Status status = AppendAll(arguments.words);
  absl::StatusOr<std::vector<TrendEntry>> entries =
      status.ok() ? ReadTrend(FLAGS_file) : absl::StatusOr<std::vector<TrendEntry>>(status);
  if (!entries.ok()) {
    std::fprintf(stderr, "sluice-bench: %s\n", std::string(entries.status().message()).c_str());
    return kExitNo;
  }
  size_t stepped = 0;
  const std::vector<TrendSeries> all = SeriesOf(*entries);
  for (const TrendSeries& series : all) {
    stepped += PrintSeries(series) ? 1 : 0;
  }
  std::printf(
      "\ntrend: %zu of %zu series have stepped up by more than %g %% within their last %u "
      "measurements\n",
      stepped, all.size(), FLAGS_step, FLAGS_recent);
  return stepped == 0 ? kExitYes : kExitNo;
}

}  // namespace

Verb TrendCommand() {
  return {"trend",
          "--file=PATH [--step=PERCENT] [REPORT…]",
          "The figures of many nights, and where they changed.",
          "Appends each report (what `sluice-bench … -j` printed) to the file as one JSON line, "
          "then\n"
          "prints the levels of every figure on every kind of machine, found by minimum "
          "description\n"
          "length, and the commit each began with. Exit 1 when the newest level lies more than "
          "--step\n"
          "per cent above the one before it and is news.",
          {"file", "step", "recent"},
          RunTrendCommand};
}

}  // namespace sluice
