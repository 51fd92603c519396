#include "tools/bench/report_reader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/status/status.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

double Number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

ReadFigure FigureOf(const Json& json) {
  ReadFigure figure;
  figure.name = json.at("name").get<std::string>();
  figure.item = json.value("item", "packet");
  const Json& ns = json.at("ns");
  figure.ns = {Number(ns, "median"), Number(ns, "low"), Number(ns, "high")};
  figure.rounds_ns = json.value("rounds_ns", std::vector<double>());
  for (const auto& [key, value] : json.items()) {
    if (value.is_number()) {
      figure.numbers[key] = value.get<double>();
    } else if (key == "source_ns") {
      figure.numbers[key] = Number(value, "median");
    }
  }
  return figure;
}

ReadReport OwnShape(const Json& json) {
  ReadReport report;
  const Json& machine = json.at("machine");
  report.host = Text(machine, "host");
  report.cpu = Text(machine, "cpu");
  report.memory = Text(machine, "memory");
  report.compiler = Text(machine, "compiler");
  report.commit = Text(machine, "commit");
  report.tsc_hz = Number(machine, "tsc_hz");
  report.load = Number(machine, "load");
  for (const auto& [key, value] : json.at("settings").items()) {
    report.settings[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  for (const Json& figure : json.at("figures").get_ref<const Json::array_t&>()) {
    report.figures.push_back(FigureOf(figure));
  }
  for (const Json& stage : json.value("stages", Json::array())) {
    report.stages.push_back(
        {Text(stage, "stage"), Number(stage, "ns_per_packet"), Number(stage, "cycles_per_packet")});
  }
  report.broken_claims = json.value("broken_claims", std::vector<std::string>());
  return report;
}

double NanosecondsIn(const std::string& unit) {
  return unit == "us" ? 1e3 : unit == "ms" ? 1e6 : unit == "s" ? 1e9 : 1;
}

// Runs of one name become one figure: repetitions are its rounds, aggregates its spread.
void AddRun(const Json& run, ReadReport& report) {
  const std::string name = run.contains("run_name") ? Text(run, "run_name") : Text(run, "name");
  auto found = std::find_if(report.figures.begin(), report.figures.end(),
                            [&](const ReadFigure& figure) { return figure.name == name; });
  if (found == report.figures.end()) {
    report.figures.push_back({});
    found = report.figures.end() - 1;
    found->name = name;
    found->item = "iteration";
  }
  const double ns = Number(run, "cpu_time") * NanosecondsIn(Text(run, "time_unit"));
  const std::string aggregate = Text(run, "aggregate_name");
  if (aggregate.empty()) {
    found->rounds_ns.push_back(ns);
    found->ns = SpreadOf(found->rounds_ns);
  } else if (aggregate == "low_quartile") {
    found->ns.low = ns;
  } else if (aggregate == "high_quartile") {
    found->ns.high = ns;
  } else if (aggregate == "median" && found->rounds_ns.empty()) {
    found->ns = {ns, ns, ns};
  }
  for (const auto& [key, value] : run.items()) {
    if (value.is_number() && (aggregate.empty() || aggregate == "median")) {
      found->numbers[key] = value.get<double>();
    }
  }
}

ReadReport GoogleShape(const Json& json) {
  ReadReport report;
  const Json context = json.value("context", Json::object());
  report.host = Text(context, "host_name");
  report.cpu = Text(context, "cpu");
  report.memory = Text(context, "memory");
  report.compiler = Text(context, "compiler");
  report.commit = Text(context, "commit");
  report.tsc_hz = Number(context, "mhz_per_cpu") * 1e6;
  for (const Json& run : json.at("benchmarks").get_ref<const Json::array_t&>()) {
    AddRun(run, report);
  }
  return report;
}

}  // namespace

double ReadFigure::Number(const std::string& key) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? 0 : found->second;
}

const ReadFigure* ReadReport::Find(const std::string& name) const {
  const auto found = std::find_if(figures.begin(), figures.end(),
                                  [&](const ReadFigure& figure) { return figure.name == name; });
  return found == figures.end() ? nullptr : &*found;
}

absl::StatusOr<ReadReport> ParseReport(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (json.is_object() && json.contains("figures")) {
      return OwnShape(json);
    }
    if (json.is_object() && json.contains("benchmarks")) {
      return GoogleShape(json);
    }
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
  return absl::InvalidArgumentError(
      "neither what `sluice-bench … -j` prints nor Google Benchmark JSON");
}

absl::StatusOr<ReadReport> ReadReportFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || std::filesystem::is_directory(path)) {
    return absl::NotFoundError(path + " cannot be read");
  }
  absl::StatusOr<ReadReport> report = ParseReport(text.str());
  if (!report.ok()) {
    return absl::InvalidArgumentError(path + ": " + std::string(report.status().message()));
  }
  if (!report->broken_claims.empty()) {
    return absl::FailedPreconditionError(path + ": not what is named: " + report->broken_claims[0]);
  }
  return report;
}

}  // namespace sluice
