// `sluice-bench trend`: the figures of many nights, and where they changed.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "tools/bench/commands.h"
#include "tools/bench/flag_checks.h"
#include "tools/bench/flags.h"
#include "tools/bench/trend/steps.h"
#include "tools/bench/trend/trend_file.h"

DEFINE_string(file, "", "The trend file: one JSON line a measurement, only appended to.");
DEFINE_double(step, 3, "Per cent by which a level may lie above the one before it.");
DEFINE_uint32(recent, 5, "A step is news while so many measurements at most lie behind it.");

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

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

struct JudgedSeries {
  const TrendSeries* series = nullptr;
  std::vector<Level> levels;
  bool stepped = false;  // the last level is a step up, and news
};

JudgedSeries Judge(const TrendSeries& series) {
  JudgedSeries judged = {&series, FindLevels(series.ns)};
  if (judged.levels.size() >= 2) {
    const Level& last = judged.levels.back();
    judged.stepped =
        last.count <= FLAGS_recent &&
        last.mean > judged.levels[judged.levels.size() - 2].mean * (1 + FLAGS_step / 100);
  }
  return judged;
}

void PrintSeries(const JudgedSeries& judged) {
  const TrendSeries& series = *judged.series;
  const std::vector<Level>& levels = judged.levels;
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
}

Json SeriesJson(const JudgedSeries& judged) {
  Json json = {{"figure", judged.series->figure},
               {"machine", judged.series->machine},
               {"measurements", judged.series->ns.size()},
               {"stepped", judged.stepped},
               {"levels", Json::array()}};
  for (const Level& level : judged.levels) {
    json["levels"].push_back({{"ns", level.mean},
                              {"measurements", level.count},
                              {"commit", judged.series->commits[level.first]}});
  }
  return json;
}

void PrintAll(const std::vector<JudgedSeries>& all, size_t stepped) {
  if (FLAGS_j) {
    Json json = {{"step_percent", FLAGS_step}, {"recent", FLAGS_recent}, {"series", Json::array()}};
    for (const JudgedSeries& judged : all) {
      json["series"].push_back(SeriesJson(judged));
    }
    std::printf("%s\n", json.dump(2).c_str());
    return;
  }
  for (const JudgedSeries& judged : all) {
    PrintSeries(judged);
  }
  std::printf(
      "\ntrend: %zu of %zu series have stepped up by more than %g %% within their last %u "
      "measurements\n",
      stepped, all.size(), FLAGS_step, FLAGS_recent);
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
  const std::vector<TrendSeries> all = SeriesOf(*entries);
  std::vector<JudgedSeries> judged;
  for (const TrendSeries& series : all) {
    judged.push_back(Judge(series));
  }
  const auto stepped = static_cast<size_t>(std::count_if(
      judged.begin(), judged.end(), [](const JudgedSeries& one) { return one.stepped; }));
  PrintAll(judged, stepped);
  return stepped == 0 ? kExitYes : kExitNo;
}

}  // namespace

Verb TrendCommand() {
  return {"trend",
          "--file=PATH [--step=PERCENT] [-j] [REPORT…]",
          "The figures of many nights, and where they changed.",
          "Appends each report (what `sluice-bench … -j` printed) to the file as one JSON line, "
          "then\n"
          "prints the levels of every figure on every kind of machine, found by minimum "
          "description\n"
          "length, and the commit each began with. Exit 1 when the newest level lies more than "
          "--step\n"
          "per cent above the one before it and is news.",
          {"file", "step", "recent", "j"},
          RunTrendCommand};
}

}  // namespace sluice
