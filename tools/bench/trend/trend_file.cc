#include "tools/bench/trend/trend_file.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

TrendSeries& SeriesFor(const std::string& figure, const std::string& machine,
                       std::vector<TrendSeries>& all) {
  auto found = std::find_if(all.begin(), all.end(), [&](const TrendSeries& series) {
    return series.figure == figure && series.machine == machine;
  });
  if (found == all.end()) {
    found = all.insert(all.end(), TrendSeries{figure, machine, {}, {}});
  }
  return *found;
}

}  // namespace

absl::Status AppendTrend(const std::string& path, const ReadReport& report,
                         const std::string& time) {
  Json line = {{"time", time},
               {"commit", report.commit},
               {"cpu", report.cpu},
               {"memory", report.memory},
               {"figures", Json::object()}};
  for (const ReadFigure& figure : report.figures) {
    if (figure.ns.median > 0) {
      line["figures"][figure.name] = figure.ns.median;
    }
  }
  std::ofstream file(path, std::ios::app);
  file << line.dump() + "\n";
  file.flush();
  return file ? absl::OkStatus() : absl::PermissionDeniedError(path + " cannot be written");
}

absl::StatusOr<std::vector<TrendEntry>> ReadTrend(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(path + " cannot be read");
  }
  std::vector<TrendEntry> entries;
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    try {
      const Json json = Json::parse(line);
      entries.push_back(
          {json.at("time"), json.at("commit"),
           json.at("cpu").get<std::string>() + ", " + json.at("memory").get<std::string>(),
           json.at("figures").get<std::map<std::string, double>>()});
    } catch (const Json::exception& error) {
      return absl::InvalidArgumentError(path + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (file.bad()) {  // a folder
    return absl::InvalidArgumentError(path + " cannot be read");
  }
  return entries;
}

std::vector<TrendSeries> SeriesOf(const std::vector<TrendEntry>& entries) {
  std::vector<TrendSeries> all;
  for (const TrendEntry& entry : entries) {
    for (const auto& [figure, ns] : entry.ns) {
      TrendSeries& series = SeriesFor(figure, entry.machine, all);
      series.ns.push_back(ns);
      series.commits.push_back(entry.commit);
    }
  }
  return all;
}

}  // namespace sluice
